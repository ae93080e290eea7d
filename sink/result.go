package sink

import (
	"fmt"

	"github.com/galaxalign/galaxalign/schemas"
)

// Outcome is what became of one record.
type Outcome uint8

// The outcomes of a record.
const (
	Written   Outcome = iota + 1 // durable in every sink, by this write
	Duplicate                    // was durable before; nothing new that a reader sees
	Rejected                     // at least one sink will never take it; the others have it
)

var outcomeNames = [...]string{"unknown", "written", "duplicate", "rejected"}

// String names the outcome.
func (o Outcome) String() string { return outcomeNames[min(int(o), len(outcomeNames)-1)] }

// Rejection is one record that a sink refused for good.
type Rejection struct {
	Index int    // into Batch.Records
	Sink  string // name of the sink
	Err   error
}

// Fault turns the rejection into the form the dead letters take. A sink that gave a Fault is quoted as
// it is.
func (r Rejection) Fault() *schemas.Fault {
	if f := schemas.AsFault(r.Err); f != nil {
		return f
	}
	f := schemas.NewFault(schemas.StageSink, schemas.ReasonRejected, "sink %s refused the record for good", r.Sink)
	f.Err = fmt.Errorf("%w", r.Err)
	return f
}

// Result is what became of a batch. The caller owns it and reuses it.
type Result struct {
	Outcomes   []Outcome   // one a record, in the order of the batch
	Rejections []Rejection // one for each record with outcome Rejected: the refusal of the first sink
}

func (r *Result) reset(n int) {
	r.Outcomes, r.Rejections = r.Outcomes[:0], r.Rejections[:0]
	for range n {
		r.Outcomes = append(r.Outcomes, Written)
	}
}

func (r *Result) reject(index int, sink string, err error) {
	if r.Outcomes[index] == Rejected {
		return
	}
	r.Outcomes[index] = Rejected
	r.Rejections = append(r.Rejections, Rejection{Index: index, Sink: sink, Err: err})
}
