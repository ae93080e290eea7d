package preprocess

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// native returns a built-in recipe that keeps the size and row order of the case's input.
func native(t *testing.T, name string, c *schemas.Cutout) *Recipe {
	t.Helper()
	r, err := Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	r.Flip, r.Resize = false, nil
	r.Size = &Size{Width: c.Images[0].Width, Height: c.Images[0].Height}
	return r
}

// run applies the recipe.
func run(t *testing.T, r *Recipe, c *schemas.Cutout) ([]float32, Quality, error) {
	t.Helper()
	tr, err := r.Compile()
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, tr.Len())
	q, err := tr.Apply(dst, c, tr.NewScratch())
	return dst, q, err
}

func mustRun(t *testing.T, r *Recipe, c *schemas.Cutout) []float32 {
	t.Helper()
	dst, _, err := run(t, r, c)
	if err != nil {
		t.Fatal(err)
	}
	return dst
}

// close compares with the tolerance of a float32 path, 1e-5 of the largest value; where the golden value
// is NaN the case asks to compare the other pixels only, and ours must be finite.
func closeTo(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	largest := 0.0
	for _, w := range want {
		if !math.IsNaN(w) {
			largest = max(largest, math.Abs(w))
		}
	}
	for i, w := range want {
		g := float64(got[i])
		if math.IsNaN(g) || math.IsInf(g, 0) {
			t.Fatalf("%s: value %d is %v", what, i, g)
		}
		if !math.IsNaN(w) && math.Abs(g-w) > 1e-5*largest {
			t.Fatalf("%s: value %d is %.9g, want %.9g (largest %.3g)", what, i, g, w, largest)
		}
	}
}

// truncatedTo compares bytes made by truncation: equal, or one apart where the value sits on an integer.
func truncatedTo(t *testing.T, what string, got []float32, factor float64, want []float64) {
	t.Helper()
	for i, w := range want {
		v := float64(got[i]) * factor
		if math.Floor(v) != w && math.Abs(v-math.Round(v)) > 1e-5*255 {
			t.Fatalf("%s: byte %d is %v (from %.9g), want %v", what, i, math.Floor(v), v, w)
		}
	}
}

// notExpressible names the golden outputs that no recipe is meant to give, and why.
var notExpressible = map[string]string{
	"gz_decals_pixscale": "the pixel scale is chosen when the picture is cut out of the sky, from catalogue radii that a cutout does not carry",
	"stein_redden":       "E(B-V) is a property of the object that a cutout does not carry; reddening belongs to augmentation",
	"ab_mag":             "magnitudes are no pixel values",
	"before_clip":        "the clip is part of the stretch",
}

func TestGoldenRecipes(t *testing.T) {
	text, err := os.ReadFile(shareddata.Path(t, "golden/recipes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Cases []goldenCase `json:"cases"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	checks := map[string]func(*testing.T, *goldenCase){
		"legacy_rgb": goldenLegacy, "gz_decals": goldenGalaxyZoo, "gz_decals_reject": goldenReject,
		"lupton": goldenLupton, "zscale": goldenZScale, "aion": goldenAION,
		"euclid": goldenEuclid, "euclid_gz": goldenEuclidGZ, "euclid_lsb": goldenLSB,
		"ztf_stamp": goldenStamp, "ztf_stamp_summary": goldenStampSummary, "zoobot_single": goldenZoobot,
		"stein_rgb": goldenStein, "zero_point": goldenZeroPoint, "resize": goldenResize,
	}
	checked := 0
	for i := range all.Cases {
		c := &all.Cases[i]
		if why := notExpressible[c.Recipe]; why != "" {
			t.Logf("%s: not a recipe: %s", c.ID, why)
			continue
		}
		check := checks[c.Recipe]
		if check == nil {
			t.Errorf("%s: no check for cases of %q", c.ID, c.Recipe)
			continue
		}
		checked++
		t.Run(c.ID, func(t *testing.T) { check(t, c) })
	}
	t.Logf("%d of %d cases checked", checked, len(all.Cases))
	if checked < 200 {
		t.Errorf("only %d cases checked", checked)
	}
}

func goldenLegacy(t *testing.T, c *goldenCase) {
	name := map[string]string{"sdss_ps1_gri": "sdss_gri", "sdss_ps1_grz": "sdss_grz", "decaps_riY": "decaps_riy"}
	layer := c.Params["layer"].(string)
	if other := name[layer]; other != "" {
		layer = other
	}
	zeroPoint := 22.5
	if layer == "hsc_grz" {
		zeroPoint = 27
	}
	cut := c.cutoutOf(t, zeroPoint)
	r := native(t, layer, cut)
	r.Layout = "NHWC"
	for _, policy := range []string{"zero", "zero_after"} {
		r.NaN.Policy = policy
		got := mustRun(t, r, cut)
		closeTo(t, "rgb, nan "+policy, got, toArray(t, c.Output["rgb_yxc"]).values)
		if u8 := c.Output["uint8_truncated"]; u8 != nil {
			truncatedTo(t, "bytes", got, 255, toArray(t, u8).values)
		}
	}
}

func goldenGalaxyZoo(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	r := native(t, "galaxy_zoo_decals", cut)
	r.NaN, r.Layout = NaN{Policy: "zero_after"}, "NHWC"
	closeTo(t, "rgb", mustRun(t, r, cut), toArray(t, c.Output["rgb_yxc"]).values)
	no := false
	r.Stretch.Desaturate = &no
	want := toArray(t, c.Output["rgb_before_desaturation"]).values
	for i, w := range want { // the golden values before desaturation are not clipped yet
		if !math.IsNaN(w) {
			want[i] = min(max(w, 0), 1)
		}
	}
	closeTo(t, "before desaturation", mustRun(t, r, cut), want)
}

func goldenReject(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	_, _, err := run(t, native(t, "galaxy_zoo_decals", cut), cut)
	if c.Output["verdict"] == "accept" {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if f := schemas.AsFault(err); f == nil || f.Reason != schemas.ReasonBadPixels || f.Stage != schemas.StagePreprocess {
		t.Fatalf("error %v, want a bad_pixels fault", err)
	}
}

func goldenLupton(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	r := native(t, "lupton", cut)
	number := func(key string) Values { return Values{c.Params[key].(float64)} }
	r.Bands, r.Layout = []string{"r", "g", "b"}, "NHWC"
	r.Stretch = Stretch{Kind: "lupton", Minimum: number("minimum"), Softening: number("stretch"), Q: number("Q")}
	r.Normalize.Scale = Values{255}
	got := mustRun(t, r, cut)
	closeTo(t, "rgb", got, toArray(t, c.Output["rgb_0_255_before_truncation"]).values)
	truncatedTo(t, "bytes", got, 1, toArray(t, c.Output["uint8"]).values)
}

func goldenZScale(t *testing.T, c *goldenCase) {
	z1, z2 := c.Output["z1"].(float64), c.Output["z2"].(float64)
	if text, ok := c.Params["formula"].(string); ok {
		x := formulaValues(t, text, int(c.Params["n"].(float64)))
		l := zscale(x, 0.25, 1000, &Scratch{})
		closeTo(t, "limits", []float32{float32(l.low), float32(l.high)}, []float64{z1, z2})
		return
	}
	cut := c.cutoutOf(t, math.NaN())
	r := native(t, "zscale", cut)
	r.Bands = []string{"a"}
	want := toArray(t, c.Input["a"]).values
	for i, v := range want {
		if math.IsNaN(v) {
			want[i] = 0
			continue
		}
		want[i] = (min(max(v, z1), z2) - z1) / (z2 - z1)
	}
	closeTo(t, "scaled", mustRun(t, r, cut), want)
}

func goldenAION(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	r := native(t, "aion_"+c.Params["survey"].(string), cut)
	tensor, q, err := run(t, r, cut)
	if err != nil {
		t.Fatal(err)
	}
	n := len(tensor) / len(r.Bands)
	for i, band := range r.Bands {
		closeTo(t, band, tensor[i*n:(i+1)*n], toArray(t, c.Output[band]).values)
	}
	if _, missing := c.Output["mask"]; missing != (q.Flags&schemas.FlagMissingBand != 0) {
		t.Errorf("flags are %v", q.Flags)
	}
}

func goldenEuclid(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	r := native(t, "euclid_gz", cut)
	r.Bands = []string{"v"}
	r.Stretch = Stretch{Kind: "euclid", Q: Values{c.Params["q"].(float64)}, Percentile: Values{c.Params["percentile"].(float64)}}
	got := mustRun(t, r, cut)
	closeTo(t, "y", got, toArray(t, c.Output["y"]).values)
	closeTo(t, "largest", []float32{slices.Max(got)}, []float64{c.Output["p99_85"].(float64)})
	r.Stretch.Rescale, r.Normalize.Scale = true, Values{255}
	closeTo(t, "bytes before truncation", mustRun(t, r, cut), toArray(t, c.Output["uint8_before_truncation"]).values)
}

func goldenEuclidGZ(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	r := native(t, "euclid_gz", cut)
	r.Stretch.Rescale = false
	got := mustRun(t, r, cut)
	n := len(got) / 3
	for i, plane := range []string{"R_y", "G_y", "B_y"} {
		closeTo(t, plane, got[i*n:(i+1)*n], toArray(t, c.Output[plane]).values)
	}
}

func goldenLSB(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	r := native(t, "euclid_lsb", cut)
	r.Bands = []string{"v"}
	closeTo(t, "clipped", mustRun(t, r, cut), toArray(t, c.Output["y_clipped_at_p98"]).values)
	r.Stretch.Percentile = Values{100}
	closeTo(t, "y", mustRun(t, r, cut), toArray(t, c.Output["y"]).values)
}

func goldenStamp(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	side := int(c.Params["size"].(float64))
	for name, key := range map[string]string{"braai": "kowalski", "boom": "boom", "braai_rowwise": "braai_rowwise"} {
		r := native(t, name, cut)
		r.Bands, r.Size = []string{"stamp"}, &Size{Width: side, Height: side}
		got := mustRun(t, r, cut)
		if c.Output["verdict"] != nil { // an all-zero stamp: we give zeros
			closeTo(t, name, got, make([]float64, side*side))
			continue
		}
		closeTo(t, name, got, toArray(t, c.Output[key]).values)
	}
}

func goldenStampSummary(t *testing.T, c *goldenCase) {
	cut := &schemas.Cutout{}
	fill(cut.AddImage("stamp", 63, 50).Pixels, 1)
	r, err := Builtin("braai")
	if err != nil {
		t.Fatal(err)
	}
	r.Bands = []string{"stamp"}
	got := mustRun(t, r, cut)
	closeTo(t, "kowalski", []float32{got[0], got[49*63+62]}, []float64{c.Output["kowalski_row_0_to_49"].(float64), c.Output["kowalski_row_0_to_49"].(float64)})
	for i, v := range got[50*63:] {
		if v != float32(c.Output["kowalski_row_50_to_62"].(float64)) {
			t.Fatalf("padding %d is %v", i, v)
		}
	}
	if r, err = Builtin("boom"); err != nil {
		t.Fatal(err)
	}
	r.Bands = []string{"stamp"}
	got = mustRun(t, r, cut)
	first := int(c.Output["boom_first_row_used"].(float64))
	closeTo(t, "boom", []float32{got[first*63], got[(first-1)*63], got[20*63+5]},
		[]float64{c.Output["boom_value"].(float64), 0, c.Output["boom_value"].(float64)})
}

func goldenZoobot(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	r := native(t, "zoobot_single", cut)
	r.Bands = []string{"s"}
	closeTo(t, "y", mustRun(t, r, cut), toArray(t, c.Output["y"]).values)
}

func goldenStein(t *testing.T, c *goldenCase) {
	cut := c.cutoutOf(t, math.NaN())
	for name, key := range map[string]string{"legacy_grz": "corrected", "stein_grz": "public_bug"} {
		r := native(t, name, cut)
		r.Layout = "NHWC"
		closeTo(t, key, mustRun(t, r, cut), toArray(t, c.Output[key]).values)
	}
	t.Log("public_bug_before_clip: not a recipe:", notExpressible["before_clip"])
}

func goldenZeroPoint(t *testing.T, c *goldenCase) {
	cut := &schemas.Cutout{}
	im := cut.AddImage("flux", 1, 1)
	im.Pixels[0], im.ZeroPoint = float32(c.Input["flux"].(float64)), c.Params["zp"].(float64)
	r := &Recipe{Name: "flux", Version: 1, Bands: []string{"flux"}, Size: &Size{1, 1}, Flux: &Flux{ZeroPoint: 22.5}}
	closeTo(t, "nanomaggies", mustRun(t, r, cut), []float64{c.Output["nanomaggies"].(float64)})
	t.Log("ab_mag: not a recipe:", notExpressible["ab_mag"])
}

func goldenResize(t *testing.T, c *goldenCase) {
	n, m := int(c.Params["n"].(float64)), int(c.Params["m"].(float64))
	cut := &schemas.Cutout{}
	im := cut.AddImage("v", n, n)
	for i := range im.Pixels {
		y, x := i/n, i%n
		dy, dx := y-n/2, x-n/3
		im.Pixels[i] = float32(float64(7919*i%1009)/8 - 20 + 300/float64(1+dy*dy+dx*dx))
	}
	want := map[string][]float64{}
	for filter, v := range c.Output {
		want[filter] = toArray(t, v).values
	}
	for filter, file := range c.Files {
		want[filter] = readNPY(t, shareddata.Path(t, filepath.Join("golden", file)), m)
	}
	if len(want) < 2 {
		t.Fatalf("only %d filters", len(want))
	}
	for filter, values := range want {
		r := &Recipe{Name: "resize", Version: 1, Bands: []string{"v"}, Resize: &Resize{Width: m, Height: m, Filter: filter}}
		closeTo(t, filter, mustRun(t, r, cut), values)
	}
}
