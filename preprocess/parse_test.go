package preprocess

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

const minimal = `
name: minimal
version: 1
bands: [g]
size: {width: 4, height: 4}
`

func TestParseFillsDefaults(t *testing.T) {
	r, err := Parse([]byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"minimal","version":1,"bands":["g"],"missing_band":"reject","unequal":"reject",` +
		`"nan":{"policy":"zero","max_invalid":1,"count_zeros":false},"flip":false,"size":{"width":4,"height":4},` +
		`"fit":{"crop":"reject","pad":"reject","value":0,"order":"before"},"stretch":{"kind":"none"},` +
		`"normalize":{},"layout":"NCHW","dtype":"float32"}`
	if got := string(r.Canonical()); got != want {
		t.Errorf("canonical form is\n%s\nwant\n%s", got, want)
	}
	if got := r.Hash(); got != "707c3495fd11ca6271ab58cce7fd0d1e729ff8a505f2303ff2670b43743b8156" {
		t.Errorf("hash is %s", got)
	}
}

func TestHashDependsOnMeaningNotOnText(t *testing.T) {
	hash := func(text string) string {
		t.Helper()
		r, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return r.Hash()
	}
	base := hash(minimal)
	if hash("# a comment\n"+minimal+"layout: NCHW\nmissing_band: reject\nstretch: {kind: none}\n") != base {
		t.Error("written-out defaults and comments change the hash")
	}
	if hash(minimal+"layout: NHWC\n") == base {
		t.Error("another layout has the same hash")
	}
	if hash(minimal+"stretch: {kind: asinh, scale: 1}\n") != hash(minimal+"stretch: {kind: asinh, scale: [1.0]}\n") {
		t.Error("a bare number and a list of one differ")
	}
}

func TestCanonicalReadsBack(t *testing.T) {
	for _, name := range BuiltinNames() {
		r, err := Builtin(name)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(r.Canonical())
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, r.Canonical())
		}
		if !reflect.DeepEqual(back, r.withDefaults()) || back.Hash() != r.Hash() {
			t.Errorf("%s changes on the way through its canonical form", name)
		}
	}
}

func TestParseNamesEveryFault(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"unknown keys with the nearest name", "name: a\nversion: 1\nbnads: [g]\nsize: {widht: 4, height: 4}\nzzzzzzzz: 1\n", []string{
			`line 3: bnads: unknown key; did you mean "bands"?`,
			`line 4: size.widht: unknown key; did you mean "width"?`,
			`line 5: zzzzzzzz: unknown key; the keys here are name, version,`,
		}},
		{"values", "name: a b\nversion: 0\nbands: [g, g]\nmissing_band: sero\nlayout: NWHC\nnan: {max_invalid: 2}\n", []string{
			`line 1: name: "a b" is not a name`,
			`line 2: version: 0 is not a version`,
			`line 3: bands: "g" is named twice`,
			`line 4: missing_band: "sero" is not one of reject, zero; did you mean "zero"?`,
			`line 5: layout: "NWHC" is not one of NCHW, NHWC; did you mean`,
			`line 6: nan.max_invalid: 2 is not a fraction`,
			`size: give size, resize or both`,
		}},
		{"stretch", minimal + "stretch: {kind: asihn}\n", []string{`line 6: stretch.kind: "asihn" is not one of none, asinh`, `did you mean "asinh"?`}},
		{"foreign parameter", minimal + "stretch: {kind: l2, q: 3, mix: [[1, 2]]}\n", []string{
			"line 6: stretch.q: stretch l2 does not take it", "line 6: stretch.mix: only stretch legacy_rgb takes it", "row 0 holds 2 weights"}},
		{"missing parameter", minimal + "stretch: {kind: legacy_rgb, q: .nan}\n", []string{
			"stretch.scale: is required", "stretch.m: is required", "stretch.q: NaN is outside"}},
		{"counts", minimal + "stretch: {kind: asinh, scale: [1, 2], gain: 1e9}\nnormalize: {mean: [1, 2], scale: 2}\n", []string{
			"stretch.scale: 2 numbers for 1 bands", "stretch.gain: 1e+09 is outside", "normalize.mean: 2 numbers for 1 channels", "not both"}},
		{"bands of a stretch", minimal + "stretch: {kind: lupton}\n", []string{"stretch lupton takes 3 bands, 1 given"}},
		{"limits in order", minimal + "stretch: {kind: percentile, low: 50, high: 50}\n", []string{"stretch.high: 50 is not above low 50 by 0.001 or more"}},
		{"padding before statistics", minimal + "fit: {pad: center}\nstretch: {kind: zscale}\n", []string{"fit.order: padding before stretch zscale"}},
		{"wrong type", "name: [1]\nversion: one\nbands: g\n", []string{"recipe:"}},
		{"a list at the top", "- name: a\n", []string{"line 1: recipe: keys and values are expected here"}},
		{"anchors", "name: &x a\nversion: 1\nbands: [g]\nsize: {width: 4, height: 4}\n", []string{"line 1: recipe: anchors, aliases, merge keys and tags are not read"}},
		{"tags", minimal + "layout: !!str NCHW\n", []string{"tags are not read"}},
		{"nothing", "", []string{"the text is empty"}},
		{"two documents", minimal + "---\n" + minimal, []string{"2 YAML documents"}},
		{"not YAML", "name: [", []string{"recipe:"}},
		{"duplicate key", minimal + "bands: [r]\n", []string{`"bands" already defined`}},
		{"too long", strings.Repeat("# comment\n", 10000), []string{"above the limit"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.text))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestValidateGivesFieldErrors(t *testing.T) {
	err := (&Recipe{Name: "x", Version: 1, Bands: []string{"g"}, Size: &Size{0, 5000}}).Validate()
	var f *FieldError
	if !errors.As(err, &f) || f.Field != "size.width" || f.Line != 0 {
		t.Errorf("first fault is %+v", f)
	}
	if !strings.Contains(err.Error(), "size.height: 5000 pixels is outside 1 to 4096") {
		t.Error(err)
	}
	if _, err := (&Recipe{}).Compile(); err == nil {
		t.Error("an empty recipe compiles")
	}
}

func TestBuiltinUnknown(t *testing.T) {
	if _, err := Builtin("brai"); err == nil || !strings.Contains(err.Error(), "braai") {
		t.Errorf("error %v does not list the recipes", err)
	}
}

// FuzzParse: any bytes give a recipe that compiles and whose canonical form reads back, or an error.
func FuzzParse(f *testing.F) {
	for _, name := range BuiltinNames() {
		text, err := BuiltinText(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("name: &a [*a]\n"))
	f.Add([]byte("size: {width: 1e99, height: -1}"))
	f.Add([]byte("<<: {name: x}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		tr, err := r.Compile()
		if err != nil {
			if strings.Contains(err.Error(), "above the limit") {
				return
			}
			t.Fatalf("parsed and does not compile: %v", err)
		}
		for _, g := range append(tr.gain, tr.shift...) {
			if math.IsNaN(float64(g)) || math.IsInf(float64(g), 0) {
				t.Fatalf("normalisation %v", g)
			}
		}
		back, err := Parse(r.Canonical())
		if err != nil || back.Hash() != r.Hash() {
			t.Fatalf("canonical form does not read back: %v\n%s", err, r.Canonical())
		}
	})
}
