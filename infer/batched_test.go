package infer_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/infer/batch"
	"github.com/galaxalign/galaxalign/infer/onnx"
	"github.com/galaxalign/galaxalign/infer/ort/orttest"
)

// TestModelBehindTheBatcher fills rows in place from several workers and checks every answer.
func TestModelBehindTheBatcher(t *testing.T) {
	rt := orttest.Open(t)
	m, first := openModel(t, rt, importToy(t, rt, onnx.Symbol("N")), infer.Options{MaxBatch: 8})
	second := m.NewBuffers()
	t.Cleanup(func() { second.Close() })
	var answered atomic.Int64
	batcher, err := batch.New(batch.Config{MaxRows: 8, MaxWait: time.Millisecond}, []*infer.Buffers{first, second},
		func(_ context.Context, rows *batch.Batch[*infer.Buffers, float32]) {
			defer rows.Release()
			if err := m.Run(rows.Buffers, len(rows.Items)); err != nil {
				t.Error(err)
				return
			}
			for i, scale := range rows.Items {
				wantToy(t, rows.Buffers, i, float64(scale))
				answered.Add(1)
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	var group errgroup.Group
	group.Go(func() error { return batcher.Run(context.Background()) })
	var workers sync.WaitGroup
	for w := range 3 {
		workers.Go(func() {
			for k := range 100 {
				slot, err := batcher.Reserve(context.Background(), batch.Lane(w%2))
				if err != nil {
					t.Error(err)
					return
				}
				*slot.Item = 0.01 * float32(100*w+k+1)
				for i := range slot.Image {
					slot.Image[i] = *slot.Item * float32(i+1)
				}
				copy(slot.Features, []float32{0.5, 0.25})
				slot.Commit()
			}
		})
	}
	workers.Wait()
	if err := errors.Join(batcher.Drain(context.Background()), group.Wait()); err != nil {
		t.Error(err)
	}
	if answered.Load() != 300 {
		t.Errorf("%d rows were answered, want 300", answered.Load())
	}
}
