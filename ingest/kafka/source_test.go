package kafka

import (
	"testing"

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
