package inflate

import (
	"bytes"
	"compress/flate"
	"math/rand/v2"
	"testing"
)

// deflated are raw deflate streams of many shapes: seeds for fuzzing and cases for the tests.
func deflated(t testing.TB) [][]byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	text := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog; "), 40)
	noise := make([]byte, 3000)
	for i := range noise {
		noise[i] = byte(rng.NormFloat64() * 20)
	}
	plains := [][]byte{nil, {0}, []byte("a"), text, noise, make([]byte, 5000), noiseStamp(rng), bytes.Repeat([]byte("ab"), 700),
		append(bytes.Repeat([]byte{7}, 300), text...)}
	var streams [][]byte
	for _, plain := range plains {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
			var b bytes.Buffer
			w, err := flate.NewWriter(&b, level)
			if err != nil {
				t.Fatal(err)
			}
			half := len(plain) / 2
			_, _ = w.Write(plain[:half])
			_ = w.Flush() // a block boundary and an empty stored block
			_, _ = w.Write(plain[half:])
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			streams = append(streams, b.Bytes())
		}
	}
	return streams
}

// FuzzInflate holds every engine against compress/flate on raw deflate streams: the same output, or both
// an error; and never a byte written past the room.
func FuzzInflate(f *testing.F) {
	for _, s := range deflated(f) {
		f.Add(s, uint16(len(s)*3))
	}
	f.Fuzz(func(t *testing.T, src []byte, room uint16) { checkInflate(t, src, int(room)) })
}

// FuzzGunzip does the same for gzip streams against compress/gzip.
func FuzzGunzip(f *testing.F) {
	for _, s := range gzipSeeds(f) {
		f.Add(s, uint16(25000), uint16(100))
	}
	f.Fuzz(func(t *testing.T, src []byte, limit, room uint16) {
		for name, d := range engines() {
			checkGunzip(t, name, d, src, int(limit), int(room))
		}
	})
}

// FuzzGroup decodes three streams side by side, cut from the input and each with the trailer that the
// output needs, and holds each against itself decoded alone.
func FuzzGroup(f *testing.F) {
	streams := deflated(f)
	for i, s := range streams {
		f.Add(s, streams[(i+5)%len(streams)], streams[(i+11)%len(streams)], uint16(20160))
	}
	f.Fuzz(func(t *testing.T, a, b, c []byte, limit uint16) {
		checkGroup(t, [3][]byte{member(a, nil), member(b, nil), member(c, nil)}, int(limit))
	})
}
