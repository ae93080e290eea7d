package inspect

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/galaxalign/galaxalign/ingest/fits"
)

// HDUs prints one paragraph for each HDU of a FITS file.
func HDUs(w io.Writer, infos []fits.HDUInfo) {
	for i := range infos {
		printHDU(w, &infos[i])
	}
}

func printHDU(w io.Writer, h *fits.HDUInfo) {
	fmt.Fprintf(w, "HDU %d  %v", h.Index, h.Kind)
	if h.Name != "" {
		fmt.Fprintf(w, " %q", h.Name)
	}
	if h.Compression != "" {
		fmt.Fprintf(w, ", compressed with %s", h.Compression)
	}
	fmt.Fprintf(w, ", BITPIX %d, axes %s, %d cards, data at byte %d\n", h.Bitpix, axes(h.Axes), h.Cards, h.DataOffset)
	if h.BScale != 1 || h.BZero != 0 {
		fmt.Fprintf(w, "    stored x %g + %g\n", h.BScale, h.BZero)
	}
	if !math.IsNaN(h.Mean) {
		fmt.Fprintf(w, "    min %g, max %g, mean %g, without a value %d", h.Min, h.Max, h.Mean, h.NaN)
		if h.Unit != "" {
			fmt.Fprintf(w, ", unit %s", h.Unit)
		}
		if !math.IsNaN(h.ZeroPoint) {
			fmt.Fprintf(w, ", zero point %g mag", h.ZeroPoint)
		}
		fmt.Fprintln(w)
	}
	if !math.IsNaN(h.WCS.Scale) {
		fmt.Fprintf(w, "    %.4g arcsec a pixel", h.WCS.Scale)
		if !math.IsNaN(h.WCS.RA) {
			fmt.Fprintf(w, ", centre %.6f %+.6f", h.WCS.RA, h.WCS.Dec)
		}
		fmt.Fprintln(w)
	}
	if remarks := hduRemarks(h); len(remarks) > 0 {
		fmt.Fprintf(w, "    %s\n", strings.Join(remarks, ", "))
	}
}

func axes(n []int) string {
	if len(n) == 0 {
		return "none"
	}
	parts := make([]string, len(n))
	for i, v := range n {
		parts[i] = fmt.Sprint(v)
	}
	return strings.Join(parts, " x ")
}

func hduRemarks(h *fits.HDUInfo) []string {
	var out []string
	if flags := h.Flags.String(); flags != "" {
		out = append(out, flags)
	}
	if h.Damaged != nil {
		out = append(out, h.Damaged.Error())
	}
	if h.Truncated {
		out = append(out, "cut short")
	}
	if h.Duplicates > 0 {
		out = append(out, fmt.Sprintf("%d cards repeated with other values", h.Duplicates))
	}
	if sum := fmt.Sprint(h.DataSum); sum != "absent" {
		out = append(out, "DATASUM "+sum)
	}
	if sum := fmt.Sprint(h.Checksum); sum != "absent" {
		out = append(out, "CHECKSUM "+sum)
	}
	return out
}
