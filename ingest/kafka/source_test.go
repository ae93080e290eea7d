package kafka

import (
	"slices"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
)

func TestSourceDeliversAndCommits(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	ensureTopic(t, conn, Topic{Name: "stamps", Partitions: 1})
	want := numbered("m", 50)
	produce(t, conn, "stamps", want...)
	s := open(t, config(conn, "g", "stamps"))
	for i, m := range fetchN(t, s, 50) {
		if string(m.Value) != want[i] || m.Origin.Offset != int64(i) || string(m.Key) != "k" {
			t.Fatalf("message %d is %q at %v, key %q", i, m.Value, m.Origin, m.Key)
		}
		m.Finish(ingest.Written)
	}
	closeSource(t, s)
	p := s.Progress()
	if len(p) != 1 || p[0].Committed != 50 || p[0].Written != 50 || p[0].InFlight != 0 || p[0].HighWater != 50 {
		t.Fatalf("progress %+v", p)
	}
}

// A process that dies commits nothing more: the next one gets all that was not committed.
func TestCrashRedelivers(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	ensureTopic(t, conn, Topic{Name: "stamps"})
	want := numbered("m", 30)
	produce(t, conn, "stamps", want...)
	cfg := config(conn, "g", "stamps")
	cfg.SessionTimeout = time.Second // the group waits that long for the dead member
	s := open(t, cfg)
	msgs := fetchN(t, s, 30)
	for _, m := range msgs[:10] {
		m.Finish(ingest.Written)
	}
	waitProgress(t, s, func(p ingest.Progress) bool { return p.Committed == 10 })
	for _, m := range msgs[15:] {
		m.Finish(ingest.Written)
	}
	s.hard() // no commit, no leaving of the group
	s.cluster.close()
	var got []string
	for _, m := range fetchN(t, open(t, cfg), 20) {
		got = append(got, string(m.Value))
		m.Finish(ingest.Written)
	}
	if !slices.Equal(got, want[10:]) {
		t.Errorf("after the crash: %q, want %q", got, want[10:])
	}
}
