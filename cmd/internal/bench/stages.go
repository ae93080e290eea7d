package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/galaxalign/galaxalign/cmd/internal/assemble"
	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/infer"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/decode"
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink"
	"github.com/galaxalign/galaxalign/sink/arrowfile"
)

// Stages is the cost of each stage a cutout, on one thread.
type Stages struct {
	Cutouts int  `json:"cutouts"`
	Decode  Cost `json:"decode"`  // packet or file to float32 images
	Prepare Cost `json:"prepare"` // images to a row of the batch tensor
	Infer   Cost `json:"infer"`   // at the configured batch size
	Sink    Cost `json:"sink"`    // to durable Arrow segments, 512 records a write
}

// Sum is the CPU of all stages in microseconds a cutout; Kafka and the hand-overs come on top.
func (s *Stages) Sum() float64 {
	return s.Decode.CPUMicros + s.Prepare.CPUMicros + s.Infer.CPUMicros + s.Sink.CPUMicros
}

// stageBench runs the stages one after the other over the same payloads.
type stageBench struct {
	model   assemble.Model
	decoder ingest.Decoder
	message ingest.Message
	cutout  schemas.Cutout
	scratch *preprocess.Scratch
	buffers *infer.Buffers
	records []schemas.Record
}

// MeasureStages runs every payload through every stage, after one pass to warm up.
func MeasureStages(ctx context.Context, source *config.Source, m assemble.Model, payloads [][]byte, batchRows int) (*Stages, error) {
	options, err := assemble.DecoderOptions(source, m.Transform.Recipe().Bands, m.Features())
	if err != nil {
		return nil, err
	}
	decoder, err := decode.New(options)
	if err != nil {
		return nil, err
	}
	b := &stageBench{model: m, decoder: decoder, scratch: m.Transform.NewScratch(), buffers: m.NewBuffers()}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := b.run(ctx, payloads, batchRows)
	return out, errors.Join(err, b.buffers.Close())
}

func (b *stageBench) run(ctx context.Context, payloads [][]byte, batchRows int) (*Stages, error) {
	out := &Stages{Cutouts: len(payloads)}
	for _, warm := range []bool{true, false} {
		n := len(payloads)
		if warm {
			n = min(n, 64)
		}
		if err := b.pass(ctx, payloads[:n], batchRows, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pass measures one run over the payloads. Prepare is what decoding and preparing together cost more
// than decoding alone, because a cutout's pixels live only until the next one is decoded.
func (b *stageBench) pass(ctx context.Context, payloads [][]byte, batchRows int, out *Stages) error {
	before := spent(unix.RUSAGE_THREAD)
	for i, p := range payloads {
		if err := b.decode(i, p); err != nil {
			return err
		}
	}
	out.Decode = spent(unix.RUSAGE_THREAD).costSince(before, len(payloads))

	before = spent(unix.RUSAGE_THREAD)
	for i, p := range payloads {
		if err := errors.Join(b.decode(i, p), b.prepare(0)); err != nil {
			return err
		}
	}
	both := spent(unix.RUSAGE_THREAD).costSince(before, len(payloads))
	out.Prepare = Cost{both.CPUMicros - out.Decode.CPUMicros, both.Allocs - out.Decode.Allocs}

	inferred, err := b.infer(payloads, batchRows)
	if err != nil {
		return err
	}
	out.Infer = inferred
	out.Sink, err = b.write(ctx)
	return err
}

func (b *stageBench) decode(i int, payload []byte) error {
	b.cutout.Reset()
	b.message = ingest.Message{Origin: schemas.Origin{Topic: "bench", Offset: int64(i)}, Value: payload}
	if err := b.decoder.Decode(&b.message, &b.cutout); err != nil {
		return fmt.Errorf("bench: payload %d: %w", i, err)
	}
	return nil
}

func (b *stageBench) prepare(row int) error {
	_, err := b.model.Transform.Apply(b.buffers.ImageRow(row), &b.cutout, b.scratch)
	copy(b.buffers.FeatureRow(row), b.cutout.Features)
	return err
}

// infer runs full batches, and keeps the records for the sink. Only the model's run is measured.
func (b *stageBench) infer(payloads [][]byte, batchRows int) (Cost, error) {
	b.records = b.records[:0]
	var total usage
	model := b.model.Info()
	for start := 0; start+batchRows <= len(payloads); start += batchRows {
		for row := range batchRows {
			if err := errors.Join(b.decode(start+row, payloads[start+row]), b.prepare(row)); err != nil {
				return Cost{}, err
			}
			b.keep(model, start+row)
		}
		before := spent(unix.RUSAGE_THREAD)
		if err := b.model.Run(b.buffers, batchRows); err != nil {
			return Cost{}, err
		}
		after := spent(unix.RUSAGE_THREAD)
		total.cpu += after.cpu - before.cpu
		total.mallocs += after.mallocs - before.mallocs
		for row := range batchRows {
			r := &b.records[start+row]
			r.Label = b.buffers.Label(row)
			r.Probability = b.buffers.Probability(row)
			r.Probabilities = append([]float32(nil), b.buffers.Probabilities(row)...)
			r.Embedding = append([]float32(nil), b.buffers.Embedding(row)...)
		}
	}
	return total.costSince(usage{}, len(b.records)), nil
}

func (b *stageBench) keep(model *schemas.ModelInfo, i int) {
	object, observation := fmt.Appendf(nil, "bench%d", i), append([]byte(nil), b.cutout.ObservationID...)
	b.records = append(b.records, schemas.Record{
		ID: schemas.MakeRecordID("bench", object, observation, model.Hash), Survey: "bench", ObjectID: object, ObservationID: observation,
		RA: math.NaN(), Dec: math.NaN(), Origin: schemas.Origin{Topic: "bench", Offset: int64(i)}, Model: model, ProcessedAt: time.Now(),
	})
}

// write makes the records durable in a scratch folder.
func (b *stageBench) write(ctx context.Context) (Cost, error) {
	dir, err := os.MkdirTemp("", "galaxalign-bench-")
	if err != nil {
		return Cost{}, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	files, err := arrowfile.Open(arrowfile.Config{Dir: dir})
	if err != nil {
		return Cost{}, err
	}
	const rows = 512
	var report sink.Report
	before := spent(unix.RUSAGE_THREAD)
	for start := 0; start < len(b.records); start += rows {
		part := b.records[start:min(start+rows, len(b.records))]
		report.Reset()
		if err := files.Write(ctx, &sink.Batch{Model: b.model.Info(), Records: part}, &report); err != nil {
			return Cost{}, errors.Join(err, files.Close(ctx))
		}
	}
	cost := spent(unix.RUSAGE_THREAD).costSince(before, len(b.records))
	return cost, files.Close(ctx)
}
