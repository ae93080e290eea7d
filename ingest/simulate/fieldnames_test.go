package simulate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hamba/avro/v2/ocf"
)

// fieldNames lists the names and types of the fields of a packet's schema, those of the candidate and of
// the history in brackets.
func fieldNames(t *testing.T, dec *ocf.Decoder) string {
	t.Helper()
	type schemaField struct {
		Name string          `json:"name"`
		Type json.RawMessage `json:"type"`
	}
	type schema struct {
		Fields []schemaField   `json:"fields"`
		Items  json.RawMessage `json:"items"`
	}
	parse := func(b []byte) (s schema) {
		var union []json.RawMessage
		if json.Unmarshal(b, &union) == nil && len(union) == 2 {
			b = union[1]
		}
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	var out strings.Builder
	for _, f := range parse(dec.Metadata()["avro.schema"]).Fields {
		out.WriteString(f.Name + " ")
		inner := schema{}
		switch f.Name {
		case "candidate":
			inner = parse(f.Type)
		case "prv_candidates":
			inner = parse(parse(f.Type).Items)
		}
		for _, g := range inner.Fields {
			var kind any
			if err := json.Unmarshal(g.Type, &kind); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(kind)
			if err != nil {
				t.Fatal(err)
			}
			out.WriteString("[" + g.Name + string(text) + "] ")
		}
	}
	return out.String()
}
