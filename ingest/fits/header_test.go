package fits

import (
	"math"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
)

// headerOf parses a header of the given cards behind the mandatory ones.
func headerOf(t testing.TB, cards ...string) *HDU {
	t.Helper()
	f := parsed(t, join(primary(-32, []int{2, 2}, cards...), floats(1, 2, 3, 4)))
	return &f.HDUs[0]
}

// TestHeaderNumbers pins the number grammar: formats.md H1, H2, H3, H6, S5.
func TestHeaderNumbers(t *testing.T) {
	nan := math.NaN() // the card gives no number
	tests := []struct {
		field string
		want  float64
	}{
		{"-7.2E-5", -7.2e-5}, {"-7.2D-05", -7.2e-5}, {"-7e-5", -7e-5}, {"-7.2d-5", -7.2e-5}, {".262", .262}, {"5.", 5}, {"+3", 3},
		{"30/ sec", 30}, {"30 / sec", 30}, {"1E400", math.Inf(1)}, {"12                  / int", 12}, {"'1.5'", 1.5}, {"' 7 '", 7},
		{"10000000000000000001", 10000000000000000001}, {"-9223372036854775808", math.MinInt64},
		{"NaN", nan}, {"", nan}, {"/ only a comment", nan}, {"T", nan}, {"1 2", nan}, {"1e", nan}, {"1e+", nan}, {".", nan}, {"-", nan},
		{"1.2.3", nan}, {"0x10", nan}, {"1_000", nan}, {"inf", nan}, {"(1.0, 2.0)", nan}, {"'text'", nan}, {"1e5x", nan},
	}
	for _, tt := range tests {
		h := headerOf(t, "KEY     = "+tt.field)
		got, ok := h.Float("key")
		if ok == math.IsNaN(tt.want) || ok && got != tt.want {
			t.Errorf("%q reads as %v, %v, want %v", tt.field, got, ok, tt.want)
		}
	}
}

// TestHeaderText pins strings: quotes, CONTINUE (H4), HIERARCH (H5), big integers (H3).
func TestHeaderText(t *testing.T) {
	tests := []struct {
		name, key string
		cards     []string
		want      string
		stray     int
	}{
		{"plain", "K", []string{"K       = 'abc     ' / comment"}, "abc", 0},
		{"quote inside", "K", []string{"K       = 'it''s'"}, "it's", 0},
		{"empty string", "K", []string{"K       = ''"}, "", 0},
		{"slash inside", "K", []string{"K       = 'a/b' / c"}, "a/b", 0},
		{"no closing quote", "K", []string{"K       = 'abc"}, "abc", 0},
		{"value right after the equals sign", "K", []string{"K       ='abc'"}, "abc", 0},
		{"undefined", "K", []string{"K       ="}, "<absent>", 0},
		{"no value indicator", "K", []string{"K         'abc'"}, "<absent>", 0},
		{"H3 big integer", "OBJID", []string{card("OBJID", "10000000000000000001")}, "10000000000000000001", 0},
		{"H4 joined", "LONGS", []string{text("LONGS", "abcdef&"), "CONTINUE  'ghi&'", "CONTINUE  'jkl' / c"}, "abcdefghijkl", 0},
		{"H4 without ampersand", "LONGS", []string{text("LONGS", "abcdef"), "CONTINUE  'ghijkl'"}, "abcdef", 1},
		{"H4 after a number", "NUMB", []string{card("NUMB", 12), "CONTINUE  'ghijkl'"}, "12", 1},
		{"H4 after a comment", "K", []string{"K       = 'a'", "COMMENT x", "CONTINUE  'ghijkl'"}, "a", 1},
		{"ampersand without a card to follow", "K", []string{"K       = 'a&'"}, "a&", 0},
		{"H5 hierarch", "HIERARCH ESO TEL ALT", []string{"HIERARCH ESO TEL ALT = 81.5 / deg"}, "81.5", 0},
		{"H5 without the word", "ESO TEL ALT", []string{"HIERARCH  eso  TEL ALT=81.5 / deg"}, "81.5", 0},
		{"H5 longer name is another", "ESO TEL ALT", []string{"HIERARCH ESO TEL ALT2 = 81.5"}, "<absent>", 0},
		{"H5 more words are another", "ESO TEL ALT", []string{"HIERARCH ESO TEL ALT X = 81.5"}, "<absent>", 0},
		{"H5 joined", "HIERARCH ESO OBS NAME", []string{"HIERARCH ESO OBS NAME = 'first half &'", "CONTINUE  'and second'"}, "first half and second", 0},
		{"last hierarch wins", "ESO TEL ALT", []string{"HIERARCH ESO TEL ALT = 1", "HIERARCH ESO TEL ALT = 2"}, "2", 0},
		{"lower-case name", "OBJECT", []string{"object  = 'M31'"}, "M31", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := headerOf(t, tt.cards...)
			if got := textOf(h, tt.key); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if h.StrayContinue != tt.stray || (h.Flags&schemas.FlagCardConflict != 0) != (tt.stray > 0) {
				t.Errorf("%d stray CONTINUE cards and flags %v, want %d", h.StrayContinue, h.Flags, tt.stray)
			}
		})
	}
}

// TestDuplicateCards: the last one wins for every name, and the conflict is noticed when it is read (T11).
func TestDuplicateCards(t *testing.T) {
	h := headerOf(t, card("MAGZP", 22.5), card("GAIN", 2), card("MAGZP", "30.0"), card("GAIN", 2))
	if h.conflict {
		t.Error("conflict before the card was read")
	}
	if v, ok := h.Float("MAGZP"); v != 30 || !ok || !h.conflict {
		t.Errorf("MAGZP is %v, conflict %v", v, h.conflict)
	}
	if n := h.duplicates(); n != 1 {
		t.Errorf("%d duplicates, want 1: GAIN repeats its value", n)
	}
}

// TestKeyFolding compares the eight-lane fold with the obvious one for every byte in every lane.
func TestKeyFolding(t *testing.T) {
	for c := range 256 {
		for lane := range 8 {
			b := []byte("abCD12-_")
			b[lane] = byte(c)
			want := uint64(0)
			for _, x := range b {
				want = want<<8 | uint64(upper(x))
			}
			if got := uint64(keyOf(b)); got != want {
				t.Fatalf("byte %#x in lane %d: %#x, want %#x", c, lane, got, want)
			}
		}
	}
	if indexed("NAXIS", 3) != makeKey("NAXIS3") || indexed2("CD", 1, 2) != makeKey("CD1_2") || indexed("CTYPE", 2) != makeKey("CTYPE2") {
		t.Error("indexed keys differ from their names")
	}
}

// TestHeaderScanAllocatesNothing: reading a header again costs no memory.
func TestHeaderScanAllocatesNothing(t *testing.T) {
	b := surveyCube()
	var f File
	if n := testing.AllocsPerRun(100, func() {
		if err := Parse(b, &f); err != nil {
			t.Fatal(err)
		}
		f.HDUs[0].Float("CD1_1")
		f.HDUs[0].Int("NAXIS")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
