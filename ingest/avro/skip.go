package avro

// skipped is what is known of the block that skips a record.
type skipped struct {
	block int32
	done  bool // false while its fields are being compiled, which is where a recursive type meets itself
}

// skip emits the walk over a type of which nothing is wanted.
func (c *compiler) skip(b *block, s *Schema) {
	if c.ops > maxOps {
		return
	}
	switch s.Kind {
	case KindBoolean:
		b.emit(op{code: opSkipFixed, n: 1})
	case KindInt, KindLong, KindEnum:
		b.emit(op{code: opSkipVarint, n: 1})
	case KindFloat:
		b.emit(op{code: opSkipFixed, n: 4})
	case KindDouble:
		b.emit(op{code: opSkipFixed, n: 8})
	case KindBytes, KindString:
		b.emit(op{code: opSkipString, n: 1})
	case KindFixed:
		if s.Size > 0 {
			b.emit(op{code: opSkipFixed, n: int32(s.Size)})
		}
	case KindRecord:
		c.skipRecord(b, s)
	case KindArray:
		b.emit(op{code: opSkipArray, ref: c.skipBlock(s.Items)})
	case KindMap:
		b.emit(op{code: opSkipMap, ref: c.skipBlock(s.Items)})
	case KindUnion:
		c.skipUnion(b, s)
	}
}

// skipBlock makes a block of the walk over a type.
func (c *compiler) skipBlock(s *Schema) int32 {
	id := c.newBlock()
	c.into(id, func(b *block) { c.skip(b, s) })
	return id
}

// skipUnion emits the short forms of a union with null, else the general one.
func (c *compiler) skipUnion(b *block, s *Schema) {
	inner, flip, ok := nullable(s)
	if !ok {
		c.union(b, s, c.skip)
		return
	}
	o := op{flip: flip, n: 1}
	switch inner.Kind {
	case KindFloat:
		o.code = opSkipNullable4
	case KindDouble:
		o.code = opSkipNullable8
	case KindInt, KindLong, KindEnum:
		o.code = opSkipNullableVarint
	case KindBytes, KindString:
		o.code = opSkipNullableString
	default:
		c.nullable(b, flip, func() { c.skip(b, inner) })
		return
	}
	b.emit(o)
}

// skipRecord copies the skip of a short record to its place and calls that of a long or recursive one.
func (c *compiler) skipRecord(b *block, s *Schema) {
	known := c.skips[s]
	if known == nil {
		known = &skipped{block: c.newBlock()}
		c.skips[s] = known
		c.into(known.block, func(b *block) {
			for i := range s.Fields {
				c.skip(b, s.Fields[i].Type)
			}
		})
		known.done = true
	}
	ops := c.p.blocks[known.block]
	if !known.done || len(ops) > inlineOps || c.ops > maxOps/4 {
		b.emit(op{code: opCall, ref: known.block})
		return
	}
	b.copy(ops)
}

// copy appends a finished block. Its first operation may lengthen the run before it; the others are runs of
// their own already. Jumps are relative, so they stay right where they are copied to.
func (b *block) copy(ops []op) {
	if len(ops) == 0 {
		return
	}
	b.emit(ops[0])
	b.ops = append(b.ops, ops[1:]...)
	b.c.ops += len(ops) - 1
	for i := range ops {
		if ops[i].code == opNullable {
			b.barrier = len(b.ops)
			return
		}
	}
}
