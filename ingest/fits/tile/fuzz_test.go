package tile

import (
	"errors"
	"slices"
	"testing"
)

// checkError fails unless err is nil or one of the two kinds.
func checkError(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrDamaged) {
		t.Fatalf("%v is no typed refusal", err)
	}
}

// FuzzRice: no panic, pixels within their width, and what decodes comes back through the encoder.
func FuzzRice(f *testing.F) {
	for name, px := range samples(70, 0, 30000) {
		f.Add(riceEncode(px, 2, 32, 100), uint16(len(name)), uint8(2), uint8(32))
		f.Add(riceEncode(px, 4, 16, 99), uint16(70), uint8(4), uint8(16))
		f.Add(riceEncode(px, 1, 32, 1), uint16(70), uint8(1), uint8(32))
	}
	f.Fuzz(func(t *testing.T, b []byte, n uint16, bytepix, block uint8) {
		px := make([]int32, int(n)+1)
		err := Rice(px, b, int(bytepix), int(block))
		checkError(t, err)
		if err != nil {
			return
		}
		again := make([]int32, len(px))
		if err := Rice(again, riceEncode(px, int(bytepix), int(block), 100), int(bytepix), int(block)); err != nil || !slices.Equal(again, px) {
			t.Fatalf("%v does not come back: %v, %v", px, again, err)
		}
	})
}

// FuzzPLIO: no panic, every pixel written, within the range, and what decodes comes back.
func FuzzPLIO(f *testing.F) {
	for _, px := range samples(70, 0, 1<<24-1) {
		f.Add(plioEncode(px), uint16(70))
	}
	f.Add(plioWords(plioRaiseAndPut<<12|4, plioLowerAndPut<<12|2, plioZerosOne<<12|3), uint16(9))
	f.Fuzz(func(t *testing.T, b []byte, n uint16) {
		px := make([]int32, n)
		for i := range px {
			px[i] = -1
		}
		err := PLIO(px, b)
		checkError(t, err)
		if err != nil {
			return
		}
		for i, v := range px {
			if v < 0 || v >= 1<<27 {
				t.Fatalf("pixel %d is %d", i, v)
			}
		}
		again := make([]int32, n)
		if err := PLIO(again, plioEncode(px)); err != nil || !slices.Equal(again, px) {
			t.Fatalf("%v does not come back: %v, %v", px, again, err)
		}
	})
}

// FuzzHCompress: no panic, and a decoder that has seen other streams answers like a fresh one.
func FuzzHCompress(f *testing.F) {
	for _, shape := range [][2]int{{1, 1}, {5, 7}, {16, 4}, {33, 3}} {
		for _, small := range samples(shape[0]*shape[1], -1000, 1000) {
			px := make([]int64, len(small))
			for i, v := range small {
				px[i] = int64(v)
			}
			for scale := range int32(2) {
				f.Add(hcompressEncode(px, shape[0], shape[1], 9*scale, scale == 0), uint8(shape[0]), uint8(shape[1]), true)
			}
		}
	}
	var used HCompress
	f.Fuzz(func(t *testing.T, b []byte, w, rows uint8, smooth bool) {
		got, err := used.Decode(b, int(w), int(rows), smooth)
		checkError(t, err)
		var fresh HCompress
		want, freshErr := fresh.Decode(b, int(w), int(rows), smooth)
		if (err == nil) != (freshErr == nil) || !slices.Equal(got, want) {
			t.Fatalf("%v %v, a fresh decoder %v %v", got, err, want, freshErr)
		}
	})
}
