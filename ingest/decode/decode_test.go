package decode_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/decode"
	"github.com/galaxalign/galaxalign/ingest/fits"
	"github.com/galaxalign/galaxalign/ingest/packet"
	"github.com/galaxalign/galaxalign/ingest/packet/packettest"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// lsstFolder writes version 9.0 of packettest's LSST schema as a folder.
func lsstFolder(t testing.TB) *avro.Schemas {
	dir := filepath.Join(t.TempDir(), "9", "0")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "lsst.v9_0.alert.avsc"), []byte(packettest.LSST(1).Schema), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := avro.NewSchemas(avro.SchemasOptions{Folder: filepath.Dir(filepath.Dir(dir))})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newDecoder(t testing.TB, o decode.Options) ingest.Decoder {
	t.Helper()
	d, err := decode.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func decodeOne(d ingest.Decoder, payload []byte) (*schemas.Cutout, error) {
	var c schemas.Cutout
	c.Reset()
	m := ingest.Message{Value: payload, Origin: schemas.Origin{Topic: "t", Path: "misleading.html"}}
	err := d.Decode(&m, &c)
	return &c, err
}

func picture() []byte { return packettest.FITS(3, 2, []float32{1, 2, 3, 4, 5, 6}) }

func TestAutoLooksAtTheBytes(t *testing.T) {
	d := newDecoder(t, decode.Options{Packet: packet.Options{Schemas: lsstFolder(t)}})
	ztf, lsst := packettest.ZTF(1, 4), packettest.LSST(1)
	for _, c := range []struct {
		name, survey string
		payload      []byte
		images       int
	}{
		{"ZTF", "ztf", ztf.Container("null"), 3},
		{"ZTF snappy", "ztf", ztf.Container("snappy"), 3},
		{"ZTF gzipped", "ztf", packettest.Gzip(ztf.Container("null")), 3},
		{"LSST wire", "lsst", lsst.Wire(900), 3},
		{"LSST container", "lsst", lsst.Container("deflate"), 3},
		{"LSST wire gzipped", "lsst", packettest.Gzip(lsst.Wire(900)), 3},
		{"WINTER", "winter", packettest.Plain(1, "winter").Container("null"), 3},
		{"FITS", "", picture(), 1},
		{"FITS gzipped", "", packettest.Gzip(picture()), 1},
		{"FITS gzipped with padding", "", append(packettest.Gzip(picture()), 0, 0, 0), 1},
	} {
		got, err := decodeOne(d, c.payload)
		if err != nil || got.Survey != c.survey || len(got.Images) != c.images {
			t.Errorf("%s: survey %q, %d images, %v", c.name, got.Survey, len(got.Images), err)
		}
	}
}

func TestAutoNamesWhatItRefuses(t *testing.T) {
	d := newDecoder(t, decode.Options{Format: decode.Auto})
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	for want, payload := range map[string][]byte{
		"empty": nil, "HTML": []byte("\r\n <!DOCTYPE html>"), "JSON": []byte(` {"a":1}`), "zip": []byte("PK\x03\x04...."),
		"bzip2": []byte("BZh91AY"), "Parquet": []byte("PAR1...."), "gzip inside gzip": packettest.Gzip(packettest.Gzip(picture())),
		"xz": []byte("\xfd7zXZ\x00"), "zstandard": []byte("\x28\xb5\x2f\xfd.."), "PNG": []byte("\x89PNG\r\n"), "tar": tar,
		"HDF5": []byte("\x89HDF\r\n"), "de ad be ef": {0xde, 0xad, 0xbe, 0xef}, "00 00 00 00 00 00": make([]byte, 300),
	} {
		_, err := decodeOne(d, payload)
		f := schemas.AsFault(err)
		if f == nil || f.Reason != schemas.ReasonUnknownFormat || !strings.Contains(f.Detail, want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestGzippedMessages(t *testing.T) {
	d := newDecoder(t, decode.Options{MaxInflated: 1 << 20})
	for name, c := range map[string]struct {
		payload []byte
		reason  schemas.Reason
	}{
		"cut":           {packettest.Gzip(picture())[:40], schemas.ReasonBadGzip},
		"bomb":          {packettest.Gzip(make([]byte, 2<<20)), schemas.ReasonTooLarge},
		"broken inside": {packettest.Gzip(packettest.ZTF(1, 4).Container("null")[:9000]), schemas.ReasonTruncated},
	} {
		_, err := decodeOne(d, c.payload)
		f := schemas.AsFault(err)
		if f == nil || f.Reason != c.reason || f.Position != -1 {
			t.Errorf("%s: %v, want %s without a position", name, err, c.reason)
		}
	}
}

func TestFixedFormats(t *testing.T) {
	schemasOf := lsstFolder(t)
	payloads := map[string][]byte{
		decode.ZTF: packettest.ZTF(1, 3).Container("null"), decode.LSST: packettest.LSST(1).Wire(900), decode.FITS: picture(),
	}
	for format := range payloads {
		d := newDecoder(t, decode.Options{Format: format, Packet: packet.Options{Schemas: schemasOf}})
		for other, payload := range payloads {
			_, err := decodeOne(d, payload)
			if format == other && err != nil || format != other && schemas.AsFault(err) == nil {
				t.Errorf("format %s, payload %s: %v", format, other, err)
			}
		}
	}
}

func TestOptionsValidate(t *testing.T) {
	_, err := decode.New(decode.Options{
		Format: "hdf5", MaxInflated: -1, Packet: packet.Options{Stamps: []string{"psf"}}, FITS: fits.Options{Bands: []string{""}},
	})
	for _, part := range []string{"hdf5", "inflate limit", "psf", "band"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %q", err, part)
		}
	}
}

// TestRealPackets finds the survey of every real alert.
func TestRealPackets(t *testing.T) {
	resolver, err := avro.NewSchemas(avro.SchemasOptions{Folder: shareddata.Path(t, "data/alerts/lsst-alert_packet")})
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(t, decode.Options{Packet: packet.Options{Schemas: resolver}})
	for _, survey := range []string{"ztf", "winter", "decam", "lsst"} {
		files, err := filepath.Glob(filepath.Join(shareddata.Path(t, "data/alerts/boom/"+survey), "*.avro"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", survey, err)
		}
		for _, file := range files {
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if c, err := decodeOne(d, payload); err != nil || c.Survey != survey || len(c.Images) != 3 {
				t.Errorf("%s: survey %q, %d images, %v", file, c.Survey, len(c.Images), err)
			}
		}
	}
}

func TestNoAllocationInSteadyState(t *testing.T) {
	d := newDecoder(t, decode.Options{Packet: packet.Options{Schemas: lsstFolder(t), Features: []string{packet.Sign, "ra"}}})
	payloads := [][]byte{
		packettest.ZTF(1, 4).Container("null"), packettest.Gzip(packettest.ZTF(2, 4).Container("null")),
		packettest.LSST(1).Wire(900), packettest.Gzip(picture()),
	}
	var c schemas.Cutout
	var m ingest.Message
	all := func() {
		for _, m.Value = range payloads {
			c.Reset()
			if err := d.Decode(&m, &c); err != nil {
				t.Fatal(err)
			}
		}
	}
	all()
	if n := testing.AllocsPerRun(20, all); n != 0 {
		t.Errorf("%v allocations for %d messages", n, len(payloads))
	}
}

func FuzzAuto(f *testing.F) {
	for _, b := range [][]byte{
		picture(), packettest.Gzip(picture()), packettest.SmallLSST().Wire(900), packettest.SmallZTF(3).Container("null"), []byte("<html>"), nil,
	} {
		f.Add(b)
	}
	d := newDecoder(f, decode.Options{MaxInflated: 1 << 18, Packet: packet.Options{Schemas: lsstFolder(f)}})
	f.Fuzz(func(t *testing.T, payload []byte) {
		payload = bytes.Clone(payload)
		if _, err := decodeOne(d, payload); err != nil && schemas.AsFault(err) == nil {
			t.Errorf("%v is no fault", err)
		}
	})
}
