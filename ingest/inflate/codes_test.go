package inflate

import (
	"bytes"
	"testing"
)

// bitWriter writes a deflate stream bit by bit, first bit lowest.
type bitWriter struct {
	b []byte
	n int
}

// put writes the low n bits of v, lowest first.
func (w *bitWriter) put(v, n int) *bitWriter {
	for i := range n {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
	return w
}

// word writes a code word of n bits, highest first as RFC 1951 section 3.1.1 has it.
func (w *bitWriter) word(v, n int) *bitWriter {
	for i := n - 1; i >= 0; i-- {
		w.put(v>>i, 1)
	}
	return w
}

// dynamic begins a final dynamic block whose code lengths are sent by a code-length code of sixteen
// words of four bits for the symbols 0 to 15.
func dynamic(lit, dist []int) *bitWriter {
	w := new(bitWriter).put(1, 1).put(2, 2).put(len(lit)-257, 5).put(len(dist)-1, 5).put(19-4, 4)
	for _, sym := range lenOrder {
		if sym < 16 {
			w.put(4, 3)
		} else {
			w.put(0, 3)
		}
	}
	for _, n := range append(append([]int(nil), lit...), dist...) {
		w.word(n, 4)
	}
	return w
}

// lengths are n code-word lengths, zero but for the given ones.
func lengths(n int, given map[int]int) []int {
	l := make([]int, n)
	for sym, bits := range given {
		l[sym] = bits
	}
	return l
}

// fixed begins a final block of fixed codes.
func fixed() *bitWriter { return new(bitWriter).put(1, 1).put(1, 2) }

// TestCodes builds streams by hand that no compressor writes, and some that only look wrong.
func TestCodes(t *testing.T) {
	none := lengths(1, nil)
	deep := map[int]int{'a': 1, 256: 15, 'b': 15} // 1, 2, ..., 14, 15, 15: the deepest code there is
	for n := 2; n < 15; n++ {
		deep[n] = n
	}
	cases := []struct {
		name string
		w    *bitWriter
		want status
		out  string
	}{
		{"literals only", dynamic(lengths(257, map[int]int{'a': 1, 256: 1}), none).word(0, 1).word(0, 1).word(1, 1), statusDone, "aa"},
		{"code words of 1 to 15 bits", dynamic(lengths(257, deep), none).word(0, 1).word(1<<15-2, 15).word(1<<15-1, 15), statusDone, "ab"},
		{"over-subscribed literals", dynamic(lengths(257, map[int]int{'a': 1, 'b': 1, 256: 1}), none), statusCode, ""},
		{"incomplete literals", dynamic(lengths(257, map[int]int{'a': 2, 256: 2}), none), statusCode, ""},
		{"over-subscribed distances", dynamic(lengths(257, map[int]int{'a': 1, 256: 1}), []int{1, 1, 1}), statusCode, ""},
		{"incomplete distances", dynamic(lengths(257, map[int]int{'a': 1, 256: 1}), []int{2, 2}), statusCode, ""},
		{"one distance of two bits", dynamic(lengths(257, map[int]int{'a': 1, 256: 1}), []int{2}), statusCode, ""},
		{"no code words at all", dynamic(lengths(257, nil), none).put(0, 30), statusSymbol, ""},
		{"only the end of block", dynamic(lengths(257, map[int]int{256: 1}), none).word(0, 1), statusDone, ""},
		{"the other bit of a lone code word", dynamic(lengths(257, map[int]int{256: 1}), none).word(1, 1).put(0, 30), statusSymbol, ""},
		{"a match without distance codes", dynamic(lengths(258, map[int]int{'a': 1, 256: 2, 257: 2}), none).word(0, 1).word(3, 2).put(0, 30), statusSymbol, "a"},
		{"a match with the one distance", dynamic(lengths(258, map[int]int{'a': 1, 256: 2, 257: 2}), []int{1}).word(0, 1).word(3, 2).word(0, 1).word(2, 2), statusDone, "aaaa"},
		{"287 literals and lengths", new(bitWriter).put(1, 1).put(2, 2).put(30, 5).put(0, 5).put(15, 4).put(0, 57), statusCode, ""},
		{"31 distances", new(bitWriter).put(1, 1).put(2, 2).put(0, 5).put(30, 5).put(15, 4).put(0, 57), statusCode, ""},
		{"repeat without a start", repeatFirst(), statusRepeat, ""},
		{"repeat past the end", repeatPast(), statusRepeat, ""},
		{"distance of 1 with no output", fixed().word(1, 7).word(0, 5).put(0, 20), statusDistance, ""},
		{"distance one too far", fixed().word(0x30+'x', 8).word(1, 7).word(1, 5).put(0, 20), statusDistance, "x"},
		{"distance just in reach", fixed().word(0x30+'x', 8).word(1, 7).word(0, 5).put(0, 7), statusDone, "xxxx"},
		{"reserved length 286", fixed().word(0xc6, 8).put(0, 20), statusSymbol, ""},
		{"reserved distance 30", fixed().word(0x30+'x', 8).word(1, 7).word(30, 5).put(0, 20), statusSymbol, "x"},
		{"block type 3", new(bitWriter).put(1, 1).put(3, 2).put(0, 40), statusBlock, ""},
		{"stored length and complement", new(bitWriter).put(1, 8).put(5, 16).put(5, 16).put(0, 40), statusStored, ""},
		{"empty stored block", new(bitWriter).put(1, 8).put(0, 16).put(0xffff, 16), statusDone, ""},
		{"stored block cut", new(bitWriter).put(1, 8).put(2, 16).put(0xfffd, 16).put('q', 8), statusTruncated, "q"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			src := c.w.b
			if c.want != statusTruncated {
				src = append(bytes.Clone(src), make([]byte, 100)...)
			}
			for name, d := range engines() {
				for _, room := range []int{10, 2000} { // too little for the fast loop; enough
					dst := make([]byte, room)
					d.start(0, 0)
					s := d.run(dst, src, 0)
					if _, n := d.position(); s != c.want || string(dst[:n]) != c.out {
						t.Errorf("%s, room %d: status %d, want %d; %q", name, room, s, c.want, dst[:n])
					}
				}
			}
			checkInflate(t, c.w.b, 10)
			checkInflate(t, src, 1000)
		})
	}
}

// repeatFirst sends symbol 16 (repeat the previous length) before any length; repeatPast sends 257
// lengths of zero and one more run than there is room for. Their code-length code has the words 0 for
// symbol 16 and 1 for symbol 18.
func repeatFirst() *bitWriter { return runCode().word(0, 1).put(0, 2).put(0, 40) }
func repeatPast() *bitWriter {
	return runCode().word(1, 1).put(127, 7).word(1, 1).put(127, 7).put(0, 40)
}

func runCode() *bitWriter {
	w := new(bitWriter).put(1, 1).put(2, 2).put(0, 5).put(0, 5).put(15, 4)
	for _, sym := range lenOrder {
		if sym == 16 || sym == 18 {
			w.put(1, 3)
		} else {
			w.put(0, 3)
		}
	}
	return w
}
