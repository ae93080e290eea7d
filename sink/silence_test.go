package sink_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// TestASinkThatDoesNotAnswerIsTrouble: a hanging sink shows in States long before its call times out.
func TestASinkThatDoesNotAnswerIsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ int, _ *sink.Batch) error {
			select {
			case <-time.After(30 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		f, err := sink.NewFanout(sink.FanoutConfig{}, &sinktest.MemorySink{Store: &sinktest.Store{}, Fail: hang})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() { done <- f.Write(t.Context(), sinktest.Batch(sinktest.Model(2), 0, 3), &sink.Result{}) }()
		time.Sleep(4 * time.Second)
		if s := f.States()[0]; !s.Healthy {
			t.Errorf("after 4 s: %+v", s)
		}
		time.Sleep(4 * time.Second)
		if s := f.States()[0]; s.Healthy || !strings.Contains(s.LastError, "no answer for 8s") {
			t.Errorf("after 8 s: %+v", s)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if s := f.States()[0]; !s.Healthy {
			t.Errorf("after the answer: %+v", s)
		}
	})
}
