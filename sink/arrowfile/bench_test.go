//go:build unix

package arrowfile

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// renumber gives the records of a batch ids and offsets of their own.
func renumber(b *sink.Batch, n *int) {
	for i := range b.Records {
		*n++
		r := &b.Records[i]
		h := uint64(*n) * 0x9E3779B97F4A7C15
		for k := range 8 {
			r.ID[k], r.ID[8+k] = byte(h>>(8*k)), byte(*n>>(8*k))
		}
		r.Origin.Offset = int64(*n)
	}
}

// TestAllocationsARow bounds what a Write allocates: a constant number a batch (Arrow's arrays and
// message headers), nothing a record.
func TestAllocationsARow(t *testing.T) {
	m := sinktest.Model(64)
	s := open(t, Config{Dir: t.TempDir(), Horizon: 50_000})
	n := 0
	allocs := func(rows int) float64 {
		b := sinktest.Batch(m, 0, rows)
		var report sink.Report
		write := func() {
			renumber(b, &n)
			if err := s.Write(t.Context(), b, &report); err != nil {
				t.Fatal(err)
			}
		}
		for range 4 {
			write()
		}
		return testing.AllocsPerRun(10, write)
	}
	large, small := allocs(1024), allocs(256)
	if perRow := (large - small) / (1024 - 256); perRow > 0.01 {
		t.Fatalf("%v allocations for 1,024 records and %v for 256: %v a record, want 0", large, small, perRow)
	}
	mustClose(t, s)
}

// BenchmarkWrite measures one Write of 512 records with its fdatasync, and the sealing of segments of
// 32 MiB beside it. CPU is that of the process, sealer included:
//
//	go test ./sink/arrowfile -run xxx -bench Write -benchtime 0.5s
func BenchmarkWrite(b *testing.B) {
	for _, dim := range []int{0, 64, 512} {
		b.Run(fmt.Sprintf("dim %d", dim), func(b *testing.B) {
			s, err := Open(Config{Dir: b.TempDir(), MaxBytes: 32 << 20})
			if err != nil {
				b.Fatal(err)
			}
			batch := sinktest.Batch(sinktest.Model(dim), 0, 512)
			var report sink.Report
			n := 0
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				renumber(batch, &n)
				if err := s.Write(b.Context(), batch, &report); err != nil {
					b.Fatal(err)
				}
			}
			mustClose(b, s)
			rows := float64(b.N) * 512
			b.ReportMetric(float64(b.Elapsed().Microseconds())/rows, "us/row")
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/rows, "cpu-us/row")
		})
	}
}

// cpuTime is the processor time this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
