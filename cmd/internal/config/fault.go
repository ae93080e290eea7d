package config

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong with a configuration.
type Fault struct {
	Line    int    // line of the file, from 1; 0 when the key is not in the file
	Key     string // dotted path, "source.kafka.brokers"
	Problem string
	Fix     string
}

// String renders the fault as "line 12: source.kafka.brokers: problem; fix".
func (f Fault) String() string {
	var b strings.Builder
	if f.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if f.Key != "" {
		fmt.Fprintf(&b, "%s: ", f.Key)
	}
	b.WriteString(f.Problem)
	if f.Fix != "" {
		fmt.Fprintf(&b, "; %s", f.Fix)
	}
	return b.String()
}

// Error is everything wrong with one configuration.
type Error struct {
	File   string
	Faults []Fault
}

// Error lists every fault on a line of its own, in order of the file.
func (e *Error) Error() string {
	slices.SortStableFunc(e.Faults, func(a, b Fault) int { return a.Line - b.Line })
	var b strings.Builder
	noun := "faults"
	if len(e.Faults) == 1 {
		noun = "fault"
	}
	fmt.Fprintf(&b, "%s: %d %s", e.File, len(e.Faults), noun)
	for _, f := range e.Faults {
		b.WriteString("\n  ")
		b.WriteString(f.String())
	}
	return b.String()
}
