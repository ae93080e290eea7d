package baseline

import (
	"math"

	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// score tests a model: accuracy, and the mean over classes of F1 = 2 tp / (2 tp + fp + fn), classes
// that occur neither as truth nor as answer left out.
func score(name string, head *starter.Head, x [][]float32, y []int) Score {
	var hit, truth, answer [simulate.NumClasses]float64
	right := 0
	for i := range x {
		p := head.Predict(x[i])
		truth[y[i]]++
		answer[p]++
		if p == y[i] {
			hit[p]++
			right++
		}
	}
	var sum, classes float64
	for c := range truth {
		if truth[c]+answer[c] > 0 {
			sum += 2 * hit[c] / (truth[c] + answer[c])
			classes++
		}
	}
	return Score{
		Name: name, Pictures: len(x),
		Accuracy: round3(float64(right) / float64(max(len(x), 1))),
		MacroF1:  round3(sum / math.Max(classes, 1)),
	}
}

func round3(v float64) float64 { return math.Round(v*1000) / 1000 }
