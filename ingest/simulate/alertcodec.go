package simulate

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// alertCodec encodes alert packets. The schema is built once from the field lists.
type alertCodec struct {
	candidate, history []field[candidate]
	head               []byte // container header up to the sync marker
	sync               [16]byte
}

// alert is what one packet holds.
type alert struct {
	objectID string
	now      candidate
	history  []candidate
	stamps   [3][]byte // gzipped FITS: science, template, difference
}

func newAlertCodec() *alertCodec {
	c := &alertCodec{candidate: candidateFields(), history: historyFields()}
	copy(c.sync[:], "galaxalign-sim-1")
	var w avroBuf
	w.magic()
	w.blockStart(2)
	w.string("avro.schema")
	w.bytes(c.schema())
	w.string("avro.codec")
	w.string("null")
	w.blockEnd()
	w.fixed(c.sync)
	c.head = w.b
	return c
}

// schema returns the JSON schema of a packet: the fields of the public ZTF 4.02 schema in its order, but
// for the forced photometry history, which the simulation does not make and leaves null.
func (c *alertCodec) schema() []byte {
	nullable := func(t any) []any { return []any{"null", t} }
	null := json.RawMessage("null")
	cutout := record{Type: "record", Name: "cutout", Namespace: "ztf.alert", Fields: []any{
		orderedField{Name: "fileName", Type: "string"},
		orderedField{Name: "stampData", Type: "bytes", Doc: "fits.gz"},
	}}
	history := record{Type: "record", Name: "prv_candidate", Namespace: "ztf.alert", Fields: schemaOf(c.history)}
	forced := record{Type: "record", Name: "fp_hist", Namespace: "ztf.alert", Fields: []any{
		orderedField{Name: "jd", Type: []any{"null", "double"}, Default: null},
		orderedField{Name: "forcediffimflux", Type: []any{"null", "float"}, Default: null},
	}}
	array := func(items any) map[string]any { return map[string]any{"type": "array", "items": items} }
	packet := record{Type: "record", Name: "alert", Namespace: "ztf", Version: "4.02",
		Doc: "simulated alert in the shape of the ZTF public alert packet", Fields: []any{
			orderedField{Name: "schemavsn", Type: "string"},
			orderedField{Name: "publisher", Type: "string"},
			orderedField{Name: "objectId", Type: "string"},
			orderedField{Name: "candid", Type: "long"},
			orderedField{Name: "candidate", Type: record{Type: "record", Name: "candidate", Namespace: "ztf.alert", Fields: schemaOf(c.candidate)}},
			orderedField{Name: "prv_candidates", Type: nullable(array(history)), Default: null},
			orderedField{Name: "fp_hists", Type: nullable(array(forced)), Default: null},
			orderedField{Name: "cutoutScience", Type: nullable(cutout), Default: null},
			orderedField{Name: "cutoutTemplate", Type: nullable("ztf.alert.cutout"), Default: null},
			orderedField{Name: "cutoutDifference", Type: nullable("ztf.alert.cutout"), Default: null},
		}}
	b, err := json.Marshal(packet)
	if err != nil { // the value above is made of strings: it cannot fail
		return nil
	}
	return b
}

// encode returns the packet as an Avro object container file with one block of one record.
func (c *alertCodec) encode(a *alert) []byte {
	size := len(c.head) + 2048 + 400*len(a.history)
	for _, s := range a.stamps {
		size += len(s) + 80
	}
	w := avroBuf{b: make([]byte, 0, size)}
	w.b = append(w.b, c.head...)
	w.blockStart(1)
	at := len(w.b)
	w.b = append(w.b, make([]byte, binary.MaxVarintLen64)...) // room for the length of the block
	start := len(w.b)
	c.datum(&w, a)
	var length avroBuf
	length.long(int64(len(w.b) - start))
	n := copy(w.b[at:], length.b)
	w.b = append(w.b[:at+n], w.b[start:]...)
	w.fixed(c.sync)
	return w.b
}

// datum encodes the record itself.
func (c *alertCodec) datum(w *avroBuf, a *alert) {
	w.string("4.02")
	w.string("GalaxAlign simulation")
	w.string(a.objectID)
	w.long(a.now.candid)
	for i := range c.candidate {
		c.candidate[i].put(w, &a.now)
	}
	if len(a.history) == 0 {
		w.branch(0)
	} else {
		w.branch(1)
		w.blockStart(int64(len(a.history)))
		for i := range a.history {
			for j := range c.history {
				c.history[j].put(w, &a.history[i])
			}
		}
		w.blockEnd()
	}
	w.branch(0) // fp_hists
	names := [3]string{
		fmt.Sprintf("candid%d_pid%d_targ_sci.fits.gz", a.now.candid, a.now.pid),
		fmt.Sprintf("candid%d_ref.fits.gz", a.now.candid),
		fmt.Sprintf("candid%d_pid%d_targ_scimref.fits.gz", a.now.candid, a.now.pid),
	}
	for i, stamp := range a.stamps {
		w.branch(1)
		w.string(names[i])
		w.bytes(stamp)
	}
}

// diffName is the name of the difference image a detection was found in.
func diffName(c *candidate) string {
	return fmt.Sprintf("ztf_%d_%06d_%s_c%02d_o_q%d_scimrefdiffimg.fits", c.pid/1e6, c.field,
		[]string{"zz", "zg", "zr", "zi"}[c.fid&3], c.rcid/4+1, c.rcid%4+1)
}
