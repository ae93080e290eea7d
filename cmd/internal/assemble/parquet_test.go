package assemble

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/hamba/avro/v2/ocf"
)

// parquetPackets reads a broker's Parquet archive of ZTF alerts and packs each row again as the Avro
// packet it was: identity, the classifier's scalars and the three stamps.
func parquetPackets(t *testing.T, path string) [][]byte {
	t.Helper()
	pf, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer pf.Close()
	reader, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := reader.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	rows := array.NewTableReader(table, table.NumRows())
	defer rows.Release()
	var out [][]byte
	for rows.Next() {
		record := rows.Record()
		for i := range int(record.NumRows()) {
			out = append(out, packRow(t, record, i))
		}
	}
	return out
}

func column(t *testing.T, r arrow.Record, name string) arrow.Array {
	t.Helper()
	at := r.Schema().FieldIndices(name)
	if len(at) != 1 {
		t.Fatalf("no column %s", name)
	}
	return r.Column(at[0])
}

func field(t *testing.T, s *array.Struct, name string) arrow.Array {
	t.Helper()
	i, ok := s.DataType().(*arrow.StructType).FieldIdx(name)
	if !ok {
		t.Fatalf("no field %s", name)
	}
	return s.Field(i)
}

func packRow(t *testing.T, r arrow.Record, i int) []byte {
	t.Helper()
	candidate := column(t, r, "candidate").(*array.Struct)
	values := map[string]any{"jd": scalar(t, field(t, candidate, "jd"), i)}
	for _, name := range acaiFeatures {
		values[name] = scalar(t, field(t, candidate, name), i)
	}
	packet := map[string]any{
		"objectId":  column(t, r, "objectId").(*array.String).Value(i),
		"candid":    column(t, r, "candid").(*array.Int64).Value(i),
		"candidate": values,
	}
	for _, cut := range []string{"cutoutScience", "cutoutTemplate", "cutoutDifference"} {
		stamp := field(t, column(t, r, cut).(*array.Struct), "stampData").(*array.Binary).Value(i)
		packet[cut] = map[string]any{"fileName": cut + ".fits.gz", "stampData": bytes.Clone(stamp)}
	}
	var b bytes.Buffer
	w, err := ocf.NewEncoder(packetSchema(), &b)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Encode(packet); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// scalar reads a number as the float64 that holds it exactly; null stays null.
func scalar(t *testing.T, a arrow.Array, i int) any {
	t.Helper()
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Float32:
		return float64(a.Value(i))
	case *array.Float64:
		return a.Value(i)
	case *array.Int32:
		return float64(a.Value(i))
	case *array.Int64:
		return float64(a.Value(i))
	}
	t.Fatalf("a scalar of type %s", a.DataType())
	return nil
}

// packetSchema is the ZTF alert schema cut down to the fields that packRow fills.
func packetSchema() string {
	fields := []string{`{"name":"jd","type":"double"}`}
	for _, name := range acaiFeatures {
		fields = append(fields, fmt.Sprintf(`{"name":%q,"type":["null","double"]}`, name))
	}
	const cutout = `{"type":"record","name":"cutout","fields":[{"name":"fileName","type":"string"},{"name":"stampData","type":"bytes"}]}`
	return `{"type":"record","name":"alert","namespace":"ztf","fields":[
		{"name":"objectId","type":"string"},{"name":"candid","type":"long"},
		{"name":"candidate","type":{"type":"record","name":"candidate","fields":[` + strings.Join(fields, ",") + `]}},
		{"name":"cutoutScience","type":` + cutout + `},
		{"name":"cutoutTemplate","type":"ztf.cutout"},{"name":"cutoutDifference","type":"ztf.cutout"}]}`
}
