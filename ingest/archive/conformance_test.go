package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/sourcetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// tarOf is a tar archive of regular files, named in order.
func tarOf(t testing.TB, values [][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, v := range values {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("night/%04d.avro", i), Size: int64(len(v)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(plain)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func recordsOf(values [][]byte) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	return b
}

// TestConformance runs the suite over every kind of archive, and over a folder that mixes them.
func TestConformance(t *testing.T) {
	layouts := map[string]func(t *testing.T, dir string, values [][]byte){
		"folder": func(t *testing.T, dir string, values [][]byte) {
			for i, v := range values {
				write(t, filepath.Join(dir, fmt.Sprintf("%d/%04d.fits", i/7, i)), v)
			}
		},
		"tar": func(t *testing.T, dir string, values [][]byte) {
			write(t, filepath.Join(dir, "a.tar"), tarOf(t, values))
		},
		"tar.gz": func(t *testing.T, dir string, values [][]byte) {
			write(t, filepath.Join(dir, "a.tar.gz"), gzipped(t, tarOf(t, values)))
		},
		"lp": func(t *testing.T, dir string, values [][]byte) {
			write(t, filepath.Join(dir, "a.lp"), recordsOf(values))
		},
		"mixed": func(t *testing.T, dir string, values [][]byte) {
			for i := 0; i < len(values); i += 5 {
				part := values[i:min(i+5, len(values))]
				base := filepath.Join(dir, fmt.Sprintf("%04d", i))
				switch i / 5 % 4 {
				case 0:
					write(t, base+".tar", tarOf(t, part))
				case 1:
					write(t, base+".tgz", gzipped(t, tarOf(t, part)))
				case 2:
					write(t, base+".lp", recordsOf(part))
				default:
					for j, v := range part {
						write(t, fmt.Sprintf("%s/%d.avro", base, j), v)
					}
				}
			}
		},
	}
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, sourcetest.Harness{
				Finite: true, Redelivers: true,
				Setup: func(t *testing.T, spec sourcetest.Spec) func(t *testing.T) ingest.Source {
					dir := t.TempDir()
					layout(t, filepath.Join(dir, "data"), spec.Values)
					return func(t *testing.T) ingest.Source {
						s, err := Open(Config{
							Paths: []string{filepath.Join(dir, "data")}, StateFile: filepath.Join(dir, "state.json"),
							WindowMessages: spec.Window,
						})
						if err != nil {
							t.Fatal(err)
						}
						return s
					}
				},
			})
		})
	}
}
