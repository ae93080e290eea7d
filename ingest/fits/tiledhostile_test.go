package fits

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

// oneTile is a table with one tile of cell and the cards of a 4 x 1 image of int32, where extra replaces
// cards of the same name.
func oneTile(algorithm string, cell []byte, extra ...string) []byte {
	cards := zCards(algorithm, 32, []int{4, 1}, nil)
	for _, e := range extra {
		if i := slices.IndexFunc(cards, func(c string) bool { return c[:8] == e[:8] }); i >= 0 {
			cards[i] = e
		} else {
			cards = append(cards, e)
		}
	}
	return join(primary(8, nil), tileTable([]tileColumn{{"COMPRESSED_DATA", "PB", [][]byte{cell}}}, 0, cards...))
}

// replaced swaps the only occurrence of a card name's value.
func replaced(b []byte, old, with string) []byte {
	o := []byte(fmt.Sprintf("%-80s", old))
	if bytes.Count(b, o) != 1 {
		panic(fmt.Sprintf("%q occurs %d times", old, bytes.Count(b, o)))
	}
	return bytes.Replace(b, o, []byte(fmt.Sprintf("%-80s", with)), 1)
}

// TestTiledRefused: what cannot be read is a typed fault that says why, from the header alone where it
// can be.
func TestTiledRefused(t *testing.T) {
	rice := riceRaw([]int32{1, 2, 3, 4})
	good := oneTile("RICE_1", rice)
	wide := func(elem string, columns ...tileColumn) []byte {
		return join(primary(8, nil), tileTable(append([]tileColumn{{"COMPRESSED_DATA", "P" + elem, [][]byte{rice}}}, columns...), 0, zCards("RICE_1", -32, []int{4, 1}, nil)...))
	}
	none := join(primary(8, nil), tileTable([]tileColumn{{"OTHER", "PB", [][]byte{rice}}}, 0, zCards("RICE_1", 32, []int{4, 1}, nil)...))
	for _, tt := range []struct {
		name string
		b    []byte
		want schemas.Reason
		says string
	}{
		{"unknown algorithm", oneTile("BLOSC", rice), schemas.ReasonCompressed, "BLOSC"},
		{"mask of null pixels", oneTile("RICE_1", rice, text("ZMASKCMP", "RICE_1")), schemas.ReasonCompressed, "ZMASKCMP"},
		{"unknown dither", oneTile("RICE_1", rice, card("ZBITPIX", -32), text("ZQUANTIZ", "X")), schemas.ReasonCompressed, "ZQUANTIZ"},
		{"seed", oneTile("RICE_1", rice, card("ZBITPIX", -32), text("ZQUANTIZ", "SUBTRACTIVE_DITHER_1"), card("ZDITHER0", 0)), schemas.ReasonBadHeader, "ZDITHER0"},
		{"ZBITPIX", oneTile("RICE_1", rice, card("ZBITPIX", 12)), schemas.ReasonBadHeader, "ZBITPIX"},
		{"ZNAXIS", oneTile("RICE_1", rice, card("ZNAXIS", 9)), schemas.ReasonBadHeader, "ZNAXIS"},
		{"ZNAXIS1 zero", oneTile("RICE_1", rice, card("ZNAXIS1", 0)), schemas.ReasonBadHeader, "ZNAXIS1"},
		{"ZNAXIS1 beyond int64", oneTile("RICE_1", rice, card("ZNAXIS1", "99999999999999999999")), schemas.ReasonBadHeader, "ZNAXIS1"},
		{"ZTILE1 zero", oneTile("RICE_1", rice, card("ZTILE1", 0)), schemas.ReasonBadHeader, "ZTILE1"},
		{"more tiles than rows", oneTile("RICE_1", rice, card("ZNAXIS2", 2)), schemas.ReasonBadHeader, "more tiles"},
		{"tiles beyond 64 bits", oneTile("RICE_1", rice, card("ZNAXIS1", 1<<40), card("ZNAXIS2", 1<<40), card("ZTILE1", 1)), schemas.ReasonBadHeader, "more tiles"},
		{"pixels beyond 64 bits", oneTile("RICE_1", rice, card("ZNAXIS1", 1<<40), card("ZNAXIS2", 1<<40), card("ZTILE2", 1<<40)), schemas.ReasonTooLarge, "MaxInflated"},
		{"over MaxInflated", oneTile("RICE_1", rice, card("ZNAXIS1", 20000), card("ZNAXIS2", 20000), card("ZTILE2", 20000)), schemas.ReasonTooLarge, "MaxInflated"},
		{"promises too much", oneTile("PLIO_1", rice, card("ZNAXIS1", 1900000)), schemas.ReasonTooLarge, "a byte"},
		{"BLOCKSIZE", oneTile("RICE_1", rice, text("ZNAME1", "BLOCKSIZE"), card("ZVAL1", 0)), schemas.ReasonBadHeader, "BLOCKSIZE"},
		{"BYTEPIX", oneTile("RICE_1", rice, text("ZNAME1", "BYTEPIX"), card("ZVAL1", 8)), schemas.ReasonBadHeader, "BYTEPIX"},
		{"no column of tiles", none, schemas.ReasonBadHeader, "no column"},
		{"scale of text", wide("B", tileColumn{"ZSCALE", "A", [][]byte{{'x'}}}), schemas.ReasonBadHeader, "ZSCALE"},
		{"scale of variable length", wide("B", tileColumn{"ZSCALE", "PD", [][]byte{number64(1)}}), schemas.ReasonBadHeader, "ZSCALE"},
		{"blank of floats", wide("B", tileColumn{"ZBLANK", "E", [][]byte{number32(1)}}), schemas.ReasonBadHeader, "ZBLANK"},
		{"TFIELDS", replaced(good, card("TFIELDS", 1), card("TFIELDS", 65)), schemas.ReasonBadHeader, "TFIELDS"},
		{"TFORM absent", replaced(good, text("TFORM1", "1PB"), text("OTHER", "1PB")), schemas.ReasonBadHeader, "TFORM1"},
		{"TFORM unknown", replaced(good, text("TFORM1", "1PB"), text("TFORM1", "1Y")), schemas.ReasonBadHeader, "TFORM1"},
		{"TFORM longer than a row", replaced(good, text("TFORM1", "1PB"), text("TFORM1", "99999999999B")), schemas.ReasonBadHeader, "TFORM1"},
		{"THEAP inside the rows", replaced(good, card("GCOUNT", 1), card("THEAP", 7)), schemas.ReasonBadHeader, "THEAP"},
		{"THEAP behind the data", replaced(good, card("GCOUNT", 1), card("THEAP", 99)), schemas.ReasonBadHeader, "THEAP"},
		{"heap cut", good[:len(good)-2880+20], schemas.ReasonTruncated, "data bytes"},
		{"tile without data", oneTile("RICE_1", nil), schemas.ReasonTruncated, "no column holds"},
		{"RICE cut", oneTile("RICE_1", rice[:8]), schemas.ReasonTruncated, "ends early"},
		{"RICE damaged", oneTile("RICE_1", []byte{0, 0, 0, 1, 0xff, 0xff}), schemas.ReasonBadHeader, "damaged"},
		{"gzip damaged", oneTile("GZIP_1", []byte{0x1f, 0x8b, 8, 0}), schemas.ReasonBadGzip, "tile 0"},
		{"gzip of too few pixels", oneTile("GZIP_1", zipped(make([]byte, 12))), schemas.ReasonBadHeader, "number of pixels"},
		{"gzip of three bytes more", oneTile("GZIP_2", zipped(make([]byte, 15))), schemas.ReasonBadHeader, "number of pixels"},
		{"gzip bomb", oneTile("GZIP_1", zipped(make([]byte, 1<<20))), schemas.ReasonBadGzip, "tile 0"},
		{"plain of another type", oneTile("NOCOMPRESS", make([]byte, 8), card("ZBITPIX", -32)), schemas.ReasonBadHeader, "number of pixels"},
		{"PLIO damaged", oneTile("PLIO_1", stored([]uint16{0, 7, 0xff9c, 8, 0, 0, 0, 0x9001})), schemas.ReasonBadHeader, "damaged"},
		{"HCOMPRESS damaged", oneTile("HCOMPRESS_1", make([]byte, 30)), schemas.ReasonBadHeader, "damaged"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := readDefault(new(File), tt.b, "")
			wantReason(t, err, tt.want)
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q does not say %q", err, tt.says)
			}
			if in := Describe(parsed(t, tt.b)); len(in) == 2 && in[1].Damaged == nil && !in[1].Truncated {
				t.Error("described as sound")
			}
		})
	}
	if px, _, err := readDefault(new(File), good, ""); err != nil {
		t.Error(err)
	} else {
		samePixels(t, px, 1, 2, 3, 4)
	}
}

// TestTiledAround: an HDU that cannot be read leaves those around it readable.
func TestTiledAround(t *testing.T) {
	bad := oneTile("BLOSC", []byte{1})
	b := join(bad, extension(-32, []int{2, 1}, text("EXTNAME", "SCI")), floats(5, 6))
	px, _, err := readDefault(new(File), b, "sci")
	if err != nil {
		t.Fatal(err)
	}
	samePixels(t, px, 5, 6)
	_, _, err = readDefault(new(File), b, "")
	wantReason(t, err, schemas.ReasonCompressed)
}

// TestTiledDescriptors: cells that point outside the heap are refused before any pixel is allocated.
func TestTiledDescriptors(t *testing.T) {
	cell := riceRaw([]int32{1, 2, 3, 4})
	for _, form := range []string{"PB", "QB"} {
		b := join(primary(8, nil), tileTable([]tileColumn{{"COMPRESSED_DATA", form, [][]byte{cell}}}, 0, zCards("RICE_1", 32, []int{4, 1}, nil)...))
		at := bytes.LastIndex(b, cell) - formWidth(form[0])
		size := formWidth(form[0]) / 2
		for _, d := range [][2]int64{{int64(len(cell)) + 1, 0}, {1, int64(len(cell))}, {-1, 0}, {4, -1}, {math.MaxInt32, 4}, {4, math.MaxInt32}, {math.MinInt64, 1}, {math.MaxInt64, math.MaxInt64}} {
			forged := slices.Clone(b)
			for i, v := range d {
				word := stored([]int64{v})
				if size == 4 {
					if v < math.MinInt32 || v > math.MaxInt32 {
						v = math.MinInt32
					}
					word = number32(int32(v))
				}
				copy(forged[at+i*size:], word)
			}
			f := parsed(t, forged)
			_, err := f.HDUs[1].Geometry()
			wantReason(t, err, schemas.ReasonTruncated)
		}
	}
}

// bitString is the bytes of ones and zeros, the last one filled with zeros.
func bitString(s string) (out []byte) {
	for i, c := range s {
		if i%8 == 0 {
			out = append(out, 0)
		}
		out[i/8] |= byte(c-'0') << (7 - i%8)
	}
	return out
}

// hostileFiles promise much from few bytes, or ask for work again and again.
func hostileFiles() map[string][]byte {
	empty := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}
	for range 20000 { // stored blocks without bytes
		empty = append(empty, 0, 0, 0, 0xff, 0xff)
	}
	four := make([]byte, 4)
	empty = join(empty, []byte{1, 4, 0, 0xfb, 0xff}, four, binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(four)), []byte{4, 0, 0, 0})
	shared := func(algorithm string, cell []byte, n int) []byte {
		cells := make([][]byte, n)
		cells[0] = cell
		for i := range cells[1:] {
			cells[i+1] = []byte{}
		}
		b := join(primary(8, nil), tileTable([]tileColumn{{"COMPRESSED_DATA", "PB", cells}}, 0, zCards(algorithm, 32, []int{n, 1}, []int{1, 1})...))
		rows := bytes.LastIndex(b, cell) - 8*n
		for i := range n {
			copy(b[rows+8*i:], b[rows:rows+8])
		}
		return b
	}
	// HCOMPRESS of n x n: trees of so many levels, each with one child, in 48 planes of four quadrants.
	trees := func(n, levels int) []byte {
		chain := bitString(strings.Repeat("1111"+strings.Repeat("011", levels), 4*48) + "0000")
		return join([]byte{0xdd, 0x99}, number32(int32(n)), number32(int32(n)), make([]byte, 12), []byte{48, 48, 48}, chain, []byte{0})
	}
	tiles := func(cell []byte, n, size int) []byte {
		b := shared("HCOMPRESS_1", cell, n*n)
		for i, v := range []int{n * size, n * size} {
			b = replaced(b, card(fmt.Sprintf("ZNAXIS%d", i+1), []int{n * n, 1}[i]), card(fmt.Sprintf("ZNAXIS%d", i+1), v))
			b = replaced(b, card(fmt.Sprintf("ZTILE%d", i+1), 1), card(fmt.Sprintf("ZTILE%d", i+1), size))
		}
		return b
	}
	big := func(algorithm string, axes, cut []int, cell []byte, padding int) []byte {
		return join(primary(8, nil), tileTable([]tileColumn{{"COMPRESSED_DATA", "PB", [][]byte{cell}}, {"PADDING", "PB", [][]byte{make([]byte, padding)}}}, 0, zCards(algorithm, 32, axes, cut)...))
	}
	return map[string][]byte{
		"gzip without output behind every tile": shared("GZIP_1", empty, 640),
		"zero run behind every tile":            shared("RICE_1", join(number32(0), []byte{8}, make([]byte, 100000), []byte{1}), 640),
		"PLIO without output behind every tile": shared("PLIO_1", append(stored([]uint16{0, 7, 0xff9c, 50007 & 0x7fff, 1, 0, 0}), make([]byte, 100000)...), 640),
		"HCOMPRESS of many planes":              big("HCOMPRESS_1", []int{1400, 1400}, []int{1400, 1400}, trees(1400, 10), 500),
		"HCOMPRESS of many planes and tiles":    tiles(join(trees(500, 8), make([]byte, 7000)), 7, 500),
		"cube of single pixels":                 big("PLIO_1", []int{1, 1, 1 << 20}, []int{1, 1, 1 << 20}, stored([]uint16{0, 7, 0xff9c, 7, 0, 0, 0}), 0),
		"all that the bytes may promise":        big("PLIO_1", []int{1300, 1300}, []int{1300, 1300}, stored([]uint16{0, 7, 0xff9c, 7, 0, 0, 0}), 9000),
	}
}

// TestTiledHostileCost: no small file takes a second or 64 MiB, whether it is read or refused. A busy
// machine takes its time, so the fastest of three counts.
func TestTiledHostileCost(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes memory accesses ten to thirty times slower")
	}
	for name, b := range hostileFiles() {
		if len(b) > 256<<10 {
			t.Fatalf("%s has %d bytes", name, len(b))
		}
		best, grown := time.Hour, uint64(0)
		var err error
		for try := 0; try < 3 && best > time.Second; try++ {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, _, err = decodeOnce(Options{}, &ingest.Message{Value: b})
			best = min(best, time.Since(start))
			runtime.ReadMemStats(&after)
			grown = after.TotalAlloc - before.TotalAlloc
			checkFault(t, err)
		}
		t.Logf("%s: %v, %d KiB, %v", name, best, grown>>10, err)
		if best > time.Second || grown > 64<<20 {
			t.Errorf("%s: %v, %d MiB", name, best, grown>>20)
		}
	}
}
