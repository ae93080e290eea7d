package inflate

import "math/bits"

// A table turns the next bits of the stream into one or two decoded symbols. It has 1<<mainBits main
// entries, indexed by that many bits of the stream, followed by sub tables for longer code words.
//
// Entry, 32 bits, low to high; n is the length of the (first) code word, less the bits that led to the
// sub table the entry is in:
//
//	literal   0-5 bits to drop, 6-9 n, 12-19 first literal, 20-27 second, 28-29 how many, 31 set
//	length    6-9 n, 10-14 bits to drop (code word and extra bits), 15-23 base
//	distance  6-9 n, 10-14 bits to drop, 15-29 base
//	other     30 set, and one of: 25 sub table (6-9 its index bits, 12-23 index of its first entry),
//	          24 end of block (10-14 bits to drop), neither: no such code word
//
// Bits 0-5 and 28-29 are zero in all but literals (distances apart), so that taking an entry for a
// literal which is none drops nothing and writes nothing: the decoder in C lives on this.
const (
	litBits  = 11 // five look-ups of 11 bits fit the 56 bits that one refill promises
	distBits = 8
	lenBits  = 7 // the longest code word of the code-length code

	entryLiteral = 1 << 31
	entryOther   = 1 << 30
	entrySub     = 1 << 25
	entryEnd     = 1 << 24
	entryInvalid = entryOther
	entryOne     = 1 << 28 // what a literal adds to the count
	litMask      = 63      // bits to drop for literals
	dropShift    = 10
	baseShift    = 15

	litLen   = 1 | 1<<6            // times n, added to the symbol's part of a literal
	otherLen = 1<<6 | 1<<dropShift // the same for anything else

	maxCodeLen = 15
	maxLitLen  = 288
	maxDist    = 32

	// A sub table of b index bits is complete, so it holds at least b+1 code words; b is at most
	// maxCodeLen - mainBits. Entries a symbol costs at most are therefore (1<<b)/(b+1) with the largest
	// b: 16/5 for literals and lengths (57 sub tables of 16), 128/8 for distances (4 of 128).
	litTableSize  = 1<<litBits + maxLitLen/5*16
	distTableSize = 1<<distBits + maxDist/8*128
)

// lengthBase and lengthExtra are RFC 1951 section 3.2.5 for symbols 257 to 285.
var (
	lengthBase = [29]uint16{
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31,
		35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
	}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
)

// The symbols' parts of the entries; never written after the program starts.
var (
	litSymbols  = makeLitSymbols()
	distSymbols = makeDistSymbols()
	lenSymbols  = makeLenSymbols()
)

func makeLitSymbols() (t [maxLitLen]uint32) {
	for sym := range t {
		switch {
		case sym < 256:
			t[sym] = entryLiteral | entryOne | uint32(sym)<<12
		case sym == 256:
			t[sym] = entryOther | entryEnd
		case sym < 286:
			t[sym] = uint32(lengthBase[sym-257])<<baseShift | uint32(lengthExtra[sym-257])<<dropShift
		default:
			t[sym] = entryInvalid
		}
	}
	return t
}

// makeDistSymbols follows RFC 1951 section 3.2.5: symbols 0 to 3 are distances 1 to 4; symbol 2k+j
// (k > 1, j 0 or 1) starts at (2+j)<<(k-1) + 1 and has k-1 extra bits.
func makeDistSymbols() (t [maxDist]uint32) {
	for sym := range t {
		switch {
		case sym < 4:
			t[sym] = uint32(sym+1) << baseShift
		case sym < 30:
			extra := uint32(sym/2 - 1)
			t[sym] = (uint32(2+sym%2)<<extra+1)<<baseShift | extra<<dropShift
		default:
			t[sym] = entryInvalid
		}
	}
	return t
}

// makeLenSymbols is the code-length code: the symbol's number stands where a literal would.
func makeLenSymbols() (t [19]uint32) {
	for sym := range t {
		t[sym] = entryLiteral | uint32(sym)<<12
	}
	return t
}

// makeEntry completes a symbol's part for a code word of n bits.
func makeEntry(symbol uint32, n int) uint32 {
	if symbol >= entryLiteral {
		return symbol + uint32(n)*litLen
	}
	return symbol + uint32(n)*otherLen
}

// buildTable fills table for the canonical Huffman code of the given code-word lengths (RFC 1951
// section 3.2.2), with sub tables where code words are longer than mainBits. It reports whether the
// code is usable: complete, or without any code word, or a single code word of one bit.
func buildTable(table []uint32, mainBits int, lens []uint8, symbols []uint32) bool {
	var count [maxCodeLen + 1]int
	for _, n := range lens {
		count[n&maxCodeLen]++
	}
	used := len(lens) - count[0]
	count[0] = 0
	left := 1 // code words of the present length not yet given out
	var next [maxCodeLen + 2]int
	for n := 1; n <= maxCodeLen; n++ {
		left = left<<1 - count[n]
		if left < 0 {
			return false
		}
		next[n+1] = next[n] + count[n]
	}
	if left > 0 {
		if used > 1 || used != count[1] {
			return false
		}
		clearTable(table[:1<<mainBits])
	}
	var sorted [maxLitLen]uint16
	for sym, n := range lens {
		if n != 0 {
			sorted[next[n]] = uint16(sym)
			next[n]++
		}
	}
	fillTable(table, mainBits, &count, sorted[:used], symbols)
	return true
}

// clearTable marks every entry as no code word.
func clearTable(table []uint32) {
	for i := range table {
		table[i] = entryInvalid
	}
}

// fillTable writes the entries. Code words come in order of length; the main table is kept full for the
// present length and doubled when the length grows, so that no entry is computed twice.
func fillTable(table []uint32, mainBits int, count *[maxCodeLen + 1]int, sorted []uint16, symbols []uint32) {
	code := uint32(0) // the code word, first bit of the stream lowest
	size, n := 1, 0
	i := 0
	for n < mainBits && i < len(sorted) {
		n++
		copy(table[size:2*size], table[:size])
		size *= 2
		for c := count[n]; c > 0; c-- {
			table[code] = makeEntry(symbols[sorted[i]], n)
			i++
			code = nextCode(code, n)
		}
	}
	if i == len(sorted) {
		for ; size < 1<<mainBits && len(sorted) > 0; size *= 2 {
			copy(table[size:2*size], table[:size])
		}
		return
	}
	fillSub(table, mainBits, code, count, sorted[i:], symbols)
}

// nextCode adds one to a code word of n bits whose first bit is lowest; after the last it returns 0.
func nextCode(code uint32, n int) uint32 {
	zeros := ^code & (1<<n - 1)
	if zeros == 0 {
		return 0
	}
	top := uint32(1) << (bits.Len32(zeros) - 1)
	return code&(top-1) | top
}

// fillSub writes the code words longer than mainBits, one sub table a prefix of mainBits bits.
func fillSub(table []uint32, mainBits int, code uint32, count *[maxCodeLen + 1]int, sorted []uint16, symbols []uint32) {
	n := mainBits + 1
	for ; count[n] == 0; n++ {
	}
	left := count[n]
	free := 1 << mainBits // where the next sub table starts
	prefix := uint32(1) << maxCodeLen
	var sub []uint32
	for _, sym := range sorted {
		if p := code & (1<<mainBits - 1); p != prefix {
			prefix = p
			b := subBits(count, n, left, n-mainBits)
			sub = table[free : free+1<<b]
			table[p] = entryOther | entrySub | uint32(free)<<12 | uint32(b)<<6
			free += 1 << b
		}
		e := makeEntry(symbols[sym], n-mainBits)
		for j := int(code >> mainBits); j < len(sub); j += 1 << (n - mainBits) {
			sub[j] = e
		}
		code = nextCode(code, n)
		for left--; left == 0 && n < maxCodeLen; left = count[n] {
			n++
		}
	}
}

// subBits is the number of index bits of the sub table whose first code word has n bits, of which b
// index the table, left code words of that length being still to come: as many bits as it takes for the
// coming code words to fill the prefix.
func subBits(count *[maxCodeLen + 1]int, n, left, b int) int {
	room := 1<<b - left
	for room > 0 && n < maxCodeLen {
		n++
		b++
		room = room<<1 - count[n]
	}
	return b
}

// pairLiterals merges two literals into one entry wherever both code words fit mainBits. Descending
// order: the second look-up of entry i is at i>>n < i, which is not yet merged.
func pairLiterals(table *[litTableSize]uint32) {
	for i := 1<<litBits - 1; i > 0; i-- {
		e := table[i]
		if e < entryLiteral {
			continue
		}
		n := e & litMask
		f := table[uint(i)>>n]
		if f < entryLiteral || n+f&litMask > litBits {
			continue
		}
		table[i] = e + entryOne + f<<8&(0xff<<20) + f&litMask
	}
}
