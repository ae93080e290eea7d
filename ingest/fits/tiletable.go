package fits

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/galaxalign/galaxalign/schemas"
)

// maxColumns is the most columns of a table that holds an image; six have a meaning.
const maxColumns = 64

// bintable is the layout of a binary table (standard 4.0, section 7.3): rows of equal length from the
// start of the data unit, and a heap for cells of variable length.
type bintable struct {
	rowLen, rows int
	heap         int // THEAP: byte of the data unit where the heap begins
}

// column is where one column lies in a row. form is the letter of TFORMn, 0 for an absent column; elem
// that of the elements of a variable-length one.
type column struct {
	at         int
	form, elem byte
}

// varies reports a column of variable-length cells.
func (c *column) varies() bool { return c.form == 'P' || c.form == 'Q' }

// formWidth is the bytes of one element of a TFORM letter; 0 for letters that have none of their own.
func formWidth(letter byte) int {
	switch letter {
	case 'L', 'B', 'A':
		return 1
	case 'I':
		return 2
	case 'J', 'E':
		return 4
	case 'K', 'D', 'C', 'P':
		return 8
	case 'M', 'Q':
		return 16
	}
	return 0
}

// parseForm reads TFORMn: a repeat count (1 where absent), a letter, for P and Q the letter of the
// elements. width is the bytes in a row.
func parseForm(t []byte) (c column, width int, ok bool) {
	t = trimLeft(t)
	repeat, digits := 0, 0
	for digits < len(t) && t[digits] >= '0' && t[digits] <= '9' {
		if repeat = 10*repeat + int(t[digits]-'0'); repeat > math.MaxInt32 {
			return column{}, 0, false
		}
		digits++
	}
	if digits == 0 {
		repeat = 1
	}
	t = t[digits:]
	if len(t) == 0 {
		return column{}, 0, false
	}
	c.form = upper(t[0])
	if c.form == 'X' {
		return c, (repeat + 7) / 8, true
	}
	width = formWidth(c.form)
	if c.varies() {
		if len(t) < 2 || repeat > 1 {
			return column{}, 0, false
		}
		c.elem = upper(t[1])
	}
	return c, repeat * width, width > 0
}

// numbered is the key of a name of at most five characters followed by a number below 1000: TFORM12.
func numbered(name string, i int) key {
	buf := [8]byte{' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '}
	strconv.AppendInt(buf[:copy(buf[:], name)], int64(i), 10)
	return keyOf(buf[:])
}

// parseTable reads the layout of a binary table from its header, whose NAXISn are still in h.axes.
func (h *HDU) parseTable() (t bintable, flt *schemas.Fault) {
	if h.Bitpix != 8 || h.naxis != 2 {
		return t, h.badTile("a binary table has BITPIX 8 and two axes, not %d and %v", h.Bitpix, h.Axes())
	}
	t.rowLen, t.rows = h.axes[0], h.axes[1]
	heap, ok := h.optionalCount("THEAP", int64(t.rowLen*t.rows))
	if !ok || heap < int64(t.rowLen*t.rows) || heap > int64(h.DataSize) {
		return t, h.badTile("THEAP is not between the end of the table and that of the data")
	}
	t.heap = int(heap)
	return t, nil
}

// parseColumns finds the columns named in want, case-blind, and stores them to the same place of cols.
func (h *HDU) parseColumns(t *bintable, want []string, cols []column) *schemas.Fault {
	n, ok := h.Int("TFIELDS")
	if !ok || n < 0 || n > maxColumns {
		return h.badTile("TFIELDS is absent or not 0 to %d", maxColumns)
	}
	at := 0
	for i := 1; i <= int(n); i++ {
		var c column
		width, ok := 0, false
		if f := h.find(numbered("TFORM", i)); f >= 0 {
			c, width, ok = parseForm(parseValue(h.field(f)).Text)
		}
		if !ok || width > t.rowLen-at {
			return h.badTile("TFORM%d is absent, unknown or longer than a row", i)
		}
		c.at = at
		at += width
		for k, name := range want {
			if width > 0 && h.textIs(numbered("TTYPE", i), name) {
				cols[k] = c
			}
		}
	}
	return nil
}

// badTile is the fault of a table that cannot be read as a tile-compressed image.
func (h *HDU) badTile(format string, args ...any) *schemas.Fault {
	flt := fault(schemas.ReasonBadHeader, h.HeaderOffset, format, args...)
	flt.Detail = "tile-compressed image in HDU " + strconv.Itoa(h.Index) + ": " + flt.Detail
	return flt
}

// number reads a cell of one number as float64 and, where it is whole by type, as int64.
func (t *bintable) number(data []byte, row int, c *column) (f float64, n int64) {
	b := data[row*t.rowLen+c.at:]
	switch c.form {
	case 'E':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b))), 0
	case 'D':
		return math.Float64frombits(binary.BigEndian.Uint64(b)), 0
	case 'B':
		n = int64(b[0])
	case 'I':
		n = int64(int16(binary.BigEndian.Uint16(b)))
	case 'J':
		n = int64(int32(binary.BigEndian.Uint32(b)))
	case 'K':
		n = int64(binary.BigEndian.Uint64(b))
	}
	return float64(n), n
}

// cell returns the bytes of a variable-length cell; ok is false when its descriptor points outside the
// heap. An absent column has empty cells.
func (t *bintable) cell(data []byte, row int, c *column) (b []byte, ok bool) {
	var count, from int64
	switch d := data[row*t.rowLen+c.at:]; c.form {
	case 'P':
		count, from = int64(int32(binary.BigEndian.Uint32(d))), int64(int32(binary.BigEndian.Uint32(d[4:])))
	case 'Q':
		count, from = int64(binary.BigEndian.Uint64(d)), int64(binary.BigEndian.Uint64(d[8:]))
	default:
		return nil, true
	}
	heap, width := data[t.heap:], int64(formWidth(c.elem))
	if count == 0 {
		return nil, true
	}
	if count < 0 || from < 0 || width == 0 || from > int64(len(heap)) || count > (int64(len(heap))-from)/width {
		return nil, false
	}
	return heap[from : from+count*width], true
}
