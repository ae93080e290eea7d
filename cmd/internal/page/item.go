package page

import (
	"math"

	"github.com/galaxalign/galaxalign/schemas"
)

// ItemOf makes an item of a record. It copies all it keeps, so the record may be reused.
func ItemOf(r *schemas.Record) Item {
	it := Item{
		ID: r.ID.String(), Survey: r.Survey, ObjectID: string(r.ObjectID), ObservationID: string(r.ObservationID),
		ObservedAt: r.ObservedAt, ProcessedAt: r.ProcessedAt, Class: r.Label, Probability: r.Probability,
		Probabilities: append([]float32(nil), r.Probabilities...), Origin: r.Origin.String(), Flags: r.Flags.String(),
	}
	if !math.IsNaN(r.RA) && !math.IsNaN(r.Dec) {
		it.RA, it.Dec, it.HasPosition = r.RA, r.Dec, true
	}
	if r.Model != nil {
		it.Classes = r.Model.Classes
		if r.Label >= 0 && r.Label < len(r.Model.Classes) {
			it.Label = r.Model.Classes[r.Label]
		}
	}
	return it
}
