package preprocess

// The kinds of stretch.
const (
	stretchNone       = "none"
	stretchAsinh      = "asinh"
	stretchL2         = "l2"
	stretchLegacy     = "legacy_rgb"
	stretchGalaxyZoo  = "galaxy_zoo"
	stretchZScale     = "zscale"
	stretchLupton     = "lupton"
	stretchPercentile = "percentile"
	stretchEuclid     = "euclid"
	stretchEuclidLSB  = "euclid_lsb"
)

// Stretch is the brightness transform. Kind selects the formula; each kind takes the parameters listed
// with it and refuses the others.
//
//   - none: y = x.
//   - asinh: y = gain asinh(scale (clip(x, -bounds, bounds) - offset)). Defaults: gain 1, scale 1,
//     offset 0, no bounds. AION is gain 0.1, scale 100 (100/63.0957 for HSC) with bounds per band.
//   - l2: y = x/|x| with |x| the Euclidean norm of the band; with rowwise of each row. Zeros stay zeros.
//   - legacy_rgb: the Legacy Surveys viewer. scale per band, m, q (default 20). mix gives for each band
//     its weight in R, G and B; without it each band is a channel. precedence_bug reproduces a published
//     slip that some weights were trained with.
//   - galaxy_zoo: Galaxy Zoo DECaLS. divisor per band (three bands), low (-0.5), high (300), desaturate (true).
//   - zscale: limits by the IRAF zscale algorithm over the valid pixels of each band, scaled to 0..1.
//     contrast (0.25), samples (1000).
//   - lupton: Lupton et al. 2004 as astropy has it, scaled to 0..1, three bands. minimum (0), softening
//     (5; astropy calls it stretch), q (8).
//   - percentile: clip each band to its percentiles low (0) and high (99.7), scale to 0..1, then
//     asinh(q y) (default q 1; 0 leaves it linear).
//   - euclid: y = clip(asinh(q x), 0, P) with P the percentile (99.85) of asinh(q x) over the valid
//     pixels; q per band. composite makes two bands a, b three channels a, (a+b)/2, b. rescale divides
//     (y+min) by (min+max) of the channel.
//   - euclid_lsb: a = (s|x|/(1+s|x|))^p, y = asinh(a)/asinh(a_max), clipped at the percentile (98) of y.
//     s (20), p (0.5).
type Stretch struct {
	Kind string `yaml:"kind" json:"kind"`

	Scale      Values `yaml:"scale" json:"scale,omitempty"`
	Offset     Values `yaml:"offset" json:"offset,omitempty"`
	Gain       Values `yaml:"gain" json:"gain,omitempty"`
	Bounds     Values `yaml:"bounds" json:"bounds,omitempty"`
	M          Values `yaml:"m" json:"m,omitempty"`
	Q          Values `yaml:"q" json:"q,omitempty"`
	Divisor    Values `yaml:"divisor" json:"divisor,omitempty"`
	Low        Values `yaml:"low" json:"low,omitempty"`
	High       Values `yaml:"high" json:"high,omitempty"`
	Contrast   Values `yaml:"contrast" json:"contrast,omitempty"`
	Samples    Values `yaml:"samples" json:"samples,omitempty"`
	Minimum    Values `yaml:"minimum" json:"minimum,omitempty"`
	Softening  Values `yaml:"softening" json:"softening,omitempty"`
	Percentile Values `yaml:"percentile" json:"percentile,omitempty"`
	S          Values `yaml:"s" json:"s,omitempty"`
	P          Values `yaml:"p" json:"p,omitempty"`

	Mix           []Values `yaml:"mix" json:"mix,omitempty"`
	Rowwise       bool     `yaml:"rowwise" json:"rowwise,omitempty"`
	PrecedenceBug bool     `yaml:"precedence_bug" json:"precedence_bug,omitempty"`
	Desaturate    *bool    `yaml:"desaturate" json:"desaturate,omitempty"`
	Composite     bool     `yaml:"composite" json:"composite,omitempty"`
	Rescale       bool     `yaml:"rescale" json:"rescale,omitempty"`
}

// parameter is one numeric parameter of a stretch kind and what values it may take.
type parameter struct {
	name     string
	fallback float64 // default; ignored if required or optional
	rule     rule
	low      float64
	high     float64
	perBand  bool
}

// rule says whether a parameter may be left out.
type rule uint8

const (
	defaulted rule = iota // left out means fallback
	required              // must be given
	optional              // left out means off
)

// maxFactor bounds every factor of a recipe, so that with kernel.MaxAbs no product overflows float32.
const maxFactor = 1e6

// parameters lists the numeric parameters of a kind; ok is false for an unknown kind.
func parameters(kind string) (list []parameter, ok bool) {
	switch kind {
	case stretchNone, stretchL2:
		return nil, true
	case stretchAsinh:
		return []parameter{
			{name: "scale", fallback: 1, low: -maxFactor, high: maxFactor, perBand: true},
			{name: "offset", low: -1e20, high: 1e20, perBand: true},
			{name: "gain", fallback: 1, low: -maxFactor, high: maxFactor, perBand: true},
			{name: "bounds", rule: optional, low: 1e-6, high: 1e20, perBand: true},
		}, true
	case stretchLegacy:
		return []parameter{
			{name: "scale", rule: required, low: 1e-6, high: maxFactor, perBand: true},
			{name: "m", rule: required, low: -1, high: 1},
			{name: "q", fallback: 20, low: 1e-3, high: 1e3},
		}, true
	case stretchGalaxyZoo:
		return []parameter{
			{name: "divisor", rule: required, low: 1 / maxFactor, high: maxFactor, perBand: true},
			{name: "low", fallback: -0.5, low: -maxFactor, high: maxFactor},
			{name: "high", fallback: 300, low: -maxFactor, high: maxFactor},
		}, true
	default:
		return statisticParameters(kind)
	}
}

// statisticParameters lists the parameters of the kinds that look at the whole picture.
func statisticParameters(kind string) ([]parameter, bool) {
	switch kind {
	case stretchZScale:
		return []parameter{
			{name: "contrast", fallback: 0.25, low: 1e-3, high: 1},
			{name: "samples", fallback: 1000, low: 10, high: 100000},
		}, true
	case stretchLupton:
		return []parameter{
			{name: "minimum", low: -1e20, high: 1e20, perBand: true},
			{name: "softening", fallback: 5, low: 1e-3, high: maxFactor},
			{name: "q", fallback: 8, low: 0, high: 1e4},
		}, true
	case stretchPercentile:
		return []parameter{
			{name: "low", low: 0, high: 100},
			{name: "high", fallback: 99.7, low: 0, high: 100},
			{name: "q", fallback: 1, low: 0, high: maxFactor},
		}, true
	case stretchEuclid:
		return []parameter{
			{name: "q", rule: required, low: 1e-6, high: maxFactor, perBand: true},
			{name: "percentile", fallback: 99.85, low: 1, high: 100},
		}, true
	case stretchEuclidLSB:
		return []parameter{
			{name: "s", fallback: 20, low: 1e-6, high: maxFactor},
			{name: "p", fallback: 0.5, low: 1e-3, high: 10},
			{name: "percentile", fallback: 98, low: 1, high: 100},
		}, true
	}
	return nil, false
}

// value returns the field of a numeric parameter.
func (s *Stretch) value(name string) *Values {
	switch name {
	case "scale":
		return &s.Scale
	case "offset":
		return &s.Offset
	case "gain":
		return &s.Gain
	case "bounds":
		return &s.Bounds
	case "m":
		return &s.M
	case "q":
		return &s.Q
	case "divisor":
		return &s.Divisor
	case "low":
		return &s.Low
	case "high":
		return &s.High
	case "contrast":
		return &s.Contrast
	case "samples":
		return &s.Samples
	case "minimum":
		return &s.Minimum
	case "softening":
		return &s.Softening
	case "percentile":
		return &s.Percentile
	case "s":
		return &s.S
	default:
		return &s.P
	}
}

// stretchValues names every numeric parameter of any kind.
func stretchValues() []string {
	return []string{
		"scale", "offset", "gain", "bounds", "m", "q", "divisor", "low", "high",
		"contrast", "samples", "minimum", "softening", "percentile", "s", "p",
	}
}

// needsWholePicture reports whether the kind looks at the distribution of the pixels, so that padding
// before it would count as sky.
func (s *Stretch) needsWholePicture() bool {
	switch s.Kind {
	case stretchZScale, stretchPercentile, stretchEuclid, stretchEuclidLSB:
		return true
	}
	return false
}

// channels returns how many channels the stretch makes of so many bands.
func (s *Stretch) channels(bands int) int {
	if len(s.Mix) > 0 || s.Composite {
		return 3
	}
	return bands
}
