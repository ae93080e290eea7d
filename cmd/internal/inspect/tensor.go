package inspect

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"

	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
)

// TensorPNG applies a recipe and writes the tensor as a picture: three channels in [0,1] as colours,
// any other tensor as its channels side by side in grey, each from its lowest to its highest value.
func TensorPNG(w io.Writer, t *preprocess.Transform, c *schemas.Cutout) (preprocess.Quality, error) {
	row := make([]float32, t.Len())
	quality, err := t.Apply(row, c, t.NewScratch())
	if err != nil {
		return quality, err
	}
	view := newView(t, row)
	picture := view.grey()
	if view.channels == 3 && view.unit() {
		picture = view.colour()
	}
	if err := png.Encode(w, picture); err != nil {
		return quality, fmt.Errorf("tensor picture: %w", err)
	}
	return quality, nil
}

// view reads a tensor of either layout by channel, row and column.
type view struct {
	values                  []float32
	channels, height, width int
	interleaved             bool
}

func newView(t *preprocess.Transform, values []float32) view {
	shape := t.Shape()
	if t.Recipe().Layout == "NHWC" {
		return view{values, shape[2], shape[0], shape[1], true}
	}
	return view{values, shape[0], shape[1], shape[2], false}
}

func (v view) at(c, y, x int) float64 {
	if v.interleaved {
		return float64(v.values[(y*v.width+x)*v.channels+c])
	}
	return float64(v.values[(c*v.height+y)*v.width+x])
}

// unit reports whether every value can be shown as a colour as it is.
func (v view) unit() bool {
	for _, x := range v.values {
		if x < 0 || x > 1 {
			return false
		}
	}
	return true
}

func (v view) colour() image.Image {
	out := image.NewRGBA(image.Rect(0, 0, v.width, v.height))
	level := func(x float64) uint8 { return uint8(math.Round(255 * x)) }
	for y := range v.height {
		for x := range v.width {
			out.SetRGBA(x, y, color.RGBA{level(v.at(0, y, x)), level(v.at(1, y, x)), level(v.at(2, y, x)), 255})
		}
	}
	return out
}

func (v view) grey() image.Image {
	out := image.NewGray(image.Rect(0, 0, v.channels*v.width, v.height))
	for c := range v.channels {
		low, high := math.Inf(1), math.Inf(-1)
		for y := range v.height {
			for x := range v.width {
				low, high = math.Min(low, v.at(c, y, x)), math.Max(high, v.at(c, y, x))
			}
		}
		scale := 255 / math.Max(high-low, 1e-30)
		for y := range v.height {
			for x := range v.width {
				out.SetGray(c*v.width+x, y, color.Gray{Y: uint8((v.at(c, y, x) - low) * scale)})
			}
		}
	}
	return out
}
