package kernel

// legacyRef is the reference of Legacy.
func legacyRef(planes, scale []float32, m, q float32, precedenceBug bool) {
	count := len(scale)
	n := len(planes) / count
	rootQ, part := 1/sqrt32(q), 1/float32(count)
	for i := range n {
		var sum float32
		for c, s := range scale {
			v := float32(planes[c*n+i]*s) + m
			if v < 0 {
				v = 0
			}
			sum += v
		}
		intensity := sum * part
		f := asinh(q*intensity) * rootQ
		if intensity == 0 {
			intensity = 1e-6
		}
		ratio := f / intensity
		for c, s := range scale {
			v := planes[c*n+i]
			if precedenceBug {
				v = v * (s + float32(m*ratio))
			} else {
				v = (float32(v*s) + m) * ratio
			}
			planes[c*n+i] = clip(v, 0, 1)
		}
	}
}

// quarterSine returns sin(y) for y in [0, pi/2] by its Taylor series to y^11; the rest is below 6e-8.
func quarterSine(y float32) float32 {
	z := float32(y * y)
	p := float32(z*(-1.0/39916800)) + 1.0/362880
	p = float32(z*p) - 1.0/5040
	p = float32(z*p) + 1.0/120
	p = float32(z*p) - 1.0/6
	p = float32(z*p) + 1
	return y * p
}

// halfPi is pi/2.
const halfPi = 1.57079632679489661923

// galaxyZooRef is the reference of GalaxyZoo.
func galaxyZooRef(planes []float32, inverse [3]float32, floor, gain float32, desaturate bool) {
	n := len(planes) / 3
	for i := range n {
		var v [3]float32
		for c := range v {
			v[c] = (asinh(planes[c*n+i]*inverse[c]) - floor) * gain
		}
		if desaturate {
			v = desaturated(v)
		}
		for c := range v {
			planes[c*n+i] = clip(v[c], 0, 1)
		}
	}
}

// desaturated pulls a colour towards the mean of its channels where one channel is far above it.
func desaturated(v [3]float32) [3]float32 {
	a := (v[0] + v[1] + v[2]) * float32(1.0/3)
	div := a
	if div == 0 {
		div = 1
	}
	w := float32(larger(larger(v[0]/div, v[1]/div), v[2]/div) * 0.4)
	if w > 1 {
		w = 1
	}
	w = quarterSine((1 - w) * halfPi)
	u := 1 - w
	for c := range v {
		v[c] = float32(v[c]*w) + float32(a*u) + float32(float32(float32(a*u)*u)*v[c])
	}
	return v
}
