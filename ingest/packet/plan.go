package packet

import (
	"fmt"

	"github.com/galaxalign/galaxalign/ingest/avro"
)

// plan is a layout bound to one schema: the program, and the slot of each thing that is wanted.
type plan struct {
	layout        *layout
	reader        stampReader
	program       *avro.Program
	late          bool
	object        []int
	observation   []int
	ra, dec, time int
	sign          int
	zeroPoint     int // -1 when the layout has no field for it
	stamps        []stampSlot
	features      []int // signFeature stands for Sign
}

// signFeature marks the feature Sign in plan.features.
const signFeature = -1

// stampSlot is where the bytes of a stamp are: in a record's stampData, or plain.
type stampSlot struct {
	role          string
	field         string
	record, plain int
}

// binder collects the wanted paths, each once.
type binder struct {
	paths []string
	slots map[string]int
}

// want returns the slot of a path.
func (b *binder) want(path string) int {
	slot, known := b.slots[path]
	if !known {
		slot = len(b.paths)
		b.slots[path] = slot
		b.paths = append(b.paths, path)
	}
	return slot
}

// all returns the slots of paths.
func (b *binder) all(paths []string) []int {
	slots := make([]int, len(paths))
	for i, path := range paths {
		slots[i] = b.want(path)
	}
	return slots
}

// newPlan binds a layout to a schema.
func newPlan(l *layout, s *avro.Schema, o *Options) (*plan, error) {
	b := binder{slots: map[string]int{}}
	p := &plan{
		layout: l, late: l.late(s), object: b.all(l.object), observation: b.all(l.observation),
		ra: b.want(l.ra), dec: b.want(l.dec), time: b.want(l.time), sign: b.want(l.sign), zeroPoint: -1,
	}
	if l.magZero != "" {
		p.zeroPoint = b.want(l.magZero)
	}
	for _, role := range o.Stamps {
		field := l.stamps[stampIndex(role)]
		p.stamps = append(p.stamps, stampSlot{
			role: role, field: field, record: b.want(field + ".stampData"), plain: b.want(field),
		})
	}
	for _, name := range o.Features {
		p.features = append(p.features, b.feature(l, name))
	}
	var err error
	if p.program, err = avro.Compile(s, b.paths); err != nil {
		return nil, fmt.Errorf("%s packet: %w", l.survey, err)
	}
	return p, nil
}

// feature returns the slot of a feature.
func (b *binder) feature(l *layout, name string) int {
	switch {
	case name == Sign:
		return signFeature
	case isPath(name):
		return b.want(name)
	}
	return b.want(l.record + "." + name)
}

// isPath reports whether a feature's name is a path from the root.
func isPath(name string) bool {
	for i := range len(name) {
		if name[i] == '.' {
			return true
		}
	}
	return false
}
