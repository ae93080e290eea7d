package arrowfile

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/internal/disk"
)

// encoder turns the records of one segment into the frames of its log. The first frame holds the schema
// and an empty batch, each later one a record batch: put together they are an Arrow IPC stream.
type encoder struct {
	builder *schemas.Builder
	out     frameBuffer
	stream  *ipc.Writer
}

// frameBuffer collects a frame, with room for its head. It keeps its memory.
type frameBuffer struct{ b []byte }

func (f *frameBuffer) Write(p []byte) (int, error) {
	f.b = append(f.b, p...)
	return len(p), nil
}

func (f *frameBuffer) reset() {
	if cap(f.b) == 0 {
		f.b = make([]byte, 0, 4096)
	}
	f.b = f.b[:disk.HeadSize]
}

func newEncoder(m *schemas.ModelInfo) *encoder {
	return &encoder{builder: schemas.NewBuilder(m)}
}

// begin starts a stream and returns its first frame.
func (e *encoder) begin() ([]byte, error) {
	e.stream = ipc.NewWriter(&e.out, ipc.WithSchema(e.builder.Schema()))
	e.builder.Reset()
	return e.frame()
}

// frame encodes what the builder holds. The bytes are valid until the next call.
func (e *encoder) frame() ([]byte, error) {
	e.out.reset()
	rec := e.builder.Record()
	defer rec.Release()
	if err := e.stream.Write(rec); err != nil {
		return nil, fmt.Errorf("encode %d records: %w", e.builder.Len(), err)
	}
	return e.out.b, nil
}
