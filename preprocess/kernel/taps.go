package kernel

// Taps is a table for one axis of a resize: output j is the sum over t < Count of
// Weight[t*Out+j] * in[Start[j]+t]. Every Start[j]+Count-1 lies inside the input.
type Taps struct {
	In, Out int       // lengths of the axis before and after
	Count   int       // taps an output
	Start   []int32   // first input of each output, ascending
	Weight  []float32 // tap-major: Count rows of Out weights

	// block and rel serve the SIMD kernels: outputs in blocks of Lanes read a window of 2*Lanes inputs
	// that starts at block[j/Lanes]; rel[j] is Start[j] within the window. Lanes is 0 where a block
	// spans more than its window, and then the plain loop runs.
	Lanes int
	block []int32
	rel   []int32
}

// Plan prepares the windows of the SIMD kernels. Call it after filling the table; it reuses its memory.
func (t *Taps) Plan() { t.plan(vectorLanes()) }

// plan prepares windows for vectors of want values; 0 is the plain loop.
func (t *Taps) plan(want int) {
	t.Lanes = 0
	if want == 0 || t.In < 2*want {
		return
	}
	t.block, t.rel = t.block[:0], t.rel[:0]
	for j := 0; j < t.Out; j += want {
		last := min(j+want, t.Out) - 1
		base := min(t.Start[j], int32(t.In-2*want))
		if int(t.Start[last]-base)+t.Count > 2*want {
			return
		}
		t.block = append(t.block, base)
		for k := j; k <= last; k++ {
			t.rel = append(t.rel, t.Start[k]-base)
		}
	}
	t.Lanes = want
}

// rowRef is the reference of ResizeRows for one row.
func rowRef(dst, src []float32, t *Taps) {
	for j := range dst {
		i := int(t.Start[j])
		acc := float32(src[i] * t.Weight[j])
		for k := 1; k < t.Count; k++ {
			acc += float32(src[i+k] * t.Weight[k*t.Out+j])
		}
		dst[j] = acc
	}
}

// resizeRowsRef is the reference of ResizeRows.
func resizeRowsRef(dst, src []float32, rows int, t *Taps) {
	for y := range rows {
		rowRef(dst[y*t.Out:][:t.Out], src[y*t.In:][:t.In], t)
	}
}

// resizeColumnsRef is the reference of ResizeColumns.
func resizeColumnsRef(dst, src []float32, width int, t *Taps) {
	for j := range t.Out {
		out := dst[j*width:][:width]
		at := int(t.Start[j]) * width
		for k := range t.Count {
			w := t.Weight[k*t.Out+j]
			for x, v := range src[at+k*width:][:width] {
				if k == 0 {
					out[x] = float32(v * w)
				} else {
					out[x] += float32(v * w)
				}
			}
		}
	}
}
