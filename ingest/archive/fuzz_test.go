package archive

import (
	"context"
	"io"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
)

// FuzzItems reads arbitrary bytes as every kind of archive, twice, with a restart in between. Whatever
// they hold, the source ends, accounts for every item, and gives each the same offset again.
func FuzzItems(f *testing.F) {
	names := []string{"a.tar", "a.tar.gz", "a.lp", "a.fits"}
	for i, seed := range [][]byte{tarOf(f, values), gzipped(f, tarOf(f, values)), recordsOf(values), {1, 2, 3}} {
		f.Add(uint8(i), seed, uint8(2))
		f.Add(uint8(i), seed[:len(seed)*2/3], uint8(0))
	}
	f.Fuzz(func(t *testing.T, which uint8, content []byte, stop uint8) {
		dir := t.TempDir()
		var first, second letters
		cfg := Config{
			Paths: []string{write(t, dir+"/"+names[which%4], content)}, StateFile: dir + "/state", MaxMessageBytes: 2000, Refused: &first,
		}
		all := readAll(t, cfg, 1<<30)
		cfg.StateFile, cfg.Refused = dir+"/other", &second
		part := readAll(t, cfg, int(stop))
		rest := readAll(t, cfg, 1<<30)
		// The restart may refuse again what lies behind the finished prefix, nothing else.
		if len(part)+len(rest) != len(all) {
			t.Fatalf("%d, then %d messages; in one run %d", len(part), len(rest), len(all))
		}
		for i, m := range append(part, rest...) {
			if m != all[i] {
				t.Fatalf("message %d: %q, in one run %q", i, m, all[i])
			}
		}
		if len(second.list) < len(first.list) {
			t.Fatalf("refused %q, in one run %q", second.list, first.list)
		}
	})
}

// readAll opens a source, finishes at most stop messages in order and returns them.
func readAll(t *testing.T, cfg Config, stop int) (got []string) {
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer closeT(t, s)
	for len(got) < stop {
		msgs, err := s.Fetch(context.Background())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range msgs {
			if len(got) < stop {
				got = append(got, m.Origin.String()+"="+string(m.Value))
				m.Finish(ingest.Written)
			} else {
				m.Finish(ingest.GivenBack)
			}
		}
	}
	if p := s.Progress()[0]; p.Fetched != p.Written+p.Quarantined+p.GivenBack || p.Written != int64(len(got)) {
		t.Fatalf("%d messages, progress %+v", len(got), p)
	}
	return got
}
