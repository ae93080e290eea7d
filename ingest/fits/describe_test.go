package fits

import (
	"slices"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
)

// TestDescribe checks what a person is told of a file with one HDU of every kind.
func TestDescribe(t *testing.T) {
	b := join(
		primary(16, []int{3, 2}, append(sky(card("CD1_1", "-1E-4"), card("CD2_2", "1E-4")), card("BSCALE", 0.5), card("BZERO", 10), card("BLANK", -999),
			text("BUNIT", "nJy"), text("EXTNAME", "SCI"), card("GAIN", 1), card("GAIN", 2), "CONTINUE  'x'", text("DATASUM", "7"))...),
		pad(stored([]int16{-999, 0, 2, 4, 6, 8})),
		header(text("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 8), card("NAXIS2", 1), card("PCOUNT", 0), card("GCOUNT", 1),
			card("ZIMAGE", "T"), text("ZCMPTYPE", "RICE_1"), card("ZBITPIX", -32), card("ZNAXIS", 2), card("ZNAXIS1", 100), card("ZNAXIS2", 50)), pad(make([]byte, 8)),
		header(text("XTENSION", "TABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 4), card("NAXIS2", 1)), pad(make([]byte, 4)),
		header(text("XTENSION", "DUMP"), card("BITPIX", 8), card("NAXIS", 0)),
		extension(-32, []int{4, 4})[:2880], stored([]float32{1}),
	)
	in := Describe(parsed(t, b))
	if len(in) != 5 {
		t.Fatalf("%d HDUs", len(in))
	}
	sci := in[0]
	if sci.Kind != KindImage || sci.Name != "SCI" || sci.Bitpix != 16 || !slices.Equal(sci.Axes, []int{3, 2}) || sci.BScale != 0.5 || sci.BZero != 10 || *sci.Blank != -999 {
		t.Errorf("structure: %+v", sci)
	}
	if sci.Min != 10 || sci.Max != 14 || sci.Mean != 12 || sci.NaN != 1 || sci.NonFinite != 1 || sci.Unit != "nJy" || sci.ZeroPoint != 31.4 || !near(sci.WCS.Scale, 0.36, 1e-9) {
		t.Errorf("values: %+v", sci)
	}
	wantFlags := schemas.FlagNaNPixels | schemas.FlagChecksumBad | schemas.FlagCardConflict
	if sci.DataSum != SumBad || sci.Checksum != SumAbsent || sci.Duplicates != 1 || sci.StrayContinue != 1 || sci.Flags != wantFlags || sci.Cards != 22 {
		t.Errorf("remarks: %+v", sci)
	}
	if z := in[1]; z.Kind != KindCompressed || z.Compression != "RICE_1" || z.Bitpix != -32 || !slices.Equal(z.Axes, []int{100, 50}) || z.Min == z.Min {
		t.Errorf("compressed: %+v", z)
	}
	if in[2].Kind != KindTable || in[3].Kind != KindOther {
		t.Errorf("kinds %v %v", in[2].Kind, in[3].Kind)
	}
	if cut := in[4]; !cut.Truncated || cut.DataSize != 64 || cut.Min == cut.Min {
		t.Errorf("truncated: %+v", cut)
	}
}
