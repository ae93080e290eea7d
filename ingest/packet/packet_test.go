package packet

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/avro/avrotest"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/ingest/packet/packettest"
	"github.com/galaxalign/galaxalign/schemas"
)

// decodeOne decodes a payload into a fresh cutout.
func decodeOne(d ingest.Decoder, payload []byte) (*schemas.Cutout, error) {
	var c schemas.Cutout
	c.Reset()
	err := d.Decode(&ingest.Message{Value: payload}, &c)
	return &c, err
}

// wantFault checks the reason of a refusal.
func wantFault(t *testing.T, err error, reason schemas.Reason) *schemas.Fault {
	t.Helper()
	f := schemas.AsFault(err)
	if f == nil || f.Reason != reason || f.Stage != schemas.StageIngest {
		t.Fatalf("%v, want %s", err, reason)
	}
	return f
}

// sameFloat compares, NaN being equal to NaN.
func sameFloat(a, b float32) bool { return a == b || a != a && b != b }

func TestZTFAllVersionsAndCodecs(t *testing.T) {
	d := NewZTF(Options{Features: append([]string{Sign, "candidate.rb", "fid"}, acai...)})
	for seed := range uint64(20) {
		major := 3 + int(seed%2)
		p := packettest.ZTF(seed, major)
		record, candidate := p.Record, p.Record["candidate"].(map[string]any)
		for _, codec := range []string{"null", "snappy", "deflate", "zstandard"} {
			c, err := decodeOne(d, p.Container(codec))
			if err != nil {
				t.Fatal(err)
			}
			if c.Survey != "ztf" || string(c.ObjectID) != record["objectId"] || string(c.ObservationID) != strconv.FormatInt(record["candid"].(int64), 10) {
				t.Errorf("%s %s %s", c.Survey, c.ObjectID, c.ObservationID)
			}
			if c.RA != candidate["ra"] || c.Dec != candidate["dec"] {
				t.Errorf("position %v %v", c.RA, c.Dec)
			}
			wantAt := time.UnixMicro(int64((candidate["jd"].(float64) - 2440587.5) * 86400e6))
			if diff := c.ObservedAt.Sub(wantAt).Abs(); diff > 50*time.Microsecond {
				t.Errorf("time %v, want %v", c.ObservedAt, wantAt)
			}
			checkZTFFeatures(t, c, candidate)
			checkZTFStamps(t, c, candidate)
		}
	}
}

func checkZTFFeatures(t *testing.T, c *schemas.Cutout, candidate map[string]any) {
	sign := map[string]float32{"t": 1, "1": 1, "f": -1, "0": -1}[candidate["isdiffpos"].(string)]
	if c.Features[0] != sign {
		t.Errorf("sign %v, want %v", c.Features[0], sign)
	}
	for i, name := range append([]string{"rb", "fid"}, acai...) {
		want := float32(math.NaN())
		switch v := candidate[name].(type) {
		case float32:
			want = v
		case float64:
			want = float32(v)
		case int:
			want = float32(v)
		}
		if got := c.Features[1+i]; !sameFloat(got, want) {
			t.Errorf("%s is %v, want %v", name, got, candidate[name])
		}
	}
}

func checkZTFStamps(t *testing.T, c *schemas.Cutout, candidate map[string]any) {
	names := []string{}
	for _, img := range c.Images {
		names = append(names, img.Name)
		zero := math.NaN()
		if m, ok := candidate["magzpsci"].(float32); ok && img.Name != Template {
			zero = float64(m)
		}
		if img.Width != 63 || img.Height != 63 || img.Unit != "DN" || img.PixelScale != 1.01 || !sameFloat(float32(img.ZeroPoint), float32(zero)) {
			t.Errorf("%s: %dx%d, %q, %v arcsec, zero point %v, want %v", img.Name, img.Width, img.Height, img.Unit, img.PixelScale, img.ZeroPoint, zero)
		}
	}
	if !slices.Equal(names, []string{Science, Template, Difference}) || c.Flags != 0 {
		t.Errorf("images %v, flags %v", names, c.Flags)
	}
}

func TestStampsInTheOrderAsked(t *testing.T) {
	p := packettest.ZTF(1, 4)
	want := map[string][]float32{}
	all, err := decodeOne(NewZTF(Options{}), p.Container("null"))
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range all.Images {
		want[img.Name] = img.Pixels
	}
	for _, stamps := range [][]string{{Difference, Science}, {Template}, {Template, Difference, Science}} {
		c, err := decodeOne(NewZTF(Options{Stamps: stamps}), p.Container("null"))
		if err != nil || len(c.Images) != len(stamps) {
			t.Fatalf("%v: %d images, %v", stamps, len(c.Images), err)
		}
		for i, name := range stamps {
			if c.Images[i].Name != name || !slices.Equal(c.Images[i].Pixels, want[name]) {
				t.Errorf("%v: image %d is %s or has other pixels", stamps, i, c.Images[i].Name)
			}
		}
	}
}

func TestEdgeAndNaNStamps(t *testing.T) {
	pixels := make([]float32, 63*48)
	pixels[5] = float32(math.NaN())
	p := packettest.ZTF(2, 4)
	p.Record["cutoutTemplate"] = map[string]any{"fileName": "x", "stampData": packettest.FITS(63, 48, pixels)}
	c, err := decodeOne(NewZTF(Options{}), p.Container("null"))
	if err != nil {
		t.Fatal(err)
	}
	if img := c.Image(Template); img.Width != 63 || img.Height != 48 || img.Pixels[5] == img.Pixels[5] {
		t.Errorf("%dx%d, pixel 5 is %v", img.Width, img.Height, img.Pixels[5])
	}
	if c.Flags != schemas.FlagEdge|schemas.FlagNaNPixels {
		t.Errorf("flags %v", c.Flags)
	}
}

func TestMissingCutoutKeepsTheRest(t *testing.T) {
	for name, stamp := range map[string]any{"null": nil, "empty": map[string]any{"fileName": "x", "stampData": []byte{}}} {
		p := packettest.ZTF(3, 4)
		p.Record["cutoutTemplate"] = stamp
		c, err := decodeOne(NewZTF(Options{Features: []string{Sign, "ra"}}), p.Container("null"))
		f := wantFault(t, err, schemas.ReasonMissingCutout)
		if !strings.Contains(f.Detail, "cutoutTemplate") {
			t.Errorf("%s: %s", name, f.Detail)
		}
		if string(c.ObjectID) != p.Record["objectId"] || len(c.ObservationID) == 0 || c.ObservedAt.IsZero() || len(c.Features) != 2 {
			t.Errorf("%s: %+v", name, c)
		}
		if _, err := decodeOne(NewZTF(Options{Stamps: []string{Science}}), p.Container("null")); err != nil {
			t.Errorf("%s: a stamp that is not wanted: %v", name, err)
		}
	}
}

// TestBadStamp checks that a fault names the stamp and points into it.
func TestBadStamp(t *testing.T) {
	good := packettest.Gzip(packettest.FITS(63, 63, make([]float32, 63*63)))
	for name, c := range map[string]struct {
		stamp  []byte
		reason schemas.Reason
	}{
		"page":      {[]byte("<html>not found</html>"), schemas.ReasonNotFITS},
		"two bytes": {[]byte("0\n"), schemas.ReasonNotFITS},
		"gzip cut":  {good[:len(good)-3], schemas.ReasonBadGzip},
		"gzip CRC":  {append(good[:len(good)-5:len(good)-5], good[len(good)-5]^1, 0, 0, 0, 0), schemas.ReasonBadGzip},
		"cut":       {packettest.FITS(63, 63, make([]float32, 63*63))[:5000], schemas.ReasonTruncated},
		"bomb":      {packettest.Gzip(make([]byte, 2<<20)), schemas.ReasonTooLarge},
	} {
		p := packettest.ZTF(4, 4)
		p.Record["cutoutDifference"] = map[string]any{"fileName": "x", "stampData": c.stamp}
		payload := p.Container("null")
		cut, err := decodeOne(NewZTF(Options{Limits: fits.Limits{MaxInflated: 1 << 20}}), payload)
		f := wantFault(t, err, c.reason)
		start := int64(strings.Index(string(payload), string(c.stamp)))
		if !strings.Contains(f.Detail, "cutoutDifference") || f.Position < start || f.Position > start+int64(len(c.stamp)) {
			t.Errorf("%s: %v, the stamp starts at %d", name, f, start)
		}
		if string(cut.ObjectID) != p.Record["objectId"] {
			t.Errorf("%s: object %q", name, cut.ObjectID)
		}
		if _, err = decodeOne(NewZTF(Options{Limits: fits.Limits{MaxInflated: 1 << 20}}), p.Container("snappy")); schemas.AsFault(err).Position != -1 {
			t.Errorf("%s: a position %v in inflated data", name, err)
		}
	}
}

func TestPacketsCutEverywhere(t *testing.T) {
	p := packettest.ZTF(5, 4)
	whole := p.Container("null")
	d := NewZTF(Options{})
	idEnd := strings.Index(string(whole), p.Record["objectId"].(string)) + 25
	for n := range whole {
		if n > idEnd+2000 && n < len(whole)-2000 && n%97 != 0 {
			continue // inside the stamps every byte is like the next
		}
		c, err := decodeOne(d, whole[:n])
		if schemas.AsFault(err) == nil {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
		if n > idEnd && string(c.ObjectID) != p.Record["objectId"] {
			t.Fatalf("cut to %d bytes, after the identity: object %q", n, c.ObjectID)
		}
	}
	wire := packettest.LSST(5).Wire(900)
	l := NewLSST(Options{Schemas: fixedSchema(packettest.LSST(5).Schema)})
	for n := range wire {
		if _, err := decodeOne(l, wire[:n]); schemas.AsFault(err) == nil {
			t.Fatalf("LSST cut to %d of %d bytes: %v", n, len(wire), err)
		}
	}
}

func TestContainersThatAreNotOnePacket(t *testing.T) {
	p := packettest.ZTF(6, 4)
	one, two := p.Datum(), packettest.ZTF(7, 4).Datum()
	d := NewZTF(Options{})
	for name, payload := range map[string][]byte{
		"two in a block": avrotest.Container(p.Schema, "null", [][]byte{one, two}),
		"two blocks":     avrotest.Container(p.Schema, "null", [][]byte{one}, [][]byte{two}),
		"none":           avrotest.Container(p.Schema, "null"),
		"empty block":    avrotest.Container(p.Schema, "null", nil),
		"bytes left":     avrotest.Container(p.Schema, "null", [][]byte{append(one, 0)}),
	} {
		if _, err := decodeOne(d, payload); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantFault(t, err, schemas.ReasonBadAvro)
		}
	}
}

func TestNamesMustBeNames(t *testing.T) {
	for name, ok := range map[string]bool{"": false, "x": true, strings.Repeat("x", 256): true, strings.Repeat("x", 257): false} {
		p := packettest.SmallZTF(4)
		p.Record["objectId"] = name
		_, err := decodeOne(NewZTF(Options{}), p.Container("null"))
		if ok && err != nil {
			t.Errorf("a name of %d bytes: %v", len(name), err)
		} else if !ok {
			wantFault(t, err, schemas.ReasonMissingField)
		}
	}
}

func TestUnknownAndUnusableSchemas(t *testing.T) {
	text := avrotest.Text(nil, "x")
	for name, c := range map[string]struct {
		schema string
		reason schemas.Reason
	}{
		"another record": {`{"type":"record","name":"other.alert","fields":[{"name":"a","type":"string"}]}`, schemas.ReasonUnknownSchema},
		"no record":      {`"string"`, schemas.ReasonUnknownSchema},
		"no schema":      {`{"type":"record"`, schemas.ReasonUnknownSchema},
		"no identity":    {`{"type":"record","name":"ztf.alert","fields":[{"name":"objectId","type":"string"}]}`, schemas.ReasonMissingField},
		"no object":      {`{"type":"record","name":"ztf.alert","fields":[{"name":"candid","type":"string"}]}`, schemas.ReasonMissingField},
	} {
		for _, d := range []ingest.Decoder{NewZTF(Options{}), NewAny(Options{})} {
			_, err := decodeOne(d, avrotest.Container(c.schema, "null", [][]byte{text}))
			if f := schemas.AsFault(err); f == nil || f.Reason != c.reason {
				t.Errorf("%s: %v, want %s", name, err, c.reason)
			}
		}
	}
	if _, err := decodeOne(NewZTF(Options{}), packettest.Plain(1, "winter").Container("null")); err == nil {
		t.Error("a WINTER alert passes for a ZTF alert")
	}
}

func TestBadPositionAndTime(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), -1, 361, 1e300} {
		p := packettest.ZTF(8, 4)
		candidate := p.Record["candidate"].(map[string]any)
		candidate["ra"], candidate["jd"] = bad, bad
		c, err := decodeOne(NewZTF(Options{}), p.Container("null"))
		if err != nil || c.Flags != schemas.FlagNoPosition|schemas.FlagBadTime || c.RA == c.RA || c.Dec == c.Dec || !c.ObservedAt.IsZero() {
			t.Errorf("%v: flags %v, %v %v, %v, %v", bad, c.Flags, c.RA, c.Dec, c.ObservedAt, err)
		}
	}
}

func TestOptionsValidate(t *testing.T) {
	if err := (Options{Features: acai, Stamps: []string{Difference}}).Validate(); err != nil {
		t.Error(err)
	}
	err := Options{Features: []string{""}, Stamps: []string{"psf", Science, Science}, MaxInflated: -1, Limits: fits.Limits{MaxHDUs: -1}}.Validate()
	for _, part := range []string{"feature 0", "psf", "twice", "negative", "MaxHDUs"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %q", err, part)
		}
	}
}

// TestDecodersReuseMemory decodes different packets into one cutout and compares with fresh ones.
func TestDecodersReuseMemory(t *testing.T) {
	d := NewAny(Options{Features: []string{Sign, "ra"}, Schemas: fixedSchema(packettest.LSST(1).Schema)})
	var c schemas.Cutout
	for seed := range uint64(12) {
		payload := packettest.ZTF(seed, 3+int(seed%2)).Container([]string{"null", "snappy"}[seed/2%2])
		if seed%3 == 2 {
			payload = packettest.LSST(seed).Wire(900)
		}
		c.Reset()
		if err := d.Decode(&ingest.Message{Value: payload}, &c); err != nil {
			t.Fatal(err)
		}
		fresh, err := decodeOne(NewAny(Options{Features: []string{Sign, "ra"}, Schemas: fixedSchema(packettest.LSST(1).Schema)}), payload)
		if err != nil {
			t.Fatal(err)
		}
		if string(c.ObjectID) != string(fresh.ObjectID) || !c.ObservedAt.Equal(fresh.ObservedAt) || !slices.EqualFunc(c.Features, fresh.Features, sameFloat) {
			t.Errorf("seed %d: %+v, want %+v", seed, c, *fresh)
		}
		for i := range fresh.Images {
			if !reflect.DeepEqual(c.Images[i].Pixels, fresh.Images[i].Pixels) {
				t.Errorf("seed %d: image %d differs", seed, i)
			}
		}
	}
}

func TestNoAllocationInSteadyState(t *testing.T) {
	var packets [][]byte
	for seed := range uint64(8) {
		packets = append(packets, packettest.ZTF(seed, 4).Container([]string{"null", "snappy", "deflate", "zstandard"}[seed%4]))
	}
	wire := packettest.LSST(1)
	for seed := range uint64(2) {
		packets = append(packets, packettest.LSST(seed).Wire(900))
	}
	d := NewAny(Options{Features: append([]string{Sign}, acai...), Schemas: fixedSchema(wire.Schema)})
	var c schemas.Cutout
	var m ingest.Message
	all := func() {
		for _, m.Value = range packets {
			c.Reset()
			if err := d.Decode(&m, &c); err != nil {
				t.Fatal(err)
			}
		}
	}
	all()
	if n := testing.AllocsPerRun(20, all); n != 0 {
		t.Errorf("%v allocations for %d packets", n, len(packets))
	}
}
