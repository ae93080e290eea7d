package avro_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/hamba/avro/v2/ocf"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/avro/avrotest"
	"github.com/galaxalign/galaxalign/schemas"
)

const wordSchema = `{"type":"record","name":"r","fields":[{"name":"a","type":"string"}]}`

var codecs = []string{"null", "deflate", "snappy", "zstandard"}

// words reads all records of a container of wordSchema.
func words(c *avro.Container, p *avro.Program, payload []byte) ([]string, error) {
	if err := c.Open(payload); err != nil {
		return nil, err
	}
	var out []string
	row := make([]avro.Value, 1)
	for {
		block, err := c.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		rest := block.Data
		for range block.Records {
			n, err := p.Run(rest, block.Base, row)
			if err != nil {
				return out, err
			}
			out = append(out, string(row[0].Bytes))
			rest = rest[n:]
		}
	}
}

func TestContainerBlocksAndCodecs(t *testing.T) {
	p := program(t, wordSchema, "a")
	c := avro.NewContainer(1 << 20)
	text := func(s string) []byte { return avrotest.Text(nil, s) }
	for _, codec := range codecs {
		payload := avrotest.Container(wordSchema, codec, [][]byte{text("one"), text("two")}, nil, [][]byte{text("three")})
		got, err := words(c, p, payload)
		if err != nil || len(got) != 3 || got[0] != "one" || got[1] != "two" || got[2] != "three" {
			t.Errorf("%s: %q, %v", codec, got, err)
		}
		if string(c.Schema) != wordSchema {
			t.Errorf("%s: schema %s", codec, c.Schema)
		}
	}
}

// TestContainerOfHamba reads containers that another library wrote.
func TestContainerOfHamba(t *testing.T) {
	p := program(t, wordSchema, "a")
	c := avro.NewContainer(1 << 20)
	for codec, name := range map[string]ocf.CodecName{"null": ocf.Null, "deflate": ocf.Deflate, "snappy": ocf.Snappy, "zstandard": ocf.ZStandard} {
		var buf bytes.Buffer
		enc, err := ocf.NewEncoder(wordSchema, &buf, ocf.WithCodec(name), ocf.WithBlockLength(2))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []string{"x", "yy", "zzz"} {
			if err := enc.Encode(map[string]any{"a": w}); err != nil {
				t.Fatal(err)
			}
		}
		if err := enc.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := words(c, p, buf.Bytes())
		if err != nil || len(got) != 3 || got[2] != "zzz" {
			t.Errorf("%s: %q, %v", codec, got, err)
		}
	}
}

func TestContainerCutEverywhere(t *testing.T) {
	p := program(t, wordSchema, "a")
	c := avro.NewContainer(1 << 20)
	for _, codec := range codecs {
		whole := avrotest.Container(wordSchema, codec, [][]byte{avrotest.Text(nil, "some words")})
		header := avrotest.Container(wordSchema, codec)
		for n := range whole {
			got, err := words(c, p, whole[:n])
			if n == len(header) { // a container without blocks is whole
				if err != nil || len(got) != 0 {
					t.Errorf("%s: the header alone: %q, %v", codec, got, err)
				}
			} else if schemas.AsFault(err) == nil {
				t.Errorf("%s: cut to %d of %d bytes: %q, %v", codec, n, len(whole), got, err)
			}
		}
	}
}

func TestContainerDamage(t *testing.T) {
	p := program(t, wordSchema, "a")
	record := avrotest.Text(nil, "some words that are long enough to be compressed some words some words")
	for _, codec := range codecs {
		good := avrotest.Container(wordSchema, codec, [][]byte{record})
		header := len(avrotest.Container(wordSchema, codec))
		for name, c := range map[string]struct {
			damage func(b []byte) []byte
			limit  int
			reason schemas.Reason
		}{
			"sync":          {func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, 1 << 20, schemas.ReasonBadAvro},
			"magic":         {func(b []byte) []byte { b[3] = 2; return b }, 1 << 20, schemas.ReasonBadAvro},
			"codec":         {func(b []byte) []byte { return bytes.Replace(b, []byte(codec), []byte("xxxxxxxxxxx")[:len(codec)], 1) }, 1 << 20, schemas.ReasonCompressed},
			"no schema":     {func(b []byte) []byte { return bytes.Replace(b, []byte("avro.schema"), []byte("avro.schemx"), 1) }, 1 << 20, schemas.ReasonBadAvro},
			"negative":      {func(b []byte) []byte { b[header] = 1; return b }, 1 << 20, schemas.ReasonBadAvro},
			"inflate limit": {func(b []byte) []byte { return b }, 20, schemas.ReasonTooLarge},
		} {
			if name == "inflate limit" && codec == "null" {
				continue
			}
			_, err := words(avro.NewContainer(c.limit), p, c.damage(bytes.Clone(good)))
			if f := schemas.AsFault(err); f == nil || f.Reason != c.reason {
				t.Errorf("%s, %s: %v, want %s", codec, name, err, c.reason)
			}
		}
	}
}

// TestSnappyChecksum flips the checksum of a snappy block, and a byte of its data.
func TestSnappyChecksum(t *testing.T) {
	p := program(t, wordSchema, "a")
	good := avrotest.Container(wordSchema, "snappy", [][]byte{avrotest.Text(nil, "words")})
	for _, back := range []int{1, 4, 6} { // from the end of the block's data
		b := bytes.Clone(good)
		b[len(b)-16-back] ^= 1
		_, err := words(avro.NewContainer(1<<20), p, b)
		if f := schemas.AsFault(err); f == nil || f.Reason != schemas.ReasonBadAvro {
			t.Errorf("byte %d before the marker changed: %v", back, err)
		}
	}
}

// TestContainerMetadata reads the forms of the header's map that writers use.
func TestContainerMetadata(t *testing.T) {
	p := program(t, wordSchema, "a")
	block := append(avrotest.Text(avrotest.Long(nil, 1), avrotest.Text(nil, "w")), avrotest.Sync...)
	entry := avrotest.Text(avrotest.Text(nil, "avro.schema"), wordSchema)
	other := avrotest.Text(avrotest.Text(nil, "writer"), "someone")
	finish := func(metadata []byte) []byte {
		b := append([]byte(avro.ContainerMagic), metadata...)
		return append(append(append(b, 0), avrotest.Sync...), block...)
	}
	sized := append(avrotest.Long(avrotest.Long(nil, -1), int64(len(entry))), entry...)
	for name, metadata := range map[string][]byte{
		"schema alone": append([]byte{2}, entry...),
		"two blocks":   append(append(append([]byte{2}, other...), 2), entry...),
		"sized block":  sized,
	} {
		if got, err := words(avro.NewContainer(1<<20), p, finish(metadata)); err != nil || len(got) != 1 || got[0] != "w" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, metadata := range map[string][]byte{
		"too many entries": avrotest.Long(nil, 1<<40), "negative length": {2, 1}, "most negative": avrotest.Long(nil, -1<<63),
	} {
		if got, err := words(avro.NewContainer(1<<20), p, finish(metadata)); schemas.AsFault(err) == nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestWire(t *testing.T) {
	id, datum, ok := avro.Wire([]byte{0, 0, 0, 3, 0x84, 9})
	if id != 900 || len(datum) != 1 || datum[0] != 9 || !ok {
		t.Errorf("%d %v %v", id, datum, ok)
	}
	for _, b := range [][]byte{nil, {0}, {0, 0, 0, 3}, {1, 0, 0, 3, 0x84, 9}} {
		if _, _, ok := avro.Wire(b); ok {
			t.Errorf("%v is taken for the wire format", b)
		}
	}
}

func TestCache(t *testing.T) {
	built := 0
	c := avro.NewCache(func(s *avro.Schema) (string, error) { built++; return s.Name, nil })
	schema := func(i int) []byte {
		return []byte(`{"type":"fixed","size":1,"name":"n` + string(rune('a'+i)) + `"}`)
	}
	for range 3 {
		for i := range 5 {
			for range 2 {
				if got, err := c.Get(schema(i)); err != nil || got != "n"+string(rune('a'+i)) {
					t.Fatalf("%q, %v", got, err)
				}
			}
		}
	}
	if built != 5 {
		t.Errorf("built %d times for 5 schemas", built)
	}
	for i := range 1000 { // more than the cache keeps
		if _, err := c.Get(append(bytes.Repeat([]byte(" "), i), schema(0)...)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Get(nil); err == nil {
		t.Error("no schema at all is accepted")
	}
}
