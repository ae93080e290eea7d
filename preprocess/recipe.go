package preprocess

// Recipe says how to turn a cutout into a tensor. The zero value of an optional field means its default;
// Canonical writes every default out.
type Recipe struct {
	Name    string `yaml:"name" json:"name"`       // lower-case name, for people and metrics
	Version int    `yaml:"version" json:"version"` // >= 1; raise it with every change of meaning

	// Bands are the names of the cutout's images in channel order, such as [z, r, g].
	Bands []string `yaml:"bands" json:"bands"`
	// MissingBand is what to do without one of the bands: reject (default) or zero, a plane of zeros
	// that counts as pixels without data. A cutout that has none of the bands is always refused.
	MissingBand string `yaml:"missing_band" json:"missing_band"`
	// Unequal is what to do with bands of different size: reject (default) or crop, which cuts each
	// about its centre to the smallest width and height among them.
	Unequal string `yaml:"unequal" json:"unequal"`

	NaN  NaN   `yaml:"nan" json:"nan"`
	Flux *Flux `yaml:"flux" json:"flux,omitempty"`
	Flip bool  `yaml:"flip" json:"flip"` // reverse the rows first: FITS stores the bottom row first, pictures the top

	Size *Size `yaml:"size" json:"size,omitempty"` // size in pixels after cutting and padding; without it resize sets the shape
	Fit  Fit   `yaml:"fit" json:"fit"`

	Stretch   Stretch   `yaml:"stretch" json:"stretch"`
	Resize    *Resize   `yaml:"resize" json:"resize,omitempty"`
	Normalize Normalize `yaml:"normalize" json:"normalize"`

	Layout string `yaml:"layout" json:"layout"` // NCHW (default) or NHWC
	DType  string `yaml:"dtype" json:"dtype"`   // float32 (default and only choice)
}

// NaN is the policy for pixels without data: not finite, above 1e20 in magnitude, or set in the image's
// mask.
type NaN struct {
	// Policy is zero (default: they become 0 before the stretch), zero_after (0 after the stretch, in
	// every channel that depends on them) or reject (one such pixel refuses the cutout).
	Policy string `yaml:"policy" json:"policy"`
	// MaxInvalid refuses a cutout one of whose bands has this fraction of pixels without data, or more.
	// Above 0, at most 1; default 1: only a band without any data is refused.
	MaxInvalid float64 `yaml:"max_invalid" json:"max_invalid"`
	// CountZeros counts pixels that are exactly 0 as pixels without data in MaxInvalid.
	CountZeros bool `yaml:"count_zeros" json:"count_zeros"`
}

// Flux converts every band to a common zero point: f' = f / 10^((zp - ZeroPoint)/2.5), where zp is the
// image's own.
type Flux struct {
	ZeroPoint float64 `yaml:"zero_point" json:"zero_point"` // AB magnitude of one unit after conversion: 22.5 is nanomaggies
	// Assume is the zero point of images that state none; without it they are refused.
	Assume *float64 `yaml:"assume" json:"assume,omitempty"`
}

// Size is a width and height in pixels.
type Size struct {
	Width  int `yaml:"width" json:"width"`
	Height int `yaml:"height" json:"height"`
}

// Fit is how to bring a cutout to Size. Without Size it brings the cutout to the aspect ratio of the
// resize target: by cutting if Crop allows it, else by padding if Pad does.
type Fit struct {
	Crop string `yaml:"crop" json:"crop"` // center (cuts floor(excess/2) in front) or reject (default)
	// Pad is center (ceil(missing/2) in front), bottom_right (all behind) or reject (default).
	Pad   string  `yaml:"pad" json:"pad"`
	Value float64 `yaml:"value" json:"value"` // what to pad with; default 0
	Order string  `yaml:"order" json:"order"` // pad before (default) or after the stretch
}

// Resize is a change of resolution.
type Resize struct {
	Width  int `yaml:"width" json:"width"`   // pixels
	Height int `yaml:"height" json:"height"` // pixels
	// Filter is bilinear (default: half-pixel centres, edge clamp, no antialiasing; as OpenCV
	// INTER_LINEAR and torch interpolate), triangle (bilinear widened by the scale when reducing; as
	// Pillow and torch with antialias) or area (exact box overlap; as OpenCV INTER_AREA when reducing).
	Filter string `yaml:"filter" json:"filter"`
}

// Normalize is applied last, channel by channel: (v - mean)/std or v*scale + offset. Give one pair at
// most; each holds one value for all channels or one a channel.
type Normalize struct {
	Mean   Values `yaml:"mean" json:"mean,omitempty"`
	Std    Values `yaml:"std" json:"std,omitempty"`
	Scale  Values `yaml:"scale" json:"scale,omitempty"`
	Offset Values `yaml:"offset" json:"offset,omitempty"`
}

// Values is one number for all bands or channels, or a list with one for each. YAML may give it as a
// bare number.
type Values []float64

// at returns the value of index i.
func (v Values) at(i int) float64 {
	if len(v) == 1 {
		return v[0]
	}
	return v[i]
}

// UnmarshalYAML accepts a number or a list of numbers.
func (v *Values) UnmarshalYAML(decode func(any) error) error {
	var one float64
	if decode(&one) == nil {
		*v = Values{one}
		return nil
	}
	var many []float64
	if err := decode(&many); err != nil {
		return err
	}
	*v = many
	return nil
}
