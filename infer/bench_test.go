//go:build unix

package infer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/batch"
	"github.com/galaxalign/galaxalign/infer/onnx"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
)

// cpuTime is the processor time, user and system, that this process has used: on a shared machine it
// tells more than the time on the wall.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkACAI measures the real 63x63x3 classifier on one thread:
//
//	go test ./infer -run '^$' -bench ACAI -benchtime 1s
func BenchmarkACAI(b *testing.B) {
	rt := orttest.Open(b)
	imported := importACAI(b, rt)
	for _, rows := range []int{1, 8, 16, 32, 64} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			m, buffers := openModel(b, rt, imported, infer.Options{MaxBatch: rows})
			for i := range rows {
				copy(buffers.ImageRow(i), imported.Golden.Image[i%4*m.ImageLen():])
				copy(buffers.FeatureRow(i), imported.Golden.Features[i%4*len(acaiFeatures):])
			}
			if err := m.Run(buffers, rows); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			start := cpuTime(b)
			for b.Loop() {
				if err := m.Run(buffers, rows); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime(b)-start).Nanoseconds())/1e3/float64(b.N*rows), "cpu-us/row")
		})
	}
}

// BenchmarkToyRun measures what a run costs around the graph: the graph itself is four small operators.
//
//	go test ./infer -run '^$' -bench ToyRun
func BenchmarkToyRun(b *testing.B) {
	rt := orttest.Open(b)
	m, buffers := openModel(b, rt, importToy(b, rt, onnx.Symbol("N")), infer.Options{})
	for i := range buffers.Rows() {
		fillToy(buffers, i, 0.1)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Run(buffers, buffers.Rows()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBatchedACAI measures the classifier behind the batcher, rows filled by four workers and run
// on two runners:
//
//	go test ./infer -run '^$' -bench BatchedACAI -benchtime 1s
func BenchmarkBatchedACAI(b *testing.B) {
	rt := orttest.Open(b)
	imported := importACAI(b, rt)
	m, first := openModel(b, rt, imported, infer.Options{})
	pool := []*infer.Buffers{first}
	for range 3 {
		buffers := m.NewBuffers()
		b.Cleanup(func() { buffers.Close() })
		pool = append(pool, buffers)
	}
	batcher, err := batch.New(batch.Config{Runners: 2}, pool, func(_ context.Context, rows *batch.Batch[*infer.Buffers, int]) {
		defer rows.Release()
		if err := m.Run(rows.Buffers, len(rows.Items)); err != nil {
			b.Error(err)
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	result := make(chan error, 1)
	go func() { result <- batcher.Run(context.Background()) }()
	b.ReportAllocs()
	b.SetParallelism(2)
	start := cpuTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			slot, err := batcher.Reserve(context.Background(), batch.Live)
			if err != nil {
				b.Error(err)
				return
			}
			copy(slot.Image, imported.Golden.Image[i%4*m.ImageLen():])
			copy(slot.Features, imported.Golden.Features[i%4*len(acaiFeatures):])
			slot.Commit()
		}
	})
	if err := batcher.Drain(context.Background()); err != nil {
		b.Fatal(err)
	}
	if err := <-result; err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpuTime(b)-start).Nanoseconds())/1e3/float64(b.N), "cpu-us/row")
	b.ReportMetric(batcher.Stats().FillRatio(), "fill")
}
