package simulate

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/hamba/avro/v2/ocf"

	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// readAlert decodes a packet with an independent Avro reader and the schema the packet carries.
func readAlert(t *testing.T, value []byte) map[string]any {
	t.Helper()
	dec, err := ocf.NewDecoder(bytes.NewReader(value))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	for n := 0; dec.HasNext(); n++ {
		if n > 0 {
			t.Fatal("more than one record in a packet")
		}
		if err := dec.Decode(&m); err != nil {
			t.Fatal(err)
		}
	}
	if err := dec.Error(); err != nil {
		t.Fatal(err)
	}
	return m
}

// stamp inflates one stamp and returns its shape and pixels.
func stamp(t *testing.T, m map[string]any, name string) (width, height int, pixels []float32) {
	t.Helper()
	cut := m[name].(map[string]any)
	if rec, ok := cut["ztf.alert.cutout"].(map[string]any); ok {
		cut = rec
	}
	z, err := gzip.NewReader(bytes.NewReader(cut["stampData"].([]byte)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < fitsBlock; i += 80 {
		card := string(raw[i : i+80])
		value := strings.TrimSpace(card[10:30])
		switch strings.TrimSpace(card[:8]) {
		case "NAXIS1":
			width, _ = strconv.Atoi(value)
		case "NAXIS2":
			height, _ = strconv.Atoi(value)
		}
	}
	if want := fitsBlock + (width*height*4+fitsBlock-1)/fitsBlock*fitsBlock; len(raw) != want {
		t.Fatalf("%s inflates to %d bytes, want %d", name, len(raw), want)
	}
	if width == stampSize && height == stampSize && len(raw) != 20160 {
		t.Fatalf("%s inflates to %d bytes, want 20160", name, len(raw))
	}
	pixels = make([]float32, width*height)
	for i := range pixels {
		pixels[i] = math.Float32frombits(binary.BigEndian.Uint32(raw[fitsBlock+4*i:]))
	}
	return width, height, pixels
}

// acai are the features that the ACAI classifiers of ZTF stamps read.
var acai = strings.Fields(`drb diffmaglim ra dec magpsf sigmapsf chipsf fwhm sky chinr sharpnr sgscore1 distpsnr1
	sgscore2 distpsnr2 sgscore3 distpsnr3 ndethist ncovhist scorr nmtchps clrcoeff clrcounc neargaia neargaiabright`)

func TestAlertReadsBackWithAnIndependentReader(t *testing.T) {
	s := survey(t, Config{Seed: 4, Format: FormatZTF})
	if len(acai) != 25 {
		t.Fatalf("%d features", len(acai))
	}
	for i := range uint64(12) {
		p := packet(t, s, i)
		m := readAlert(t, p.Value)
		if m["objectId"] != p.ObjectID || m["schemavsn"] != "4.02" {
			t.Errorf("packet %d is %v of schema %v", i, m["objectId"], m["schemavsn"])
		}
		c := m["candidate"].(map[string]any)
		if rec, ok := c["ztf.alert.candidate"].(map[string]any); ok {
			c = rec
		}
		for _, name := range acai {
			switch v := c[name].(type) {
			case float64, float32, int, int64:
			default:
				t.Errorf("packet %d: feature %s is %v", i, name, v)
			}
		}
		if jd := c["jd"].(float64); math.Abs(jd-2400000.5-mjd(p.Time)) > 1e-6 {
			t.Errorf("packet %d: jd %f", i, jd)
		}
		if drb := float64(c["drb"].(float32)); (drb > 0.5) == (p.Event == Bogus) {
			t.Errorf("packet %d is %s and has drb %.2f", i, p.Event, drb)
		}
		checkStamps(t, m, c, &p)
	}
}

// checkStamps checks that the difference is science less template, with the sign the packet states.
func checkStamps(t *testing.T, m, c map[string]any, p *Packet) {
	t.Helper()
	w, h, science := stamp(t, m, "cutoutScience")
	_, _, template := stamp(t, m, "cutoutTemplate")
	_, _, diff := stamp(t, m, "cutoutDifference")
	if w != stampSize || h != stampSize {
		return
	}
	turn := 1.0
	if c["isdiffpos"] == "f" {
		turn = -1
	}
	// The two stamps have different sky levels: compare each pixel with a corner pixel.
	level := float64(science[0]-template[0]) - turn*float64(diff[0])
	for i := range diff {
		want := turn * (float64(science[i]-template[i]) - level)
		if math.Abs(float64(diff[i])-want) > 0.05+1e-4*math.Abs(float64(science[i])) {
			t.Fatalf("packet %d pixel %d: difference %g, want %g", p.Index, i, diff[i], want)
		}
	}
	if p.Event == Bogus {
		return
	}
	var middle, edge float64
	for y := -3; y <= 3; y++ {
		for x := -3; x <= 3; x++ {
			middle += float64(diff[(31+y)*stampSize+31+x])
			edge += float64(diff[(6+y)*stampSize+6+x])
		}
	}
	if middle < edge {
		t.Errorf("packet %d: the %s is not bright in the difference (%g against %g of sky)", p.Index, p.Event, middle, edge)
	}
}

func TestOneAlertInEdgeEveryIsAtAnEdgeAndOneHasADeadColumn(t *testing.T) {
	if every := survey(t, Config{Format: FormatZTF}).Config().EdgeEvery; every != 100 {
		t.Errorf("one in %d by default, want 100", every)
	}
	s := survey(t, Config{Seed: 1, Format: FormatZTF, EdgeEvery: 20})
	var edges, dead int
	for i := range uint64(60) {
		k, err := s.skyOf(i)
		if err != nil {
			t.Fatal(err)
		}
		if k.event.edgeX == 0 && k.event.nan < 0 {
			continue
		}
		w, h, px := stamp(t, readAlert(t, packet(t, s, i).Value), "cutoutScience")
		var nans int
		for _, v := range px {
			if v != v {
				nans++
			}
		}
		switch {
		case w < stampSize != (h < stampSize) && min(w, h) >= 30 && nans == 0:
			edges++
		case w == stampSize && h == stampSize && nans == stampSize:
			dead++
		default:
			t.Errorf("packet %d: %d by %d with %d pixels without data", i, w, h, nans)
		}
	}
	if edges != 3 || dead != 3 {
		t.Errorf("in 60 packets %d edges and %d dead columns, want 3 and 3", edges, dead)
	}
	never := survey(t, Config{Seed: 1, Format: FormatZTF, EdgeEvery: -1})
	for _, i := range []uint64{6, 12} {
		if k, err := never.skyOf(i); err != nil || k.event.edgeX != 0 || k.event.nan >= 0 {
			t.Errorf("packet %d: %v, %v", i, k.event, err)
		}
	}
}

func TestSchemaHasTheFieldsOfARealPacketInTheirOrder(t *testing.T) {
	b, err := os.ReadFile(shareddata.Path(t, "data/alerts/boom/ztf/2695378462115010012.avro"))
	if err != nil {
		t.Fatal(err)
	}
	real, err := ocf.NewDecoder(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := ocf.NewDecoder(bytes.NewReader(packet(t, survey(t, Config{Format: FormatZTF}), 0).Value))
	if err != nil {
		t.Fatal(err)
	}
	want, got := fieldNames(t, real), fieldNames(t, ours)
	if want != got {
		t.Errorf("fields differ\nreal %s\nours %s", want, got)
	}
}

func BenchmarkEncodeAlert(b *testing.B) {
	s := survey(b, Config{Format: FormatZTF, Distinct: 1})
	packet(b, s, 0)
	b.ReportAllocs()
	for i := range b.N {
		packet(b, s, uint64(i))
	}
}
