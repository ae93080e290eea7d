package sinktest

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
)

// difference says how got differs from want in the fields, or returns "".
func difference(got, want *schemas.Record, fields Field) string {
	switch {
	case got.ID != want.ID:
		return fmt.Sprintf("id %s, want %s", got.ID, want.ID)
	case got.Survey != want.Survey:
		return fmt.Sprintf("survey %q, want %q", got.Survey, want.Survey)
	case !bytes.Equal(got.ObjectID, want.ObjectID):
		return fmt.Sprintf("object id %q, want %q", got.ObjectID, want.ObjectID)
	case !bytes.Equal(got.ObservationID, want.ObservationID):
		return fmt.Sprintf("observation id %q, want %q", got.ObservationID, want.ObservationID)
	case got.Label != want.Label || got.Probability != want.Probability:
		return fmt.Sprintf("label %d (%v), want %d (%v)", got.Label, got.Probability, want.Label, want.Probability)
	case fields&Position != 0 && !(sameAngle(got.RA, want.RA) && sameAngle(got.Dec, want.Dec)):
		return fmt.Sprintf("position %v %v, want %v %v", got.RA, got.Dec, want.RA, want.Dec)
	case fields&ObservedAt != 0 && !sameTime(got.ObservedAt, want.ObservedAt):
		return fmt.Sprintf("observed at %v, want %v", got.ObservedAt, want.ObservedAt)
	case fields&Origin != 0 && got.Origin != want.Origin:
		return fmt.Sprintf("origin %+v, want %+v", got.Origin, want.Origin)
	case fields&Probabilities != 0 && !slices.Equal(got.Probabilities, want.Probabilities):
		return fmt.Sprintf("probabilities %v, want %v", got.Probabilities, want.Probabilities)
	case fields&Embedding != 0 && !slices.Equal(got.Embedding, want.Embedding):
		return fmt.Sprintf("embedding %v, want %v", got.Embedding, want.Embedding)
	case fields&Quality != 0 && (got.ValidFraction != want.ValidFraction || got.Flags != want.Flags):
		return fmt.Sprintf("quality %v %v, want %v %v", got.ValidFraction, got.Flags, want.ValidFraction, want.Flags)
	case fields&Times != 0 && !(sameTime(got.PublishedAt, want.PublishedAt) && sameTime(got.ProcessedAt, want.ProcessedAt)):
		return fmt.Sprintf("times %v %v, want %v %v", got.PublishedAt, got.ProcessedAt, want.PublishedAt, want.ProcessedAt)
	}
	return ""
}

func sameAngle(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func sameTime(a, b time.Time) bool {
	return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond)) && a.IsZero() == b.IsZero()
}

// CheckRecords fails the test unless got holds exactly the records of want, once each, in any order.
func CheckRecords(t *testing.T, got, want []schemas.Record, fields Field) {
	t.Helper()
	checkRecords(t, got, want, fields, false)
}

// checkRecords lets each wanted record appear more than once when repeats is set.
func checkRecords(t *testing.T, got, want []schemas.Record, fields Field, repeats bool) {
	t.Helper()
	index := make(map[schemas.RecordID]int, len(want))
	for i := range want {
		index[want[i].ID] = i
	}
	seen := make([]int, len(want))
	for i := range got {
		k, ok := index[got[i].ID]
		if !ok {
			t.Fatalf("read record %s (%s): it was never acknowledged", got[i].ID, got[i].ObjectID)
		}
		if seen[k]++; seen[k] > 1 && !repeats {
			t.Fatalf("read record %s (%s) twice", got[i].ID, got[i].ObjectID)
		}
		if d := difference(&got[i], &want[k], fields); d != "" {
			t.Fatalf("record %s (%s): %s", got[i].ID, want[k].ObjectID, d)
		}
	}
	for k, n := range seen {
		if n == 0 {
			t.Fatalf("record %s (%s) was acknowledged and cannot be read", want[k].ID, want[k].ObjectID)
		}
	}
}
