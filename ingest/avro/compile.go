package avro

import (
	"fmt"
	"strings"
)

// maxOps bounds a program. The program of a ZTF packet has about 250 operations.
const maxOps = 1 << 16

// inlineOps is the longest skip of a record that is copied to where the record is used instead of called.
// Copies stop at a quarter of maxOps, so that nested records cannot use it up.
const inlineOps = 128

// opcode is what one operation does at the current position.
type opcode uint8

const (
	opSkipFixed          opcode = iota // n bytes
	opSkipVarint                       // n variable-length integers
	opSkipString                       // n strings or bytes
	opSkipNullable4                    // n unions of null and 4 bytes
	opSkipNullable8                    // n unions of null and 8 bytes
	opSkipNullableVarint               // n unions of null and a variable-length integer
	opSkipNullableString               // n unions of null and a string or bytes
	opSkipArray                        // an array whose items block walks
	opSkipMap                          // a map whose values block walks
	opCall                             // block
	opUnion                            // one of the blocks of table, by the encoded index
	opNullable                         // null: jump over the next n operations; else go on
	opGetBoolean                       // into slot, as all below
	opGetInt
	opGetLong
	opGetFloat
	opGetDouble
	opGetBytes // bytes or string, as kind says
	opGetFixed // n bytes
	opGetEnum  // one of the symbols of table
)

// op is one operation.
type op struct {
	code opcode
	flip uint8 // of the nullable operations: 0 when null is branch 0, 2 when it is branch 1
	kind Kind  // of the get operations
	slot int32
	n    int32 // a count or a size
	ref  int32 // a block or a table
}

// Program walks data of one schema and extracts the wanted fields. It is read-only and safe for
// concurrent use.
type Program struct {
	schema  *Schema
	blocks  [][]op // 0 is the datum
	unions  [][]int32
	symbols [][][]byte
	initial []Value // what the slots hold before the walk: null, or absent where the schema lacks the path
}

// Schema returns the writer's schema.
func (p *Program) Schema() *Schema { return p.schema }

// Slots returns the number of paths the program extracts.
func (p *Program) Slots() int { return len(p.initial) }

// Has reports whether the schema holds the wanted path at this index as a value that fits a slot.
func (p *Program) Has(slot int) bool { return p.initial[slot].Kind != KindAbsent }

// Compile makes the program that extracts the given dotted paths of record fields, path i into slot i.
//
// A path goes through records and unions (each branch that leads on) but not into arrays or maps. A path
// that the schema lacks, or that ends at nothing but null, records, arrays and maps, gives an absent
// value; it is no error.
// Errors: a path given twice, and a schema whose program is over the limit; both wrap ErrSchema.
func Compile(s *Schema, paths []string) (*Program, error) {
	c := compiler{p: &Program{schema: s, initial: make([]Value, len(paths))}, skips: map[*Schema]*skipped{}}
	wants := make([]want, len(paths))
	seen := make(map[string]bool, len(paths))
	for i, path := range paths {
		if path == "" || seen[path] {
			return nil, fmt.Errorf("%w: the path %q is empty or wanted twice", ErrSchema, path)
		}
		seen[path] = true
		wants[i] = want{rest: path, slot: int32(i)}
	}
	root := c.newBlock()
	c.into(root, func(b *block) { c.get(b, s, wants) })
	if c.ops > maxOps {
		return nil, fmt.Errorf("%w: its program is over %d operations", ErrSchema, maxOps)
	}
	return c.p, nil
}

// want is a path still to be walked and the slot of its value.
type want struct {
	rest string
	slot int32
}

// compiler builds the blocks of a program.
type compiler struct {
	p     *Program
	skips map[*Schema]*skipped // by record
	ops   int
}

// block is a block under construction. Operations before barrier are the target of a jump or complete and
// must not grow.
type block struct {
	ops     []op
	barrier int
	c       *compiler
}

// newBlock reserves the number of a block.
func (c *compiler) newBlock() int32 {
	c.ops++
	c.p.blocks = append(c.p.blocks, nil)
	return int32(len(c.p.blocks) - 1)
}

// into fills a reserved block.
func (c *compiler) into(id int32, fill func(*block)) {
	b := block{c: c}
	fill(&b)
	c.p.blocks[id] = b.ops
}

// emit appends an operation, or lengthens the last one where the two are one run.
func (b *block) emit(o op) {
	if last := len(b.ops) - 1; last >= b.barrier && o.code <= opSkipNullableString {
		if l := &b.ops[last]; l.code == o.code && l.flip == o.flip && int64(l.n)+int64(o.n) < 1<<31 {
			l.n += o.n
			return
		}
	}
	b.c.ops++
	b.ops = append(b.ops, o)
}

// get emits the walk over a type of which something is wanted.
func (c *compiler) get(b *block, s *Schema, wants []want) {
	if len(wants) == 0 || c.ops > maxOps {
		c.skip(b, s)
		return
	}
	switch s.Kind {
	case KindRecord:
		c.getRecord(b, s, wants)
	case KindUnion:
		c.getUnion(b, s, wants)
	default:
		c.getScalar(b, s, wants)
	}
}

// getRecord emits the fields in order, each with the wants that lead into it.
func (c *compiler) getRecord(b *block, s *Schema, wants []want) {
	taken := map[string]bool{}
	for i := range s.Fields {
		f := &s.Fields[i]
		var inner []want
		if !taken[f.Name] {
			for _, w := range wants {
				if name, rest, _ := strings.Cut(w.rest, "."); name == f.Name {
					inner = append(inner, want{rest: rest, slot: w.slot})
				}
			}
			taken[f.Name] = true
		}
		c.get(b, f.Type, inner)
	}
}

// getScalar emits the extraction of a value; a want that goes on below it, or a value that fits no slot,
// is skipped and stays absent.
func (c *compiler) getScalar(b *block, s *Schema, wants []want) {
	slot := int32(-1)
	for _, w := range wants {
		if w.rest == "" && s.Kind > KindNull && s.Kind <= KindFixed {
			slot = w.slot
		}
	}
	if slot < 0 {
		c.skip(b, s)
		return
	}
	c.p.initial[slot].Kind = KindNull
	o := op{slot: slot, kind: s.Kind}
	switch s.Kind {
	case KindBoolean:
		o.code = opGetBoolean
	case KindInt:
		o.code = opGetInt
	case KindLong:
		o.code = opGetLong
	case KindFloat:
		o.code = opGetFloat
	case KindDouble:
		o.code = opGetDouble
	case KindBytes, KindString:
		o.code = opGetBytes
	case KindFixed:
		o.code, o.n = opGetFixed, int32(s.Size)
	case KindEnum:
		o.code, o.ref = opGetEnum, c.symbolTable(s)
	}
	b.emit(o)
}

// symbolTable stores the symbols of an enum as bytes.
func (c *compiler) symbolTable(s *Schema) int32 {
	table := make([][]byte, len(s.Symbols))
	for i, symbol := range s.Symbols {
		table[i] = []byte(symbol)
	}
	c.p.symbols = append(c.p.symbols, table)
	return int32(len(c.p.symbols) - 1)
}

// getUnion emits a union of null and one type in line, any other union through a table.
func (c *compiler) getUnion(b *block, s *Schema, wants []want) {
	if inner, flip, ok := nullable(s); ok {
		c.nullable(b, flip, func() { c.get(b, inner, wants) })
		return
	}
	c.union(b, s, func(b *block, branch *Schema) { c.get(b, branch, wants) })
}

// nullable emits the walk over a union of null and what body emits.
func (c *compiler) nullable(b *block, flip uint8, body func()) {
	b.emit(op{code: opNullable, flip: flip})
	at := len(b.ops) - 1
	b.barrier = len(b.ops)
	body()
	b.ops[at].n = int32(len(b.ops) - 1 - at)
	b.barrier = len(b.ops)
}

// union emits a table of one block a branch.
func (c *compiler) union(b *block, s *Schema, each func(*block, *Schema)) {
	table := make([]int32, len(s.Branches))
	for i, branch := range s.Branches {
		table[i] = c.newBlock()
		c.into(table[i], func(b *block) { each(b, branch) })
	}
	c.p.unions = append(c.p.unions, table)
	b.emit(op{code: opUnion, ref: int32(len(c.p.unions) - 1)})
}

// nullable recognises a union of null and one other type.
func nullable(s *Schema) (inner *Schema, flip uint8, ok bool) {
	if len(s.Branches) != 2 {
		return nil, 0, false
	}
	a, b := s.Branches[0], s.Branches[1]
	switch {
	case a.Kind == KindNull && b.Kind != KindNull:
		return b, 0, true
	case b.Kind == KindNull && a.Kind != KindNull:
		return a, 2, true
	}
	return nil, 0, false
}
