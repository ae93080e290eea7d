package inspect

import (
	"fmt"
	"io"
	"math"

	"github.com/galaxalign/galaxalign/schemas"
)

// Cutout prints what the pipeline knows of a cutout.
func Cutout(w io.Writer, c *schemas.Cutout) {
	fmt.Fprintf(w, "cutout  survey %q, object %q, observation %q\n", c.Survey, c.ObjectID, c.ObservationID)
	if math.IsNaN(c.RA) {
		fmt.Fprintln(w, "    position unknown")
	} else {
		fmt.Fprintf(w, "    position %.6f %+.6f\n", c.RA, c.Dec)
	}
	if c.ObservedAt.IsZero() {
		fmt.Fprintln(w, "    time unknown")
	} else {
		fmt.Fprintf(w, "    observed %s\n", c.ObservedAt.Format("2006-01-02T15:04:05.000000Z"))
	}
	for i := range c.Images {
		plane(w, &c.Images[i])
	}
	if flags := c.Flags.String(); flags != "" {
		fmt.Fprintf(w, "    flags %s\n", flags)
	}
}

func plane(w io.Writer, m *schemas.Image) {
	low, high, sum := math.Inf(1), math.Inf(-1), 0.0
	missing := 0
	for _, v := range m.Pixels {
		x := float64(v)
		if math.IsNaN(x) {
			missing++
			continue
		}
		low, high, sum = math.Min(low, x), math.Max(high, x), sum+x
	}
	fmt.Fprintf(w, "    image %-10s %d x %d", m.Name, m.Width, m.Height)
	if missing < len(m.Pixels) {
		fmt.Fprintf(w, ", min %g, max %g, mean %g", low, high, sum/float64(len(m.Pixels)-missing))
	}
	if missing > 0 {
		fmt.Fprintf(w, ", %d pixels without data", missing)
	}
	if m.Unit != "" {
		fmt.Fprintf(w, ", unit %s", m.Unit)
	}
	if !math.IsNaN(m.ZeroPoint) {
		fmt.Fprintf(w, ", zero point %g", m.ZeroPoint)
	}
	if !math.IsNaN(m.PixelScale) {
		fmt.Fprintf(w, ", %.4g arcsec a pixel", m.PixelScale)
	}
	fmt.Fprintln(w)
}
