//go:build unix

package inflate

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"syscall"
	"testing"
	"time"

	kgzip "github.com/klauspost/compress/gzip"
)

// Wall time lies on a shared machine: cpu-ns/op is the processor time of the whole test process.
//
// go test -run '^$' -bench . -benchtime 0.5s -count 5 ./ingest/inflate
// With GALAXALIGN_CORPUS set the same runs on real stamps.

func BenchmarkGunzipNoise(b *testing.B)  { benchAll(b, noiseStamps(b, 600)) }
func BenchmarkGunzipCorpus(b *testing.B) { benchAll(b, corpusStamps(b)) }

func benchAll(b *testing.B, stamps [][]byte) {
	b.Run("ours", func(b *testing.B) { benchOurs(b, stamps) })
	b.Run("ours three at once", func(b *testing.B) { benchThree(b, stamps) })
	b.Run("reference", func(b *testing.B) { benchDecoder(b, stamps, new(decoder)) })
	b.Run("klauspost", func(b *testing.B) { benchStream(b, stamps, new(kgzip.Reader)) })
	b.Run("std", func(b *testing.B) { benchStream(b, stamps, new(stdgzip.Reader)) })
}

func benchOurs(b *testing.B, stamps [][]byte) {
	var r Reader
	dst := make([]byte, 0, stampSize)
	defer cpuTime(b)()
	for i := 0; b.Loop(); i++ {
		out, _, err := r.Gunzip(dst, stamps[i%len(stamps)], stampSize)
		if err != nil || len(out) != stampSize {
			b.Fatal(len(out), err)
		}
	}
}

// cpuTime reports the processor time from this call to the returned one.
func cpuTime(b *testing.B) func() {
	start := processTime(b)
	return func() {
		b.ReportMetric(float64(processTime(b)-start)/float64(b.N), "cpu-ns/op")
		b.ReportMetric(stampSize*float64(b.N)/(processTime(b)-start).Seconds()/1e6, "cpu-MB/s")
	}
}

func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchThree counts one stamp as one operation, three being decoded a call.
func benchThree(b *testing.B, stamps [][]byte) {
	var r Reader
	var group [3]Stream
	defer cpuTime(b)()
	for i := 0; b.Loop(); i++ {
		if i%3 != 0 {
			continue
		}
		for j := range group {
			group[j].Src = stamps[(i+j)%len(stamps)]
		}
		r.GunzipAll(group[:], stampSize)
		for j := range group {
			if s := &group[j]; s.Err != nil || len(s.Dst) != stampSize {
				b.Fatal(len(s.Dst), s.Err)
			}
		}
	}
}

func benchDecoder(b *testing.B, stamps [][]byte, d inflater) {
	dst := make([]byte, 0, stampSize)
	defer cpuTime(b)()
	for i := 0; b.Loop(); i++ {
		if out, _, err := gunzip(d, dst, stamps[i%len(stamps)], stampSize); err != nil || len(out) != stampSize {
			b.Fatal(len(out), err)
		}
	}
}

// benchStream gives a streaming reader its best case: reader, source and output are reused.
func benchStream(b *testing.B, stamps [][]byte, zr interface {
	io.Reader
	Reset(io.Reader) error
}) {
	var br bytes.Reader
	dst := make([]byte, stampSize+1)
	defer cpuTime(b)()
	for i := 0; b.Loop(); i++ {
		br.Reset(stamps[i%len(stamps)])
		if err := zr.Reset(&br); err != nil {
			b.Fatal(err)
		}
		if n, err := io.ReadFull(zr, dst); n != stampSize || err != io.ErrUnexpectedEOF {
			b.Fatal(n, err)
		}
	}
}
