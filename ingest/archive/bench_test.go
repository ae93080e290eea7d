package archive

import (
	"context"
	"io"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
)

// go test -run '^$' -bench . -benchtime 0.5s -benchmem ./ingest/archive
//
// One operation is one 70 kB packet read from the page cache, delivered and finished.
func BenchmarkFetch(b *testing.B) {
	list := make([][]byte, 500)
	for i := range list {
		list[i] = make([]byte, 70_000)
	}
	for name, content := range map[string][]byte{"a.lp": recordsOf(list), "a.tar": tarOf(b, list)} {
		b.Run(name, func(b *testing.B) {
			cfg := Config{Paths: []string{write(b, b.TempDir()+"/"+name, content)}}
			b.SetBytes(70_000)
			ctx := context.Background()
			for left := b.N; left > 0; {
				s, err := Open(cfg)
				if err != nil {
					b.Fatal(err)
				}
				for left > 0 {
					msgs, err := s.Fetch(ctx)
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					for _, m := range msgs {
						m.Finish(ingest.Written)
					}
					left -= len(msgs)
				}
				if err := s.Close(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
