package avro_test

import (
	"io"
	"testing"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/avro/avrotest"
	"github.com/galaxalign/galaxalign/schemas"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		wordSchema, fields(`"int"`, `["null","float"]`, `{"type":"array","items":"r"}`), `["null","string"]`,
		`{"type":"enum","name":"e","symbols":["a"]}`, `{"type":"map","values":{"type":"fixed","name":"f","size":2}}`,
	} {
		f.Add([]byte(s), []byte{2, 4, 0, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, schema, data []byte) {
		s, err := avro.Parse(schema)
		if err != nil {
			return
		}
		p, err := avro.Compile(s, []string{"a", "b.a", "f0"})
		if err != nil {
			return
		}
		n, err := p.Run(data, 0, make([]avro.Value, 3))
		checkRun(t, n, err, data)
	})
}

func FuzzRun(f *testing.F) {
	schema := fields(`"long"`, `["null","float"]`, `["double","null"]`, `["null","string"]`, `{"type":"array","items":"r"}`,
		`{"type":"map","values":["int","null"]}`, `["null","int","string"]`, `["null","r"]`, `"boolean"`, `"bytes"`)
	wanted := program(f, schema, "a", "b", "c", "d", "g", "h.a", "h.h.j", "j")
	skipping := program(f, schema)
	f.Add([]byte{2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte{2, 2, 0, 0, 0, 0, 2, 2, 2, 'x', 0, 0, 0, 0, 1, 2, 'y'})
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := wanted.Run(data, 0, make([]avro.Value, 8))
		checkRun(t, n, err, data)
		m, skipErr := skipping.Run(data, 0, nil)
		checkRun(t, m, skipErr, data)
		if err == nil && (skipErr != nil || m != n) {
			t.Errorf("extracting takes %d bytes, skipping %d (%v)", n, m, skipErr)
		}
	})
}

// checkRun holds a walk to its guarantee.
func checkRun(t *testing.T, n int, err error, data []byte) {
	if err == nil {
		if n > len(data) {
			t.Errorf("walked %d of %d bytes", n, len(data))
		}
		return
	}
	if flt := schemas.AsFault(err); flt == nil || flt.Position < 0 || flt.Position > int64(len(data)) {
		t.Errorf("%v is no fault within %d bytes", err, len(data))
	}
}

func FuzzContainer(f *testing.F) {
	for _, codec := range codecs {
		f.Add(avrotest.Container(wordSchema, codec, [][]byte{avrotest.Text(nil, "one")}, [][]byte{avrotest.Text(nil, "two")}))
	}
	c := avro.NewContainer(1 << 16)
	f.Fuzz(func(t *testing.T, data []byte) {
		err := c.Open(data)
		for err == nil {
			var b avro.Block
			if b, err = c.Next(); err == nil && (b.Records < 1 || len(b.Data) > max(len(data), 1<<16)) {
				t.Errorf("a block of %d records in %d bytes", b.Records, len(b.Data))
			}
		}
		if err != io.EOF && schemas.AsFault(err) == nil {
			t.Errorf("%v is no fault", err)
		}
	})
}
