package sink

import (
	"math"
	"testing"
)

func TestComparable(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		v    []float32
		want bool
	}{
		{[]float32{3, 4}, true},
		{[]float32{1e-14}, true},
		{[]float32{1e-16}, false},
		{[]float32{1e16}, false},
		{[]float32{0, 0}, false},
		{nil, false},
		{[]float32{1, nan}, false},
		{[]float32{inf}, false},
	} {
		if got := Comparable(Norm(c.v)); got != c.want {
			t.Errorf("%v: norm %v comparable %v, want %v", c.v, Norm(c.v), got, c.want)
		}
	}
	if got := Norm([]float32{3, 4}); got != 5 {
		t.Errorf("norm %v", got)
	}
}
