package baseline

import (
	"maps"
	"testing"
)

// echo answers with the class that the first feature names.
type echo struct{}

func (echo) Predict(x []float32) int { return int(x[0]) }

func TestScore(t *testing.T) {
	type pair struct{ truth, answer int }
	for name, c := range map[string]struct {
		pairs             []pair
		accuracy, macroF1 float64
		classes           map[string]float64
	}{
		"nothing":   {nil, 0, 0, map[string]float64{}},
		"all right": {[]pair{{0, 0}, {9, 9}}, 1, 1, map[string]float64{"Disturbed": 1, "Edge-on with Bulge": 1}},
		"all wrong": {[]pair{{0, 1}, {1, 0}}, 0, 0, map[string]float64{"Disturbed": 0, "Merging": 0}},
		// F1 of class 2 is 2/(1+2), of class 3 it is 0.
		"a class never answered": {[]pair{{2, 2}, {3, 2}}, 0.5, 0.333, map[string]float64{"Round Smooth": 1, "In-between Round Smooth": 0}},
		// F1 of class 2 is 4/(3+2), of class 4, which is answered, 0.
		"a class never true": {[]pair{{2, 2}, {2, 2}, {2, 4}}, 0.667, 0.4, map[string]float64{"Round Smooth": 0.667}},
		"unequal classes":    {[]pair{{0, 0}, {0, 0}, {0, 0}, {1, 0}}, 0.75, 0.429, map[string]float64{"Disturbed": 1, "Merging": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var set examples
			for _, p := range c.pairs {
				set.x, set.y = append(set.x, []float32{float32(p.answer)}), append(set.y, p.truth)
			}
			got := score("pairs", echo{}, set)
			if got.Name != "pairs" || got.Pictures != len(c.pairs) || got.Accuracy != c.accuracy || got.MacroF1 != c.macroF1 {
				t.Errorf("got %+v, want accuracy %v and macro-F1 %v", got, c.accuracy, c.macroF1)
			}
			if !maps.Equal(got.Classes, c.classes) {
				t.Errorf("by class %v, want %v", got.Classes, c.classes)
			}
		})
	}
}
