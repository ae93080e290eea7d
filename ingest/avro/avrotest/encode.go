// Package avrotest encodes Avro data for the tests of the packages that read them.
//
// Guarantee: it follows the writer's schema as package avro parsed it and shares none of the code that
// reads. It panics on a value that the schema does not take, as a test helper may.
package avrotest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"sort"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"github.com/galaxalign/galaxalign/ingest/avro"
)

// Branch picks a branch of a union by its index, where the value alone does not tell.
type Branch struct {
	Index int
	Value any
}

// Long appends a variable-length zigzag integer.
func Long(dst []byte, n int64) []byte {
	u := uint64(n<<1) ^ uint64(n>>63)
	for ; u >= 0x80; u >>= 7 {
		dst = append(dst, byte(u)|0x80)
	}
	return append(dst, byte(u))
}

// Text appends bytes or a string with its length.
func Text[T string | []byte](dst []byte, s T) []byte {
	return append(Long(dst, int64(len(s))), s...)
}

// Append appends the encoding of v: nil, bool, int (int and enum index), int64, float32, float64, []byte,
// string, []any (array), map[string]any (record or map). A missing field of a record whose type takes
// null is null. Maps are written in the order of their keys, arrays and maps in one block.
func Append(dst []byte, s *avro.Schema, v any) []byte {
	switch s.Kind {
	case avro.KindNull:
		return dst
	case avro.KindBoolean:
		if v.(bool) {
			return append(dst, 1)
		}
		return append(dst, 0)
	case avro.KindInt, avro.KindLong, avro.KindEnum:
		return Long(dst, integer(v))
	case avro.KindFloat:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v.(float32)))
	case avro.KindDouble:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.(float64)))
	case avro.KindBytes:
		return Text(dst, v.([]byte))
	case avro.KindString:
		return Text(dst, v.(string))
	case avro.KindFixed:
		return append(dst, v.([]byte)...)
	case avro.KindUnion:
		return appendUnion(dst, s, v)
	}
	return appendNested(dst, s, v)
}

func integer(v any) int64 {
	if n, ok := v.(int); ok {
		return int64(n)
	}
	return v.(int64)
}

func appendNested(dst []byte, s *avro.Schema, v any) []byte {
	switch s.Kind {
	case avro.KindRecord:
		for _, f := range s.Fields {
			dst = Append(dst, f.Type, v.(map[string]any)[f.Name])
		}
		return dst
	case avro.KindArray:
		items := v.([]any)
		if len(items) > 0 {
			dst = Long(dst, int64(len(items)))
		}
		for _, item := range items {
			dst = Append(dst, s.Items, item)
		}
		return append(dst, 0)
	}
	entries := v.(map[string]any)
	keys := make([]string, 0, len(entries))
	for key := range entries {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	if len(keys) > 0 {
		dst = Long(dst, int64(len(keys)))
	}
	for _, key := range keys {
		dst = Append(Text(dst, key), s.Items, entries[key])
	}
	return append(dst, 0)
}

func appendUnion(dst []byte, s *avro.Schema, v any) []byte {
	b, ok := v.(Branch)
	if !ok {
		b = Branch{Index: branchOf(s, v), Value: v}
	}
	return Append(Long(dst, int64(b.Index)), s.Branches[b.Index], b.Value)
}

// branchOf finds the branch of a union: null for nil, else the first that is not null.
func branchOf(s *avro.Schema, v any) int {
	for i, b := range s.Branches {
		if (v == nil) == (b.Kind == avro.KindNull) {
			return i
		}
	}
	panic(fmt.Sprintf("avrotest: no branch for %v", v))
}

// Sync is the sync marker of the containers made here.
const Sync = "0123456789abcdef"

// Container makes an object container file with the given codec (null, deflate, snappy, zstandard): one
// block for each group of encoded records.
func Container(schema, codec string, blocks ...[][]byte) []byte {
	b := append([]byte(avro.ContainerMagic), 4) // two entries
	b = Text(Text(b, "avro.codec"), codec)
	b = Text(Text(b, "avro.schema"), schema)
	b = append(append(b, 0), Sync...)
	for _, records := range blocks {
		b = Long(b, int64(len(records)))
		b = Text(b, Compress(codec, bytes.Join(records, nil)))
		b = append(b, Sync...)
	}
	return b
}

// Compress applies a container's codec to a block.
func Compress(codec string, raw []byte) []byte {
	switch codec {
	case "deflate":
		var buf bytes.Buffer
		w, err := flate.NewWriter(&buf, 6)
		must(err)
		_, err = w.Write(raw)
		must(err)
		must(w.Close())
		return buf.Bytes()
	case "snappy":
		return binary.BigEndian.AppendUint32(snappy.Encode(nil, raw), crc32.ChecksumIEEE(raw))
	case "zstandard":
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		must(err)
		return w.EncodeAll(raw, nil)
	}
	return raw
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
