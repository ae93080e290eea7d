package baseline

import (
	"math"

	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// Report is how well the model does. Its JSON is the manifest's metrics.
type Report struct {
	Simulated Score   `json:"simulated_held_out"`
	Varied    Score   `json:"simulated_random_conditions"`
	Real      []Score `json:"real_pictures,omitempty"`
	Note      string  `json:"note"`
}

// Score is how well the model does on one set of pictures of the ten classes. All figures are 0 to 1;
// a guess is right in one of ten where the classes are equally frequent.
type Score struct {
	Name     string  `json:"name"`
	Pictures int     `json:"pictures"`
	Accuracy float64 `json:"accuracy"`
	MacroF1  float64 `json:"macro_f1"`
	// Classes is the accuracy over the pictures of each class that occurs, by name.
	Classes map[string]float64 `json:"class_accuracy"`
}

const note = "A placeholder with a number: fixed measurements and a small classifier, fitted to simulated galaxies only. " +
	"Of real pictures the middle 0.6 of the side is read; they were only tested on, " +
	"but of those called seen in design the measurements were judged while they were chosen."

// predictor answers with a class.
type predictor interface{ Predict(x []float32) int }

var _ predictor = (*starter.Head)(nil)

// score tests a model: accuracy, and the mean over classes of F1 = 2 tp / (2 tp + fp + fn), classes
// that occur neither as truth nor as answer left out.
func score(name string, model predictor, set examples) Score {
	var hit, truth, answer [simulate.NumClasses]float64
	var right, sum, classes float64
	for i, x := range set.x {
		p := model.Predict(x)
		truth[set.y[i]]++
		answer[p]++
		if p == set.y[i] {
			hit[p]++
			right++
		}
	}
	s := Score{Name: name, Pictures: len(set.x), Classes: map[string]float64{}}
	for c := range truth {
		if truth[c]+answer[c] > 0 {
			sum += 2 * hit[c] / (truth[c] + answer[c])
			classes++
		}
		if truth[c] > 0 {
			s.Classes[simulate.Class(c).String()] = round3(hit[c] / truth[c])
		}
	}
	s.Accuracy = round3(right / math.Max(float64(len(set.x)), 1))
	s.MacroF1 = round3(sum / math.Max(classes, 1))
	return s
}

func round3(v float64) float64 { return math.Round(v*1000) / 1000 }
