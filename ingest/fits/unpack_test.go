package fits

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/galaxalign/galaxalign/schemas"
)

// lzwWriter packs codes as Unix compress does.
type lzwWriter struct {
	out      []byte
	start, n int // first byte of the codes of this width, bits since
	width    int
}

func (w *lzwWriter) put(code int) {
	for i := range w.width {
		if bit := w.start*8 + w.n; bit/8 == len(w.out) {
			w.out = append(w.out, byte(code>>i&1)<<(bit%8))
		} else {
			w.out[bit/8] |= byte(code>>i&1) << (bit % 8)
		}
		w.n++
	}
}

// setWidth fills the group of eight codes.
func (w *lzwWriter) setWidth(width int) {
	for w.n%(8*w.width) != 0 {
		w.put(0)
	}
	w.start, w.n, w.width = len(w.out), 0, width
}

// lzwPack is Unix compress with codes of up to maxBits bits; in block mode it clears its table once that
// is full.
func lzwPack(b []byte, maxBits int, block bool) []byte {
	flags, first := byte(maxBits), 256
	if block {
		flags, first = flags|0x80, 257
	}
	w := &lzwWriter{out: []byte{0x1f, 0x9d, flags}, start: 3, width: lzwMinBits}
	table, free, prefix, entries := map[string]int{}, first, "", 0
	codeOf := func(s string) int {
		if len(s) == 1 {
			return int(s[0])
		}
		return table[s]
	}
	emit := func(s string) {
		if free > 1<<w.width-1 && w.width < maxBits {
			w.setWidth(w.width + 1)
		}
		w.put(codeOf(s))
		if entries++; entries > 1 && free < 1<<maxBits { // the reader makes an entry with every code but the first
			free++
		}
	}
	next := first
	for _, c := range b {
		s := prefix + string([]byte{c})
		if _, ok := table[s]; ok || len(s) == 1 {
			prefix = s
			continue
		}
		emit(prefix)
		switch {
		case next < 1<<maxBits:
			table[s] = next
			next++
		case block && free == 1<<maxBits:
			if free > 1<<w.width-1 && w.width < maxBits {
				w.setWidth(w.width + 1)
			}
			w.put(lzwClear)
			w.setWidth(lzwMinBits)
			table, free, next, entries = map[string]int{}, first, first, 0
		}
		prefix = string([]byte{c})
	}
	if prefix != "" {
		emit(prefix)
	}
	return w.out
}

// bzip2Good is good() in two streams, cut at byte 3000.
const bzip2Good = "QlpoOTFBWSZTWTVk0bsAAE1/SMABQABAAzgC9idMQAEAQAAQAAAIIABUMimgDTyQDNQbUUeoGmgAaFMXdnYUJCkLuSXwlrAvGApD58OgJsKzKiBXkRDOgqeU+XJj7YVvL92kYoog7tHAI/F3JFOFCQNWTRuwQlpoOTFBWSZTWVBQgcoAAAVABMAAAAEACCAAMMwImkJQKcXckU4UJBQUIHKA"

func zstdPack(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

// packedGood is good() in every format.
func packedGood(tb testing.TB) map[string][]byte {
	bz, err := base64.StdEncoding.DecodeString(bzip2Good)
	if err != nil {
		tb.Fatal(err)
	}
	return map[string][]byte{"bzip2": bz, "Unix compress": lzwPack(good(), 16, true), "zstd": zstdPack(good()), "gzip": zipped(good())}
}

// TestUnpack: every format is read, and one payload leaves nothing behind for the next.
func TestUnpack(t *testing.T) {
	var f File
	for range 2 {
		for name, b := range packedGood(t) {
			px, _, err := readDefault(&f, b, "")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			samePixels(t, px, 1, 2, 3, 4)
		}
	}
	for name, b := range packedGood(t) {
		f := File{Limits: Limits{MaxInflated: 5000}}
		_, _, err := readDefault(&f, b, "")
		wantReason(t, err, schemas.ReasonTooLarge)
		if name != "gzip" && cap(f.unpacker.out) > 4*5000 {
			t.Errorf("%s: %d bytes held", name, cap(f.unpacker.out))
		}
		if name == "Unix compress" { // has no checksum, so what is left is a shorter file
			continue
		}
		for _, b := range [][]byte{b[:len(b)-7], b[:8]} {
			_, _, err = readDefault(new(File), b, "")
			wantReason(t, err, schemas.ReasonBadGzip)
		}
	}
}

// TestLZW: every width of table, with and without clearing, on data that fill it.
func TestLZW(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	noise := make([]byte, 150000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	text := bytes.Repeat([]byte("abcabcabd"), 20000)
	same := make([]byte, 100000)
	for _, data := range [][]byte{nil, {7}, {7, 7, 7, 7}, text, same, noise, append(append(text[:50000:50000], noise...), text...)} {
		for _, bits := range []int{lzwMinBits, 10, 13, lzwMaxBits} {
			for _, block := range []bool{false, true} {
				got, err := new(lzwTable).expand(nil, lzwPack(data, bits, block), len(data))
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%d bytes in %d bits, block %v: %d bytes, %v", len(data), bits, block, len(got), err)
				}
			}
		}
	}
	for name, tt := range map[string]struct {
		b    []byte
		want error
	}{
		"no header":           {[]byte{0x1f, 0x9d}, errLZWHeader},
		"8 bits":              {[]byte{0x1f, 0x9d, 0x88, 0, 0}, errLZWHeader},
		"17 bits":             {[]byte{0x1f, 0x9d, 0x91, 0, 0}, errLZWHeader},
		"first code no byte":  {[]byte{0x1f, 0x9d, 0x90, 0xff, 0xff}, errLZWCode},
		"code over the table": {[]byte{0x1f, 0x9d, 0x90, 0x41, 0xfe, 0xff}, errLZWCode},
		"over the limit":      {lzwPack(same, 16, true), errLimit},
	} {
		if _, err := new(lzwTable).expand(nil, tt.b, 99999); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzUnpack: no payload makes an unpacker panic or pass its limit.
func FuzzUnpack(f *testing.F) {
	for _, b := range packedGood(f) {
		f.Add(b)
	}
	f.Add(lzwPack(bytes.Repeat([]byte("ab"), 3000), 9, true))
	f.Add(lzwPack(bytes.Repeat([]byte("abc"), 3000), 10, false))
	const limit = 20000
	var u unpacker
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := u.unpack(b, limit)
		checkFault(t, err)
		if err == nil && len(out) > limit && len(out) != len(b) {
			t.Fatalf("%d bytes", len(out))
		}
	})
}
