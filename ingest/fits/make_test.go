package fits

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

// The helpers of this file write FITS by hand, so that a test can break any rule.

// card formats a fixed-format card; text formats a string one.
func card(key string, value any) string { return fmt.Sprintf("%-8s= %20v", key, value) }
func text(key, value string) string     { return fmt.Sprintf("%-8s= '%-8s'", key, value) }

// header joins cards, END and padding.
func header(cards ...string) []byte { return rawHeader(append(cards, "END")...) }

// rawHeader joins cards and padding without END.
func rawHeader(cards ...string) []byte {
	var b bytes.Buffer
	for _, c := range cards {
		fmt.Fprintf(&b, "%-80.80s", c)
	}
	for b.Len()%blockLen != 0 {
		b.WriteByte(' ')
	}
	return b.Bytes()
}

// primary is a primary header of that shape; extension one of an image extension.
func primary(bitpix int, axes []int, extra ...string) []byte {
	return header(append(append([]string{card("SIMPLE", "T")}, shape(bitpix, axes)...), extra...)...)
}

func extension(bitpix int, axes []int, extra ...string) []byte {
	cards := append([]string{text("XTENSION", "IMAGE")}, shape(bitpix, axes)...)
	return header(append(append(cards, card("PCOUNT", 0), card("GCOUNT", 1)), extra...)...)
}

func shape(bitpix int, axes []int) []string {
	cards := []string{card("BITPIX", bitpix), card("NAXIS", len(axes))}
	for i, a := range axes {
		cards = append(cards, card(fmt.Sprintf("NAXIS%d", i+1), a))
	}
	return cards
}

// stored is big-endian data, a slice of fixed-size numbers, without padding.
func stored(values any) []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.BigEndian, values); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// pad fills a data unit with zeros to whole blocks.
func pad(b []byte) []byte { return append(b[:len(b):len(b)], make([]byte, padded(len(b))-len(b))...) }

// join concatenates the parts of a file.
func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// floats is the data unit of float32 values.
func floats(v ...float32) []byte { return pad(stored(v)) }

// zipped is one gzip member.
func zipped(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, 6)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

// good is a 2x2 float32 image 1 2 3 4.
func good() []byte { return join(primary(-32, []int{2, 2}), floats(1, 2, 3, 4)) }

// samePixels compares bit for bit, any NaN equal to any NaN.
func samePixels(tb testing.TB, got []float32, want ...float32) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("%d pixels %v, want %d", len(got), got, len(want))
	}
	for i := range got {
		g, w := math.Float32bits(got[i]), math.Float32bits(want[i])
		if g != w && !(got[i] != got[i] && want[i] != want[i]) {
			tb.Errorf("pixel %d is %v, want %v (all: %v)", i, got[i], want[i], got)
			return
		}
	}
}

// parsed parses b or fails the test.
func parsed(tb testing.TB, b []byte) *File {
	tb.Helper()
	f := new(File)
	if err := Parse(b, f); err != nil {
		tb.Fatal(err)
	}
	return f
}

// textOf is the text of a card, or "<absent>".
func textOf(h *HDU, name string) string {
	t, ok := h.Text(nil, name)
	if !ok {
		return "<absent>"
	}
	return strings.TrimSpace(string(t))
}
