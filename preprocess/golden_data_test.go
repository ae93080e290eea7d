package preprocess

import (
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
)

// goldenCase is one case of recipes.json.
type goldenCase struct {
	ID     string            `json:"id"`
	Recipe string            `json:"recipe"`
	Params map[string]any    `json:"params"`
	Input  map[string]any    `json:"input"`
	Output map[string]any    `json:"output"`
	Files  map[string]string `json:"files"`
}

// array is a JSON value flattened in C order, with its shape.
type array struct {
	shape  []int
	values []float64
}

// toArray flattens numbers, nested lists and the words NaN, Inf and -Inf.
func toArray(t *testing.T, v any) array {
	t.Helper()
	switch v := v.(type) {
	case float64:
		return array{values: []float64{v}}
	case string:
		word := map[string]float64{"NaN": math.NaN(), "Inf": math.Inf(1), "-Inf": math.Inf(-1)}
		if _, ok := word[v]; !ok {
			t.Fatalf("not a number: %q", v)
		}
		return array{values: []float64{word[v]}}
	case []any:
		out := array{shape: []int{len(v)}}
		for i, e := range v {
			sub := toArray(t, e)
			if i == 0 {
				out.shape = append(out.shape, sub.shape...)
			}
			out.values = append(out.values, sub.values...)
		}
		return out
	}
	t.Fatalf("not an array: %T", v)
	return array{}
}

// cutoutOf makes a cutout of the case's input planes with the given zero point.
func (c *goldenCase) cutoutOf(t *testing.T, zeroPoint float64) *schemas.Cutout {
	t.Helper()
	out := &schemas.Cutout{}
	for name, v := range c.Input {
		a := toArray(t, v)
		im := out.AddImage(name, a.shape[1], a.shape[0])
		im.ZeroPoint = zeroPoint
		for i, x := range a.values {
			im.Pixels[i] = float32(x)
		}
	}
	return out
}

// formulaValues are the inputs that recipes.json gives as a formula of i.
func formulaValues(t *testing.T, text string, n int) []float32 {
	t.Helper()
	out := make([]float32, n)
	for i := range out {
		m := float64(i * 7919 % 1009)
		switch {
		case strings.HasPrefix(text, "v[i] = 5000 + i where") && i%97 == 5:
			out[i] = float32(5000 + i)
		case strings.HasSuffix(text, "((7919 i) mod 1009) / 8"):
			out[i] = float32(m / 8)
		case text == "v[i] = i":
			out[i] = float32(i)
		case strings.HasPrefix(text, "v[i] = 100 ("):
			out[i] = float32(100 * math.Pow(m/1009, 3))
		default:
			t.Fatalf("unknown formula %q", text)
		}
	}
	return out
}

// readNPY reads a square little-endian float64 array of n x n values, format 1.0, in C or Fortran order.
func readNPY(t *testing.T, path string, n int) []float64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	if !strings.Contains(string(b[:header]), "'<f8'") || len(b)-header != 8*n*n {
		t.Fatalf("%s is not a float64 array of %dx%d", path, n, n)
	}
	out := make([]float64, n*n)
	for i := range out {
		at := i
		if strings.Contains(string(b[:header]), "'fortran_order': True") {
			at = i%n*n + i/n
		}
		out[at] = math.Float64frombits(binary.LittleEndian.Uint64(b[header+8*i:]))
	}
	return out
}
