package milvus

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/milvus-io/milvus-proto/go-api/v2/commonpb"
	"github.com/milvus-io/milvus-proto/go-api/v2/milvuspb"
	"github.com/milvus-io/milvus-proto/go-api/v2/schemapb"

	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// Upsert replaces rows of earlier requests by id and stores every row of this one: rows with the same
// id within it all stay. One bad value refuses the whole request; vectors arrive as one flat array and
// are cut every dim values, whatever the lengths of the rows were.
func (f *fake) Upsert(_ context.Context, r *milvuspb.UpsertRequest) (*milvuspb.MutationResult, error) {
	t, status := f.find(r.CollectionName)
	if status != nil {
		return &milvuspb.MutationResult{Status: status}, nil
	}
	rows := make([]fakeRow, r.NumRows)
	for i := range rows {
		rows[i] = fakeRow{}
	}
	for _, data := range r.FieldsData {
		if status := t.fill(rows, data); status != nil {
			return &milvuspb.MutationResult{Status: status}, nil
		}
	}
	arrived := map[any]bool{}
	ids := make([]string, len(rows))
	for i, row := range rows {
		arrived[row[fieldID]] = true
		ids[i] = row[fieldID].(string)
	}
	t.rows = slices.DeleteFunc(t.rows, func(row fakeRow) bool { return arrived[row[fieldID]] })
	t.rows = append(t.rows, rows...)
	return &milvuspb.MutationResult{
		Status: okStatus(), UpsertCnt: int64(len(rows)),
		IDs: &schemapb.IDs{IdField: &schemapb.IDs_StrId{StrId: &schemapb.StringArray{Data: ids}}},
	}, nil
}

func (t *fakeTable) field(name string) *schemapb.FieldSchema {
	for _, f := range t.schema.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// fill puts one field's data into the rows.
func (t *fakeTable) fill(rows []fakeRow, data *schemapb.FieldData) *commonpb.Status {
	field := t.field(data.FieldName)
	if field == nil || field.DataType != data.Type {
		return refuse("field %s is not of this collection", data.FieldName)
	}
	scalars := data.GetScalars()
	switch data.Type {
	case schemapb.DataType_VarChar:
		return fillText(rows, field, scalars.GetStringData().GetData())
	case schemapb.DataType_Int64:
		return fillColumn(rows, field, scalars.GetLongData().GetData())
	case schemapb.DataType_Float:
		return fillColumn(rows, field, scalars.GetFloatData().GetData())
	case schemapb.DataType_Double:
		return fillColumn(rows, field, scalars.GetDoubleData().GetData())
	case schemapb.DataType_FloatVector:
		return fillVectors(rows, field, data.GetVectors().GetFloatVector().GetData())
	}
	return refuse("field %s: type %v", field.Name, data.Type)
}

func fillColumn[T any](rows []fakeRow, field *schemapb.FieldSchema, values []T) *commonpb.Status {
	if len(values) != len(rows) {
		return refuse("the num_rows (%d) of field (%s) is not equal to passed num_rows (%d)", len(values), field.Name, len(rows))
	}
	for i, v := range values {
		rows[i][field.Name] = v
	}
	return nil
}

func fillText(rows []fakeRow, field *schemapb.FieldSchema, values []string) *commonpb.Status {
	limit := parameter(field, "max_length")
	for i, v := range values {
		if len(v) > limit {
			return refuse("the length (%d) of %dth string exceeds max length (%d)", len(v), i, limit)
		}
	}
	return fillColumn(rows, field, values)
}

func fillVectors(rows []fakeRow, field *schemapb.FieldSchema, flat []float32) *commonpb.Status {
	dim := parameter(field, "dim")
	if len(flat) != dim*len(rows) {
		return refuse("the length(%d) of float data should divide the dim(%d)", len(flat), dim)
	}
	for _, v := range flat {
		if v != v || math.IsInf(float64(v), 0) {
			return refuse("value '%v' is not a number or infinity", v)
		}
	}
	for i := range rows {
		rows[i][field.Name] = slices.Clone(flat[i*dim : (i+1)*dim])
	}
	return nil
}

// Query answers count(*), or fields of the rows that match; of rows with one id only the first.
func (f *fake) Query(_ context.Context, r *milvuspb.QueryRequest) (*milvuspb.QueryResults, error) {
	t, status := f.loaded(r.CollectionName)
	if status != nil {
		return &milvuspb.QueryResults{Status: status}, nil
	}
	rows, err := t.matching(r.Expr)
	if err != nil {
		return &milvuspb.QueryResults{Status: refuse("cannot parse expression: %s, error: %v", r.Expr, err)}, nil
	}
	if slices.Equal(r.OutputFields, []string{"count(*)"}) {
		return &milvuspb.QueryResults{Status: okStatus(), FieldsData: []*schemapb.FieldData{longs("count(*)", []int64{int64(len(rows))})}}, nil
	}
	seen := map[any]bool{}
	rows = slices.DeleteFunc(rows, func(row fakeRow) bool {
		again := seen[row[fieldID]]
		seen[row[fieldID]] = true
		return again
	})
	return &milvuspb.QueryResults{Status: okStatus(), FieldsData: t.output(rows, r.OutputFields)}, nil
}

// matching returns the rows for which an expression holds.
func (t *fakeTable) matching(expr string) ([]fakeRow, error) {
	var out []fakeRow
	for _, row := range t.rows {
		ok, err := evaluate(expr, row)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, row)
		}
	}
	return out, nil
}

// Search scores the matching rows. Where nothing is found, the fields of the answer have types and no
// data, which the client takes for an error.
func (f *fake) Search(_ context.Context, r *milvuspb.SearchRequest) (*milvuspb.SearchResults, error) {
	t, status := f.loaded(r.CollectionName)
	if status != nil {
		return &milvuspb.SearchResults{Status: status}, nil
	}
	query, topK, status := t.searchArguments(r)
	if status != nil {
		return &milvuspb.SearchResults{Status: status}, nil
	}
	rows, err := t.matching(r.Dsl)
	if err != nil {
		return &milvuspb.SearchResults{Status: refuse("cannot parse expression: %s, error: %v", r.Dsl, err)}, nil
	}
	score := func(row fakeRow) float64 { return sinktest.Cosine(query, row[fieldEmbedding].([]float32)) }
	rows = slices.DeleteFunc(rows, func(row fakeRow) bool { return math.IsNaN(score(row)) })
	slices.SortStableFunc(rows, func(a, b fakeRow) int { return cmp.Compare(score(b), score(a)) })
	rows = rows[:min(topK, len(rows))]
	result := &schemapb.SearchResultData{NumQueries: 1, TopK: int64(topK), Topks: []int64{int64(len(rows))}, FieldsData: t.output(rows, r.OutputFields)}
	if len(rows) == 0 {
		for _, data := range result.FieldsData {
			data.Field = nil
		}
	}
	var ids []string
	for _, row := range rows {
		result.Scores = append(result.Scores, float32(score(row)))
		ids = append(ids, row[fieldID].(string))
	}
	result.Ids = &schemapb.IDs{IdField: &schemapb.IDs_StrId{StrId: &schemapb.StringArray{Data: ids}}}
	return &milvuspb.SearchResults{Status: okStatus(), Results: result}, nil
}

// searchArguments checks what a real server checks and returns the query vector and how many hits are asked for.
func (t *fakeTable) searchArguments(r *milvuspb.SearchRequest) ([]float32, int, *commonpb.Status) {
	params := map[string]string{}
	for _, p := range r.SearchParams {
		params[p.Key] = p.Value
	}
	topK, err := strconv.Atoi(params["topk"])
	if err != nil || topK < 1 || topK > serverHits {
		return nil, 0, refuse("limit [%s] is invalid, should be in range [1, 16384]", params["topk"])
	}
	if params["metric_type"] != "COSINE" || params["anns_field"] != fieldEmbedding {
		return nil, 0, refuse("metric type not match: invalid [expected=COSINE][actual=%s]", params["metric_type"])
	}
	var group commonpb.PlaceholderGroup
	if err := unmarshal(r.PlaceholderGroup, &group); err != nil || len(group.Placeholders) != 1 || len(group.Placeholders[0].Values) != 1 {
		return nil, 0, refuse("placeholder group: %v", err)
	}
	raw := group.Placeholders[0].Values[0]
	query := make([]float32, len(raw)/4)
	for i := range query {
		query[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	if len(query) != parameter(t.field(fieldEmbedding), "dim") {
		return nil, 0, refuse("vector dimension mismatch")
	}
	return query, topK, nil
}

// output renders fields of rows as the wire has them.
func (t *fakeTable) output(rows []fakeRow, fields []string) []*schemapb.FieldData {
	var out []*schemapb.FieldData
	for _, name := range fields {
		if field := t.field(name); field != nil {
			out = append(out, column(field, rows))
		}
	}
	return out
}

func column(field *schemapb.FieldSchema, rows []fakeRow) *schemapb.FieldData {
	switch field.DataType {
	case schemapb.DataType_VarChar:
		return scalars(field, &schemapb.ScalarField{Data: &schemapb.ScalarField_StringData{StringData: &schemapb.StringArray{Data: gather[string](rows, field.Name)}}})
	case schemapb.DataType_Int64:
		return longs(field.Name, gather[int64](rows, field.Name))
	case schemapb.DataType_Float:
		return scalars(field, &schemapb.ScalarField{Data: &schemapb.ScalarField_FloatData{FloatData: &schemapb.FloatArray{Data: gather[float32](rows, field.Name)}}})
	case schemapb.DataType_Double:
		return scalars(field, &schemapb.ScalarField{Data: &schemapb.ScalarField_DoubleData{DoubleData: &schemapb.DoubleArray{Data: gather[float64](rows, field.Name)}}})
	case schemapb.DataType_FloatVector:
		return &schemapb.FieldData{
			Type: field.DataType, FieldName: field.Name, Field: &schemapb.FieldData_Vectors{Vectors: &schemapb.VectorField{
				Dim:  int64(parameter(field, "dim")),
				Data: &schemapb.VectorField_FloatVector{FloatVector: &schemapb.FloatArray{Data: slices.Concat(gather[[]float32](rows, field.Name)...)}},
			}},
		}
	}
	panic(fmt.Sprintf("field %s has type %v", field.Name, field.DataType))
}

func scalars(field *schemapb.FieldSchema, data *schemapb.ScalarField) *schemapb.FieldData {
	return &schemapb.FieldData{Type: field.DataType, FieldName: field.Name, Field: &schemapb.FieldData_Scalars{Scalars: data}}
}

func longs(name string, values []int64) *schemapb.FieldData {
	return scalars(&schemapb.FieldSchema{Name: name, DataType: schemapb.DataType_Int64},
		&schemapb.ScalarField{Data: &schemapb.ScalarField_LongData{LongData: &schemapb.LongArray{Data: values}}})
}

func gather[T any](rows []fakeRow, field string) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		out[i] = row[field].(T)
	}
	return out
}
