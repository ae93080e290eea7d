package simulate

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// survey makes a survey or ends the test.
func survey(t testing.TB, cfg Config) *Survey {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// packet makes packet i or ends the test.
func packet(t testing.TB, s *Survey, i uint64) Packet {
	t.Helper()
	p, err := s.Next(i)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
