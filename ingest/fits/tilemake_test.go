package fits

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
)

// tileColumn is one column of a table of tiles to write: form is TFORM without its count. For P and Q one
// cell of stored bytes a row, else one big-endian number.
type tileColumn struct {
	name, form string
	cells      [][]byte
}

// tileTable is a table HDU: the columns, extra cards, and gap bytes between rows and heap.
func tileTable(columns []tileColumn, gap int, extra ...string) []byte {
	var fields []string
	rows, rowLen := len(columns[0].cells), 0
	for i, c := range columns {
		fields = append(fields, text(fmt.Sprintf("TTYPE%d", i+1), c.name), text(fmt.Sprintf("TFORM%d", i+1), "1"+c.form))
		rowLen += formWidth(c.form[0])
	}
	var table, heap []byte
	for row := range rows {
		for _, c := range columns {
			cell := c.cells[row]
			switch c.form[0] {
			case 'P':
				table = binary.BigEndian.AppendUint32(table, uint32(len(cell)/formWidth(c.form[1])))
				table = binary.BigEndian.AppendUint32(table, uint32(len(heap)))
				heap = append(heap, cell...)
			case 'Q':
				table = binary.BigEndian.AppendUint64(table, uint64(len(cell)/formWidth(c.form[1])))
				table = binary.BigEndian.AppendUint64(table, uint64(len(heap)))
				heap = append(heap, cell...)
			default:
				table = append(table, cell...)
			}
		}
	}
	cards := []string{text("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", rowLen), card("NAXIS2", rows),
		card("PCOUNT", gap+len(heap)), card("GCOUNT", 1), card("TFIELDS", len(columns))}
	if gap > 0 {
		cards = append(cards, card("THEAP", len(table)+gap))
	}
	cards = append(append(cards, fields...), extra...)
	return join(header(cards...), pad(join(table, make([]byte, gap), heap)))
}

// zCards are the cards of a compressed image; tile nil leaves ZTILEn out.
func zCards(algorithm string, bitpix int, axes, tile []int, extra ...string) []string {
	cards := []string{card("ZIMAGE", "T"), text("ZCMPTYPE", algorithm), card("ZBITPIX", bitpix), card("ZNAXIS", len(axes))}
	for i, a := range axes {
		cards = append(cards, card(fmt.Sprintf("ZNAXIS%d", i+1), a))
	}
	for i, a := range tile {
		cards = append(cards, card(fmt.Sprintf("ZTILE%d", i+1), a))
	}
	return append(cards, extra...)
}

// cutTiles cuts an image, NAXIS1 fastest, into its tiles in the order of their rows.
func cutTiles[T any](px []T, axes, tile []int) (out [][]T) {
	counts, total := make([]int, len(axes)), 1
	for i := range axes {
		counts[i] = (axes[i] + tile[i] - 1) / tile[i]
		total *= counts[i]
	}
	out = make([][]T, total)
	for i, v := range px {
		row, stride, rest := 0, 1, i
		for k := range axes {
			row += rest % axes[k] / tile[k] * stride
			stride *= counts[k]
			rest /= axes[k]
		}
		out[row] = append(out[row], v)
	}
	return out
}

// riceRaw codes integers as RICE_1 does with every block raw, which any decoder must read: 32-bit pixels
// in blocks of 32.
func riceRaw(px []int32) []byte {
	return riceBits(px, 26, func(d uint64, put func(uint64, int)) { put(d, 32) })
}

// riceSplit codes integers as RICE_1 with one split for all blocks, as noise is best coded.
func riceSplit(px []int32, split int) []byte {
	return riceBits(px, split+1, func(d uint64, put func(uint64, int)) {
		for range d >> split {
			put(0, 1)
		}
		put(1<<split|d&(1<<split-1), split+1)
	})
}

// riceBits writes the first pixel and blocks of 32 differences, each with the given code.
func riceBits(px []int32, code int, write func(d uint64, put func(v uint64, k int))) []byte {
	out := number32(px[0])
	n := 0
	put := func(v uint64, k int) {
		for i := k - 1; i >= 0; i-- {
			if n%8 == 0 {
				out = append(out, 0)
			}
			out[len(out)-1] |= byte(v>>i&1) << (7 - n%8)
			n++
		}
	}
	last := px[0]
	for i, v := range px {
		if i%32 == 0 {
			put(uint64(code), 5)
		}
		d := v - last
		write(uint64(uint32(d<<1^d>>31)), put)
		last = v
	}
	return out
}

// plioRaw codes integers below 2^24 as PLIO_1, one by one.
func plioRaw(px []int32) []byte {
	n := 7 + 3*len(px)
	words := []uint16{0, 7, 0xff9c, uint16(n & 0x7fff), uint16(n >> 15), 0, 0}
	for _, v := range px {
		words = append(words, 1<<12|uint16(v&0xfff), uint16(v>>12), 4<<12|1)
	}
	return stored(words)
}

// shuffled puts the most significant bytes first, then the next.
func shuffled(b []byte, width int) (out []byte) {
	for i := range width {
		for k := i; k < len(b); k += width {
			out = append(out, b[k])
		}
	}
	return out
}

// number64 and number32 are cells of one number.
func number64(v float64) []byte { return binary.BigEndian.AppendUint64(nil, math.Float64bits(v)) }
func number32(v int32) []byte   { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

// quantisedImage is a RICE_1 image of noise as fpack writes it: one row a tile, subtractive dither.
func quantisedImage(tb testing.TB, width, height int, extra ...string) []byte {
	tb.Helper()
	var data, scale, zero [][]byte
	px := noise(width * height)
	for y := range height {
		q := make([]int32, width)
		for x := range q {
			q[x] = int32((px[y*width+x] - 120) / 0.875)
		}
		data = append(data, riceSplit(q, 3))
		scale, zero = append(scale, number64(0.875)), append(zero, number64(120))
	}
	return join(primary(8, nil), tileTable([]tileColumn{{"COMPRESSED_DATA", "PB", data}, {"ZSCALE", "D", scale}, {"ZZERO", "D", zero}}, 0,
		zCards("RICE_1", -32, []int{width, height}, nil, append(extra, text("ZQUANTIZ", "SUBTRACTIVE_DITHER_1"), card("ZDITHER0", 42), card("ZBLANK", math.MinInt32))...)...))
}
