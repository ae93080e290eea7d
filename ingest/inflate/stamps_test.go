package inflate

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const stampSize = 20160 // 2,880 B of header, 63x63 float32 padded to a multiple of 2,880 B

// noiseStamp is a 63x63 FITS stamp as a survey cuts it from a difference image: Gaussian noise around a
// sky level with a point source in the middle, big-endian float32.
func noiseStamp(rng *rand.Rand) []byte {
	cards := []string{
		"SIMPLE  =                    T", "BITPIX  =                  -32", "NAXIS   =                    2",
		"NAXIS1  =                   63", "NAXIS2  =                   63",
		fmt.Sprintf("MAGZP   = %20.6f", 26+rng.Float64()), fmt.Sprintf("OBSMJD  = %20.8f", 58000+rng.Float64()*3000), "END",
	}
	var b bytes.Buffer
	for _, c := range cards {
		fmt.Fprintf(&b, "%-80s", c)
	}
	b.WriteString(strings.Repeat(" ", 2880-b.Len()))
	sky, sigma, peak := rng.Float64()*300, 5+rng.Float64()*20, rng.Float64()*2000
	for y := range 63 {
		for x := range 63 {
			r2 := float64((x-31)*(x-31) + (y-31)*(y-31))
			v := sky + sigma*rng.NormFloat64() + peak*math.Exp(-r2/8)
			b.Write(binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(v))))
		}
	}
	b.Write(make([]byte, stampSize-b.Len()))
	return b.Bytes()
}

// compress is what surveys do: gzip at the highest level.
func compress(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noiseStamps returns distinct compressed stamps. A benchmark takes hundreds, so as not to train the
// branch predictor on one of them.
func noiseStamps(tb testing.TB, n int) [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	stamps := make([][]byte, n)
	for i := range stamps {
		stamps[i] = compress(tb, noiseStamp(rng))
	}
	return stamps
}

// corpusStamps are real stamps, up to 2,000 of stamps.lp in the folder GALAXALIGN_CORPUS.
func corpusStamps(tb testing.TB) [][]byte {
	dir := os.Getenv("GALAXALIGN_CORPUS")
	if dir == "" {
		tb.Skip("GALAXALIGN_CORPUS names no folder with a stamps.lp")
	}
	f, err := os.Open(filepath.Join(dir, "stamps.lp"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var stamps [][]byte
	for len(stamps) < 2000 {
		var n uint32
		if binary.Read(f, binary.LittleEndian, &n) != nil {
			break
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(f, b); err != nil {
			tb.Fatal(err)
		}
		stamps = append(stamps, b)
	}
	return stamps
}
