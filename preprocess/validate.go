package preprocess

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/galaxalign/galaxalign/schemas/spelling"
)

// Limits of a recipe: far above any survey's cutout, small enough that a recipe cannot exhaust memory.
const (
	maxBands = 16
	maxSide  = 4096
	minSpan  = 1e-3 // between the low and high of a stretch, so that scaling to 0..1 stays finite
)

// FieldError is one fault of a recipe.
type FieldError struct {
	Field string // path of the key, such as "stretch.scale"
	Line  int    // line in the YAML text from 1; 0 when the recipe did not come from text
	Text  string // what is wrong and what would be right
}

// Error renders the fault on one line.
func (e *FieldError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s: %s", e.Line, e.Field, e.Text)
	}
	return e.Field + ": " + e.Text
}

// checker collects the faults of a recipe.
type checker struct{ faults []error }

func (c *checker) fault(field, format string, args ...any) {
	c.faults = append(c.faults, &FieldError{Field: field, Text: fmt.Sprintf(format, args...)})
}

// oneOf requires a word of the list; an empty value is not a word.
func (c *checker) oneOf(field, value string, words ...string) {
	if slices.Contains(words, value) {
		return
	}
	text := fmt.Sprintf("%q is not one of %s", value, strings.Join(words, ", "))
	if n := spelling.Nearest(value, words); n != "" {
		text += fmt.Sprintf("; did you mean %q?", n)
	}
	c.fault(field, "%s", text)
}

// within requires low <= v <= high; NaN is outside.
func (c *checker) within(field string, v, low, high float64) {
	if !(v >= low && v <= high) {
		c.fault(field, "%g is outside %g to %g", v, low, high)
	}
}

// withDefaults returns a copy in which every optional word and number is written out.
func (r *Recipe) withDefaults() *Recipe {
	out := *r
	fill := func(field *string, word string) {
		if *field == "" {
			*field = word
		}
	}
	fill(&out.MissingBand, "reject")
	fill(&out.Unequal, "reject")
	fill(&out.NaN.Policy, "zero")
	fill(&out.Fit.Crop, "reject")
	fill(&out.Fit.Pad, "reject")
	fill(&out.Fit.Order, "before")
	fill(&out.Stretch.Kind, stretchNone)
	fill(&out.Layout, "NCHW")
	fill(&out.DType, "float32")
	if out.NaN.MaxInvalid == 0 {
		out.NaN.MaxInvalid = 1
	}
	if out.Resize != nil {
		resize := *out.Resize
		fill(&resize.Filter, "bilinear")
		out.Resize = &resize
	}
	list, _ := parameters(out.Stretch.Kind)
	for _, p := range list {
		if v := out.Stretch.value(p.name); len(*v) == 0 && p.rule == defaulted {
			*v = Values{p.fallback}
		}
	}
	if out.Stretch.Kind == stretchGalaxyZoo && out.Stretch.Desaturate == nil {
		yes := true
		out.Stretch.Desaturate = &yes
	}
	return &out
}

// Validate lists every fault of the recipe, joined; each is a *FieldError.
func (r *Recipe) Validate() error {
	d := r.withDefaults()
	c := &checker{}
	c.header(d)
	c.geometry(d)
	c.stretch(d)
	c.normalize(d)
	return errors.Join(c.faults...)
}

// namePattern is what a recipe or band may be called.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

func (c *checker) header(r *Recipe) {
	if !namePattern.MatchString(r.Name) {
		c.fault("name", "%q is not a name of letters, digits, '_', '.' and '-' (64 at most)", r.Name)
	}
	if r.Version < 1 {
		c.fault("version", "%d is not a version: count from 1", r.Version)
	}
	if len(r.Bands) < 1 || len(r.Bands) > maxBands {
		c.fault("bands", "%d bands given, 1 to %d can be used", len(r.Bands), maxBands)
	}
	for i, b := range r.Bands {
		if !namePattern.MatchString(b) {
			c.fault("bands", "%q is not a band name", b)
		}
		if slices.Contains(r.Bands[:i], b) {
			c.fault("bands", "%q is named twice", b)
		}
	}
	c.oneOf("missing_band", r.MissingBand, "reject", "zero")
	c.oneOf("unequal", r.Unequal, "reject", "crop")
	c.oneOf("nan.policy", r.NaN.Policy, "zero", "zero_after", "reject")
	if !(r.NaN.MaxInvalid > 0 && r.NaN.MaxInvalid <= 1) {
		c.fault("nan.max_invalid", "%g is not a fraction above 0 and at most 1", r.NaN.MaxInvalid)
	}
	if r.Flux != nil {
		c.within("flux.zero_point", r.Flux.ZeroPoint, 0, 40)
		if r.Flux.Assume != nil {
			c.within("flux.assume", *r.Flux.Assume, 0, 40)
		}
	}
	c.oneOf("layout", r.Layout, "NCHW", "NHWC")
	c.oneOf("dtype", r.DType, "float32")
}

func (c *checker) geometry(r *Recipe) {
	side := func(field string, v int) {
		if v < 1 || v > maxSide {
			c.fault(field, "%d pixels is outside 1 to %d", v, maxSide)
		}
	}
	if r.Size != nil {
		side("size.width", r.Size.Width)
		side("size.height", r.Size.Height)
	}
	if r.Resize != nil {
		side("resize.width", r.Resize.Width)
		side("resize.height", r.Resize.Height)
		c.oneOf("resize.filter", r.Resize.Filter, "bilinear", "triangle", "area")
	}
	if r.Size == nil && r.Resize == nil {
		c.fault("size", "give size, resize or both: the tensor needs a fixed shape")
	}
	c.oneOf("fit.crop", r.Fit.Crop, "center", "reject")
	c.oneOf("fit.pad", r.Fit.Pad, "center", "bottom_right", "reject")
	c.oneOf("fit.order", r.Fit.Order, "before", "after")
	c.within("fit.value", r.Fit.Value, -1e20, 1e20)
	if r.Fit.Pad != "reject" && r.Fit.Order == "before" && r.Stretch.needsWholePicture() {
		c.fault("fit.order", "padding before stretch %s would change its statistics: use after", r.Stretch.Kind)
	}
}

func (c *checker) stretch(r *Recipe) {
	s := &r.Stretch
	list, ok := parameters(s.Kind)
	if !ok {
		c.oneOf("stretch.kind", s.Kind, stretchNone, stretchAsinh, stretchL2, stretchLegacy, stretchGalaxyZoo,
			stretchZScale, stretchLupton, stretchPercentile, stretchEuclid, stretchEuclidLSB)
		return
	}
	for _, name := range stretchValues() {
		i := slices.IndexFunc(list, func(p parameter) bool { return p.name == name })
		if v := *s.value(name); i >= 0 {
			c.parameter(list[i], v, len(r.Bands))
		} else if len(v) > 0 {
			c.fault("stretch."+name, "stretch %s does not take it", s.Kind)
		}
	}
	c.stretchSwitches(s)
	c.stretchBands(s, len(r.Bands))
}

// parameter checks the count and range of one numeric parameter.
func (c *checker) parameter(p parameter, v Values, bands int) {
	field := "stretch." + p.name
	switch {
	case len(v) == 0 && p.rule == required:
		c.fault(field, "is required")
	case len(v) > 1 && !p.perBand:
		c.fault(field, "takes one number, %d given", len(v))
	case len(v) > 1 && len(v) != bands:
		c.fault(field, "%d numbers for %d bands", len(v), bands)
	}
	for _, x := range v {
		c.within(field, x, p.low, p.high)
	}
}

// stretchSwitches refuses switches that the kind does not know, and checks the mixing matrix.
func (c *checker) stretchSwitches(s *Stretch) {
	refuse := func(field string, set bool, kind string) {
		if set && s.Kind != kind {
			c.fault("stretch."+field, "only stretch %s takes it", kind)
		}
	}
	refuse("mix", len(s.Mix) > 0, stretchLegacy)
	refuse("precedence_bug", s.PrecedenceBug, stretchLegacy)
	refuse("rowwise", s.Rowwise, stretchL2)
	refuse("desaturate", s.Desaturate != nil, stretchGalaxyZoo)
	refuse("composite", s.Composite, stretchEuclid)
	refuse("rescale", s.Rescale, stretchEuclid)
	for i, row := range s.Mix {
		if len(row) != 3 {
			c.fault("stretch.mix", "row %d holds %d weights, not 3 (R, G, B)", i, len(row))
		}
		for _, w := range row {
			c.within("stretch.mix", w, -maxFactor, maxFactor)
		}
	}
}

// stretchBands checks what a kind asks of the number of bands and of parameters together.
func (c *checker) stretchBands(s *Stretch, bands int) {
	switch {
	case (s.Kind == stretchGalaxyZoo || s.Kind == stretchLupton) && bands != 3:
		c.fault("bands", "stretch %s takes 3 bands, %d given", s.Kind, bands)
	case s.Composite && bands != 2:
		c.fault("bands", "a composite takes 2 bands, %d given", bands)
	case len(s.Mix) > 0 && len(s.Mix) != bands:
		c.fault("stretch.mix", "%d rows for %d bands", len(s.Mix), bands)
	}
	if len(s.Low) == 1 && len(s.High) == 1 && !(s.High[0]-s.Low[0] >= minSpan) {
		c.fault("stretch.high", "%g is not above low %g by %g or more", s.High[0], s.Low[0], minSpan)
	}
}

func (c *checker) normalize(r *Recipe) {
	n := r.Normalize
	channels := r.Stretch.channels(len(r.Bands))
	check := func(field string, v Values, low, high float64) {
		if len(v) > 1 && len(v) != channels {
			c.fault("normalize."+field, "%d numbers for %d channels", len(v), channels)
		}
		for _, x := range v {
			c.within("normalize."+field, x, low, high)
		}
	}
	check("mean", n.Mean, -1e20, 1e20)
	check("std", n.Std, 1/maxFactor, math.MaxFloat32)
	check("scale", n.Scale, -maxFactor, maxFactor)
	check("offset", n.Offset, -1e20, 1e20)
	if len(n.Mean)+len(n.Std) > 0 && len(n.Scale)+len(n.Offset) > 0 {
		c.fault("normalize", "give mean and std, or scale and offset, not both")
	}
}
