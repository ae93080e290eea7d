package milvus

import (
	"fmt"
	"strings"

	"github.com/galaxalign/galaxalign/sink"
)

// expression writes a filter in Milvus's language; empty when nothing is filtered. A record without an
// observation time fails any bound on time.
func expression(f sink.Filter) string {
	var terms []string
	add := func(format string, args ...any) { terms = append(terms, fmt.Sprintf(format, args...)) }
	if f.Label != "" {
		// Milvus reads a string literal by the rules of Go, so that %q holds every text.
		add("%s == %q", fieldLabel, text(f.Label))
	}
	if f.MinProb > 0 {
		// Written as float64, a bound is neither more nor less than the stored float32. Above 1, which
		// no probability is, one bound serves as well as another, and infinity has no literal.
		add("%s >= %v", fieldProbability, min(float64(f.MinProb), 2))
	}
	if !f.After.IsZero() || !f.Before.IsZero() {
		add("%s != 0", fieldObservedAt)
	}
	if !f.After.IsZero() {
		add("%s >= %d", fieldObservedAt, f.After.UnixMicro())
	}
	if !f.Before.IsZero() {
		add("%s < %d", fieldObservedAt, f.Before.UnixMicro())
	}
	if f.RadiusArcsec > 0 {
		terms = append(terms, box(f))
	}
	return strings.Join(terms, " and ")
}
