package avro

import (
	"encoding/binary"
	"math/bits"
)

// varintBytes returns the length of the variable-length integer at i, 0 where it is damaged.
func varintBytes(b []byte, i int) int {
	if len(b)-i >= 8 {
		if ends := ^binary.LittleEndian.Uint64(b[i:]) & 0x8080808080808080; ends != 0 {
			return bits.TrailingZeros64(ends)/8 + 1
		}
	}
	for n := 0; n < 10 && i+n < len(b); n++ {
		if b[i+n] < 0x80 {
			return n + 1
		}
	}
	return 0
}

// badVarint stops at an integer that varintBytes refused.
func (w *walker) badVarint(i int) int {
	if len(w.b)-i >= 10 {
		return w.stop(i, failVarint)
	}
	return w.stop(i, failTruncated)
}

// long reads the integer at i and returns it with the position after it, or -1.
func (w *walker) long(i int) (int64, int) {
	b := w.b
	if i < len(b) && b[i] < 0x80 {
		return int64(b[i]>>1) ^ -int64(b[i]&1), i + 1
	}
	var u uint64
	for n := 0; n < 10; n++ {
		if i+n >= len(b) {
			return 0, w.stop(i, failTruncated)
		}
		c := b[i+n]
		u |= uint64(c&0x7f) << (7 * n)
		if c < 0x80 {
			if n == 9 && c > 1 {
				break
			}
			return int64(u>>1) ^ -int64(u&1), i + n + 1
		}
	}
	return 0, w.stop(i, failVarint)
}

// length reads the length of bytes or a string, checked against the bytes left.
func (w *walker) length(i int) (int, int) {
	n, next := w.long(i)
	if next < 0 {
		return 0, next
	}
	if n < 0 {
		return 0, w.stop(i, failLength)
	}
	if n > int64(len(w.b)-next) {
		return 0, w.stop(i, failTruncated)
	}
	return int(n), next
}
