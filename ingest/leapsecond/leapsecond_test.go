package leapsecond

import (
	"testing"
	"time"
)

// months are the first days, as YYYYMM, of the months that began after a leap second.
var months = [...]int{
	197201, 197207, 197301, 197401, 197501, 197601, 197701, 197801, 197901, 198001, 198107, 198207, 198307, 198507,
	198801, 199001, 199101, 199207, 199307, 199407, 199601, 199707, 199901, 200601, 200901, 201207, 201507, 201701,
}

// TestStepsAreTheMonthsOfBulletinC checks the table against the calendar, and both sides of every step.
func TestStepsAreTheMonthsOfBulletinC(t *testing.T) {
	if len(months) != len(steps) {
		t.Fatalf("%d steps, %d months", len(steps), len(months))
	}
	for i, month := range months {
		midnight := time.Date(month/100, time.Month(month%100), 1, 0, 0, 0, 0, time.UTC)
		if midnight.Unix() != steps[i] {
			t.Errorf("%d: step at %d, midnight is %d", month, steps[i], midnight.Unix())
		}
		ahead := time.Duration(first+i) * time.Second
		if got := TAIMinusUTC(midnight.Add(ahead)); got != ahead {
			t.Errorf("%d: %v from the step on, want %v", month, got, ahead)
		}
		before := ahead - time.Second
		if i == 0 {
			before = 0
		}
		if got := TAIMinusUTC(midnight.Add(ahead - time.Microsecond)); got != before {
			t.Errorf("%d: %v just before the step, want %v", month, got, before)
		}
	}
}
