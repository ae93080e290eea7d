package spelling

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	words := []string{"format", "brokers", "topics", "window_bytes"}
	for word, want := range map[string]string{
		"formt": "format", "Brokers": "brokers", "windowbytes": "window_bytes", "topics": "topics", "zzz": "", "": "",
		strings.Repeat("x", 1<<20): "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%.20q: got %q, want %q", word, got, want)
		}
	}
}
