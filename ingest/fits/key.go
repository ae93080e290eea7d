package fits

import "encoding/binary"

// key is the name of a card: its first eight bytes in upper case, blank-padded, read as a big-endian
// number. Comparing names is comparing integers.
type key uint64

// The names the reader dispatches on.
const (
	keyEnd      = key('E')<<56 | 'N'<<48 | 'D'<<40 | ' '<<32 | ' '<<24 | ' '<<16 | ' '<<8 | ' '
	keyContinue = key('C')<<56 | 'O'<<48 | 'N'<<40 | 'T'<<32 | 'I'<<24 | 'N'<<16 | 'U'<<8 | 'E'
	keyHierarch = key('H')<<56 | 'I'<<48 | 'E'<<40 | 'R'<<32 | 'A'<<24 | 'R'<<16 | 'C'<<8 | 'H'
)

// keyOf reads the name of a card of at least eight bytes.
func keyOf(card []byte) key {
	return key(foldUpper(binary.BigEndian.Uint64(card)))
}

// makeKey is the key of a name of at most eight bytes; longer names have none and give 0.
func makeKey(name string) key {
	if len(name) > 8 {
		return 0
	}
	var k uint64
	for i := 0; i < 8; i++ {
		c := uint64(' ')
		if i < len(name) {
			c = uint64(name[i])
		}
		k = k<<8 | c
	}
	return key(foldUpper(k))
}

// foldUpper maps a-z to A-Z in each of the eight bytes of v. A byte is lower case when adding 0x1f
// carries it past 0x7f ('a' or more) and adding 0x05 does not ('z' or less); the lanes cannot carry into
// each other because the top bits are cleared first.
func foldUpper(v uint64) uint64 {
	const ones = 0x0101010101010101
	low := v & (0x7f * ones)
	atLeastA := low + (0x80-'a')*ones
	overZ := low + (0x7f-'z')*ones
	lower := (atLeastA ^ overZ) & ^v & (0x80 * ones)
	return v ^ lower>>2
}

// indexed is the key of a name of at most seven characters followed by the digit i: NAXIS2.
func indexed(name string, i int) key {
	shift := 8 * (7 - len(name))
	return makeKey(name) - ' '<<shift + key('0'+i)<<shift
}

// indexed2 is the key of a short name followed by two indices: CD1_2.
func indexed2(name string, i, j int) key {
	shift := 8 * (5 - len(name))
	k := key('0'+i)<<16 | '_'<<8 | key('0'+j)
	return makeKey(name) + (k-(' '<<16|' '<<8|' '))<<shift
}
