package packet

import (
	"errors"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/ingest/packet/packettest"
	"github.com/galaxalign/galaxalign/schemas"
)

// checkDecode holds a decoder to its guarantee for one payload.
func checkDecode(t *testing.T, d ingest.Decoder, payload []byte) {
	c, err := decodeOne(d, payload)
	if err == nil {
		if len(c.Images) != 3 || len(c.ObservationID) == 0 || len(c.Features) != 2 {
			t.Errorf("accepted with %d images, id %q, %d features", len(c.Images), c.ObservationID, len(c.Features))
		}
		return
	}
	var f *schemas.Fault
	if !errors.As(err, &f) || f.Position > int64(len(payload)) {
		t.Errorf("%v is no fault within %d bytes", err, len(payload))
	}
}

var fuzzOptions = Options{
	Features: []string{Sign, "ra"}, MaxInflated: 1 << 18, Limits: fits.Limits{MaxInflated: 1 << 18},
}

func FuzzPackets(f *testing.F) {
	for major := range 2 {
		f.Add(packettest.SmallZTF(3 + major).Container("null"))
		f.Add(packettest.SmallZTF(3 + major).Container("snappy"))
	}
	f.Add(packettest.SmallZTF(4).Container("deflate"))
	f.Add(packettest.SmallZTF(4).Container("zstandard"))
	d := NewAny(fuzzOptions)
	f.Fuzz(func(t *testing.T, payload []byte) { checkDecode(t, d, payload) })
}

// FuzzZTF changes the record alone, so that the schema stays whole.
func FuzzZTF(f *testing.F) {
	p := packettest.SmallZTF(3)
	f.Add(p.Datum())
	p.Record["cutoutTemplate"] = nil
	f.Add(p.Datum())
	d := NewZTF(fuzzOptions)
	f.Fuzz(func(t *testing.T, datum []byte) { checkDecode(t, d, packettest.Contain(p.Schema, datum)) })
}

func FuzzLSST(f *testing.F) {
	p := packettest.SmallLSST()
	f.Add(p.Wire(900))
	p.Record["cutoutScience"] = nil
	f.Add(p.Wire(900))
	o := fuzzOptions
	o.Schemas = fixedSchema(p.Schema)
	d := NewLSST(o)
	f.Fuzz(func(t *testing.T, payload []byte) { checkDecode(t, d, payload) })
}
