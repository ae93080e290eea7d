package fits

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
)

// readDefault parses b and reads the default image.
func readDefault(f *File, b []byte, which string) ([]float32, *HDU, error) {
	if err := Parse(b, f); err != nil {
		return nil, nil, err
	}
	h, err := f.Select(which)
	if err != nil {
		return nil, nil, err
	}
	px, err := h.Pixels(nil)
	return px, h, err
}

// TestStructureAccepted pins what is tolerated, and the flag that says so: formats.md T1, T3, T6, T7,
// T11, T14, T15.
func TestStructureAccepted(t *testing.T) {
	empty := primary(8, nil)
	bands := join(empty, extension(-32, []int{2, 1}, text("EXTNAME", "Z")), floats(1, 2), extension(-32, []int{2, 1}, text("EXTNAME", "r")), floats(3, 4))
	pcount := header(text("XTENSION", "IMAGE"), card("BITPIX", 16), card("NAXIS", 2), card("NAXIS1", 2), card("NAXIS2", 2), card("PCOUNT", 2000), card("GCOUNT", 1))
	groups := header(card("SIMPLE", "T"), card("BITPIX", -32), card("NAXIS", 3), card("NAXIS1", 0), card("NAXIS2", 2), card("NAXIS3", 2),
		card("GROUPS", "T"), card("PCOUNT", 1), card("GCOUNT", 150))
	table := header(text("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 8), card("NAXIS2", 3), card("PCOUNT", 0), card("GCOUNT", 1), card("TFIELDS", 1))
	simple := []float32{1, 2, 3, 4}
	tests := []struct {
		name, which string
		b           []byte
		hdu         int
		want        []float32
		flags       schemas.Flags
	}{
		{"plain", "", good(), 0, simple, 0},
		{"T1 last block not padded", "", good()[:2880+16], 0, simple, schemas.FlagUnpadded},
		{"T3 zeros after", "", join(good(), make([]byte, 100)), 0, simple, schemas.FlagTrailingJunk},
		{"T3 a block of zeros after", "", join(good(), make([]byte, 2880)), 0, simple, schemas.FlagTrailingJunk},
		{"T3 text after", "", join(good(), []byte(strings.Repeat("no header ", 10))), 0, simple, schemas.FlagTrailingJunk},
		{"T3 an extension without END after", "", join(good(), []byte("XTENSION= 'IMAGE'")), 0, simple, schemas.FlagTrailingJunk},
		{"T3 an extension with bad axes after", "", join(good(), extension(-32, []int{-2})), 0, simple, schemas.FlagTrailingJunk},
		{"T6 loose SIMPLE", "", join(header("SIMPLE  = T / tape", card("BITPIX", -32), card("NAXIS", 2), card("NAXIS1", 1), card("NAXIS2", 1)), floats(9)), 0, []float32{9}, 0},
		{"T7 image in an extension", "", join(empty, extension(-32, []int{2, 1}), floats(5, 6)), 1, []float32{5, 6}, 0},
		{"T7 after a table", "", join(empty, table, pad(make([]byte, 24)), extension(-32, []int{1, 1}), floats(8)), 2, []float32{8}, 0},
		{"T14 by name", "z", bands, 1, []float32{1, 2}, 0},
		{"T14 by name, other case", "R", bands, 2, []float32{3, 4}, 0},
		{"by index", "2", bands, 2, []float32{3, 4}, 0},
		{"T14 EXTNAME is a number", "5", join(empty, extension(-32, []int{1, 1}, card("EXTNAME", 5)), floats(1)), -1, nil, 0},
		{"T15 PCOUNT on an image", "2", join(empty, pcount, pad(make([]byte, 4008)), extension(-32, []int{1, 1}), floats(7)), 2, []float32{7}, 0},
		{"T15 random groups", "", join(groups, pad(make([]byte, 3000)), extension(-32, []int{1, 1}), floats(7)), 1, []float32{7}, 0},
		{"zero-length axis beside a huge one", "", join(header(card("SIMPLE", "T"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 777777701), card("NAXIS2", 0)), extension(-32, []int{1, 1}), floats(3)), 1, []float32{3}, 0},
		{"gzip", "", zipped(good()), 0, simple, 0},
		{"T8 two members", "", join(zipped(good()[:2880]), zipped(good()[2880:])), 0, simple, 0},
		{"T8 zeros after the member", "", join(zipped(good()), make([]byte, 512)), 0, simple, schemas.FlagTrailingJunk},
		{"T11 the last duplicate wins", "", join(primary(-32, []int{2, 2}, card("NAXIS1", 1)), floats(1, 2)), 0, []float32{1, 2}, schemas.FlagCardConflict},
		{"the same card twice is no conflict", "", join(primary(-32, []int{2, 1}, card("NAXIS1", 2)), floats(1, 2)), 0, []float32{1, 2}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f File
			px, h, err := readDefault(&f, tt.b, tt.which)
			if tt.hdu < 0 {
				wantReason(t, err, schemas.ReasonNoImage)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			samePixels(t, px, tt.want...)
			if h.Index != tt.hdu {
				t.Errorf("HDU %d, want %d", h.Index, tt.hdu)
			}
			if got := f.Flags | h.Flags; got != tt.flags {
				t.Errorf("flags %v, want %v", got, tt.flags)
			}
		})
	}
}

// TestStructureRefused pins the reason of every refusal: formats.md T2, T4, T5, T7, T8, T9.
func TestStructureRefused(t *testing.T) {
	flip := func(b []byte, fromEnd int) []byte {
		b = bytes.Clone(b)
		b[len(b)-fromEnd] ^= 1
		return b
	}
	axes := func(v ...string) []byte {
		cards := []string{card("SIMPLE", "T"), card("BITPIX", -32), card("NAXIS", len(v))}
		for i, a := range v {
			cards = append(cards, card("NAXIS"+string(rune('1'+i)), a))
		}
		return join(header(cards...), make([]byte, 2880))
	}
	compressed := header(text("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", 8), card("NAXIS2", 1), card("PCOUNT", 0), card("GCOUNT", 1),
		card("ZIMAGE", "T"), text("ZCMPTYPE", "BLOSC"), card("ZBITPIX", 16), card("ZNAXIS", 1), card("ZNAXIS1", 4))
	tests := []struct {
		name   string
		b      []byte
		limits Limits
		want   schemas.Reason
		says   string
	}{
		{"T2 half the data", good()[:2880+8], Limits{}, schemas.ReasonTruncated, "8 of 16"},
		{"T2 cut at a block", primary(-32, []int{40, 20}), Limits{}, schemas.ReasonTruncated, "0 of 3200"},
		{"T4 no END", rawHeader(card("SIMPLE", "T"), card("BITPIX", 8), card("NAXIS", 0)), Limits{}, schemas.ReasonNoHDU, "END"},
		{"T4 empty", nil, Limits{}, schemas.ReasonNoHDU, "empty"},
		{"T5 HTML", []byte("\n <!DOCTYPE html>"), Limits{}, schemas.ReasonNotFITS, "HTML"},
		{"T5 bzip2", []byte("BZh91AY&SY"), Limits{}, schemas.ReasonBadGzip, "bzip2"},
		{"T5 .Z", []byte("\x1f\x9d\x9f"), Limits{}, schemas.ReasonBadGzip, "Unix compress"},
		{"T5 gzip twice", zipped(zipped(good())), Limits{}, schemas.ReasonCompressed, "gzip inside"},
		{"T5 PNG", []byte("\x89PNG\r\n"), Limits{}, schemas.ReasonNotFITS, "PNG"},
		{"T5 JSON", []byte(`{"error": 1}`), Limits{}, schemas.ReasonNotFITS, "JSON"},
		{"T5 noise", []byte("0\n"), Limits{}, schemas.ReasonNotFITS, "0"},
		{"T7 nothing but a header", primary(8, nil), Limits{}, schemas.ReasonNoImage, "1 HDUs"},
		{"one axis is no picture", join(primary(-32, []int{4}), floats(1, 2, 3, 4)), Limits{}, schemas.ReasonNoImage, "axes"},
		{"Z1 tile-compressed", join(primary(8, nil), compressed, pad(make([]byte, 8))), Limits{}, schemas.ReasonCompressed, "BLOSC"},
		{"T8 trailer cut", zipped(good())[:len(zipped(good()))-4], Limits{}, schemas.ReasonBadGzip, "damaged"},
		{"T8 checksum wrong", flip(zipped(good()), 6), Limits{}, schemas.ReasonBadGzip, "damaged"},
		{"T8 length wrong", flip(zipped(good()), 1), Limits{}, schemas.ReasonBadGzip, "damaged"},
		{"gzip header alone", []byte{0x1f, 0x8b}, Limits{}, schemas.ReasonBadGzip, "damaged"},
		{"junk after the member", join(zipped(good()), []byte("junk")), Limits{}, schemas.ReasonBadGzip, "after the last gzip member"},
		{"T8 bomb", zipped(join(good(), make([]byte, 8<<20))), Limits{MaxInflated: 1 << 20}, schemas.ReasonTooLarge, "inflates to more than 1048576"},
		{"payload over the limit", good(), Limits{MaxBytes: 1000}, schemas.ReasonTooLarge, "over the limit of 1000"},
		{"T9 100000 squared", axes("100000", "100000"), Limits{}, schemas.ReasonTooLarge, "MaxBytes"},
		{"T9 2^31 squared", axes("2147483648", "2147483648"), Limits{}, schemas.ReasonTooLarge, ""},
		{"T9 overflow of 64 bits", axes("4294967296", "4294967297"), Limits{}, schemas.ReasonTooLarge, ""},
		{"T9 negative axis", axes("-2", "2"), Limits{}, schemas.ReasonBadHeader, "NAXIS1"},
		{"axis beyond int64", axes("99999999999999999999", "2"), Limits{}, schemas.ReasonBadHeader, "NAXIS1"},
		{"axis with a fraction", axes("2.5", "2"), Limits{}, schemas.ReasonBadHeader, "NAXIS1"},
		{"T9 NAXIS -1", header(card("SIMPLE", "T"), card("BITPIX", 8), card("NAXIS", -1)), Limits{}, schemas.ReasonBadHeader, "NAXIS"},
		{"T9 NAXIS 2e9", header(card("SIMPLE", "T"), card("BITPIX", 8), card("NAXIS", 2000000000)), Limits{}, schemas.ReasonBadHeader, "NAXIS"},
		{"NAXIS absent", header(card("SIMPLE", "T"), card("BITPIX", 8)), Limits{}, schemas.ReasonBadHeader, "NAXIS"},
		{"BITPIX 12", header(card("SIMPLE", "T"), card("BITPIX", 12), card("NAXIS", 0)), Limits{}, schemas.ReasonBadHeader, "BITPIX"},
		{"BITPIX as a word", header(card("SIMPLE", "T"), text("BITPIX", "x"), card("NAXIS", 0)), Limits{}, schemas.ReasonBadHeader, "BITPIX"},
		{"PCOUNT negative", join(primary(8, []int{1, 1}, card("PCOUNT", -1)), make([]byte, 2880)), Limits{}, schemas.ReasonBadHeader, "PCOUNT"},
		{"GCOUNT 0", join(primary(8, []int{1, 1}, card("GCOUNT", 0)), make([]byte, 2880)), Limits{}, schemas.ReasonBadHeader, "GCOUNT"},
		{"BSCALE NaN", join(primary(8, []int{1, 1}, card("BSCALE", "NaN")), make([]byte, 2880)), Limits{}, schemas.ReasonBadHeader, "BSCALE"},
		{"too many HDUs", join(primary(8, nil), extension(8, nil), extension(8, nil)), Limits{MaxHDUs: 2}, schemas.ReasonTooLarge, "MaxHDUs"},
		{"header too long", header(append([]string{card("SIMPLE", "T"), card("BITPIX", 8), card("NAXIS", 0)}, make([]string, 40)...)...), Limits{MaxHeaderBlocks: 1}, schemas.ReasonTooLarge, "MaxHeaderBlocks"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := File{Limits: tt.limits}
			_, _, err := readDefault(&f, tt.b, "")
			wantReason(t, err, tt.want)
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q does not say %q", err, tt.says)
			}
		})
	}
}

// TestForgedSizesAllocateNothing: T9 files and forged gzip trailers cost next to no memory.
func TestForgedSizesAllocateNothing(t *testing.T) {
	huge := primary(-32, []int{100000, 100000})
	inside := primary(-32, []int{4000, 4000}) // within the limit, far beyond the bytes present
	forged := zipped(good())
	copy(forged[len(forged)-4:], "\xff\xff\xff\x7f")
	for name, b := range map[string][]byte{"over the limit": huge, "within the limit": inside, "gzip trailer": forged} {
		var f File
		readDefault(&f, forged, "") // the inflater's own state is made once
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := readDefault(&f, b, ""); err == nil {
			t.Errorf("%s: accepted", name)
		}
		runtime.ReadMemStats(&after)
		// 64 KiB for faults and the like; gzip may prepare for the most that deflate can reach, 1032 to 1.
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<10+1032*uint64(len(forged)) {
			t.Errorf("%s: %d bytes allocated", name, used)
		}
	}
}

// TestLimitsValidate lists all faults at once.
func TestLimitsValidate(t *testing.T) {
	if err := DefaultLimits().Validate(); err != nil {
		t.Error(err)
	}
	if err := (Limits{}).Validate(); err != nil {
		t.Error(err)
	}
	err := Limits{MaxBytes: -1, MaxAxes: 9}.Validate()
	if err == nil || !strings.Contains(err.Error(), "MaxBytes") || !strings.Contains(err.Error(), "MaxAxes") {
		t.Errorf("got %v", err)
	}
}

// TestAxesOverTheLimit: an image of more axes than allowed is not a default picture.
func TestAxesOverTheLimit(t *testing.T) {
	b := join(primary(-32, []int{1, 1, 1, 1, 1}), floats(4))
	var f File
	_, _, err := readDefault(&f, b, "")
	wantReason(t, err, schemas.ReasonNoImage)
	_, _, err = readDefault(&f, b, "0")
	wantReason(t, err, schemas.ReasonTooLarge)
	f.Limits.MaxAxes = 5
	px, _, err := readDefault(&f, b, "")
	if err != nil {
		t.Fatal(err)
	}
	samePixels(t, px, 4)
}
