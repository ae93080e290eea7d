package tile

import "testing"

// Speed is given in bytes of float32 or int32 pixels.

func benchPixels() []int32 { return samples(256*256, -5000, 5000)["noise"] }

func BenchmarkRice(b *testing.B) {
	px := benchPixels()
	stream := riceEncode(px, 4, 32, 100)
	b.SetBytes(int64(4 * len(px)))
	for b.Loop() {
		if err := Rice(px, stream, 4, 32); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPLIO(b *testing.B) {
	px := benchPixels()
	for i := range px {
		px[i] &= 1
	}
	stream := plioEncode(px)
	b.SetBytes(int64(4 * len(px)))
	for b.Loop() {
		if err := PLIO(px, stream); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHCompress(b *testing.B) {
	px := benchPixels()
	wide := make([]int64, len(px))
	for i, v := range px {
		wide[i] = int64(v)
	}
	stream := hcompressEncode(wide, 256, 256, 0, true)
	var h HCompress
	b.SetBytes(int64(4 * len(px)))
	for b.Loop() {
		if _, err := h.Decode(stream, 256, 256, false); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnshuffle4(b *testing.B) {
	src := bigEndian(benchPixels())
	dst := make([]byte, len(src))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		Unshuffle(dst, src, 4)
	}
}

func BenchmarkDequantise(b *testing.B) {
	px := benchPixels()
	dst := make([]float32, len(px))
	for name, q := range map[string]Quantum{"plain": {Scale: 0.1}, "dithered": {Scale: 0.1, Dither: NewDither(), Seed: 1, HasBlank: true, Blank: -1 << 31}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(4 * len(px)))
			for b.Loop() {
				Dequantise(dst, px, &q)
			}
		})
	}
}
