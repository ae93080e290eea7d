package avro

// skipNullable skips n unions of null and 2<<shift bytes. It branches on each index because the nulls of a
// survey come in patterns, which processors predict: computing the step from the index is a third slower
// on such packets, and no faster where the nulls are random.
func (w *walker) skipNullable(i, n int, flip uint8, shift uint) int {
	b := w.b
	size := 2 << shift
	for ; n > 0; n-- {
		if i >= len(b) {
			return w.stop(len(b), failTruncated)
		}
		index := b[i]
		if index&^2 != 0 {
			return w.stop(i, failBranch)
		}
		i++
		if index != flip {
			i += size
		}
	}
	if i > len(b) {
		return w.stop(len(b), failTruncated)
	}
	return i
}

func (w *walker) skipVarints(i, n int) int {
	for ; n > 0; n-- {
		size := varintBytes(w.b, i)
		if size == 0 {
			return w.badVarint(i)
		}
		i += size
	}
	return i
}

func (w *walker) skipNullableVarints(i, n int, flip uint8) int {
	for ; n > 0 && i >= 0; n-- {
		var present bool
		if present, i = w.present(i, flip); present {
			i = w.skipVarints(i, 1)
		}
	}
	return i
}

func (w *walker) skipStrings(i, n int) int {
	for ; n > 0 && i >= 0; n-- {
		var length int
		if length, i = w.length(i); i >= 0 {
			i += length
		}
	}
	return i
}

func (w *walker) skipNullableStrings(i, n int, flip uint8) int {
	for ; n > 0 && i >= 0; n-- {
		var present bool
		if present, i = w.present(i, flip); present {
			i = w.skipStrings(i, 1)
		}
	}
	return i
}

// union runs the block of the branch that the index names.
func (w *walker) union(o *op, i, depth int) int {
	n, next := w.long(i)
	if next < 0 {
		return next
	}
	table := w.p.unions[o.ref]
	if n < 0 || n >= int64(len(table)) {
		return w.stop(i, failBranch)
	}
	return w.block(table[n], next, depth+1)
}

// items walks an array or a map: blocks of counted items, ended by a count of 0. A negative count comes
// with the size of its block in bytes, which is stepped over whole.
func (w *walker) items(o *op, i, depth int) int {
	for {
		count, next := w.long(i)
		if next < 0 || count == 0 {
			return next
		}
		if count < 0 {
			size, after := w.length(next)
			if after < 0 {
				return after
			}
			i = after + size
			continue
		}
		if i = w.counted(o, count, next, depth); i < 0 {
			return i
		}
	}
}

// counted walks count items. Items that take no bytes are not walked; all others take at least one, so a
// count beyond the bytes left is refused at once.
func (w *walker) counted(o *op, count int64, i, depth int) int {
	item := w.p.blocks[o.ref]
	left := int64(len(w.b) - i)
	switch {
	case o.code == opSkipArray && len(item) == 0:
		return i
	case count > left:
		return w.stop(i, failCount)
	case o.code == opSkipArray && len(item) == 1 && item[0].code == opSkipFixed:
		if count > left/int64(item[0].n) {
			return w.stop(i, failCount)
		}
		return i + int(count)*int(item[0].n)
	}
	for ; count > 0 && i >= 0; count-- {
		if o.code == opSkipMap {
			if i = w.skipStrings(i, 1); i < 0 {
				return i
			}
		}
		i = w.block(o.ref, i, depth+1)
	}
	return i
}
