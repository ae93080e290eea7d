package arrowfile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/galaxalign/galaxalign/schemas"
)

// The keys a sealed file carries in its schema metadata beside those of schemas.ModelMetadata.
const (
	MetaRows    = "galaxalign.rows"    // number of records, decimal
	MetaSegment = "galaxalign.segment" // name of the segment: the UTC time it was opened
	MetaOffsets = "galaxalign.offsets" // JSON array of Range, sorted by topic and partition
)

// Range is the span of offsets of one topic and partition in a file. Offsets within it may be missing:
// they were quarantined, or are in a neighbouring file.
type Range struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	First     int64  `json:"first"` // smallest offset
	Last      int64  `json:"last"`  // largest offset
	Rows      int64  `json:"rows"`  // records
}

// ParseRanges reads the value of MetaOffsets.
func ParseRanges(s string) ([]Range, error) {
	var ranges []Range
	if err := json.Unmarshal([]byte(s), &ranges); err != nil {
		return nil, fmt.Errorf("metadata %s: %w", MetaOffsets, err)
	}
	return ranges, nil
}

// offsetSpans collects the ranges of a segment. Few partitions are live at a time, so a linear search
// that starts where the last one ended is enough.
type offsetSpans struct {
	ranges []Range
	last   int
}

// add counts one record of that origin.
func (o *offsetSpans) add(topic string, partition int32, offset int64) {
	if o.last < len(o.ranges) && o.ranges[o.last].is(topic, partition) {
		o.ranges[o.last].extend(offset)
		return
	}
	for i := range o.ranges {
		if o.ranges[i].is(topic, partition) {
			o.last = i
			o.ranges[i].extend(offset)
			return
		}
	}
	o.last = len(o.ranges)
	o.ranges = append(o.ranges, Range{Topic: strings.Clone(topic), Partition: partition, First: offset, Last: offset, Rows: 1})
}

func (r *Range) is(topic string, partition int32) bool {
	return r.Partition == partition && r.Topic == topic
}

func (r *Range) extend(offset int64) {
	r.First, r.Last = min(r.First, offset), max(r.Last, offset)
	r.Rows++
}

// sorted returns the ranges by topic and partition.
func (o *offsetSpans) sorted() []Range {
	out := slices.Clone(o.ranges)
	slices.SortFunc(out, func(a, b Range) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}

// json renders the ranges as the value of MetaOffsets.
func (o *offsetSpans) json() (string, error) {
	b, err := json.Marshal(o.sorted())
	return string(b), err
}

// covers reports whether the origin lies within one of the ranges.
func covers(ranges []Range, o *schemas.Origin) bool {
	for i := range ranges {
		if r := &ranges[i]; r.is(o.Topic, o.Partition) && r.First <= o.Offset && o.Offset <= r.Last {
			return true
		}
	}
	return false
}
