package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
)

var values = [][]byte{[]byte("zero"), []byte("one"), {}, []byte("three"), []byte("four")}

func openT(t *testing.T, cfg Config) *Source {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeT(t, s) })
	return s
}

func closeT(t *testing.T, s *Source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

// drain fetches to the end and finishes all; it returns "path=value" of each message and the last error.
func drain(t *testing.T, s *Source) (got []string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for {
		msgs, err := s.Fetch(ctx)
		if err != nil {
			return got, err
		}
		for _, m := range msgs {
			got = append(got, m.Origin.Path+"="+string(m.Value))
			m.Finish(ingest.Written)
		}
	}
}

func wantAll(t *testing.T, s *Source, want ...string) {
	t.Helper()
	got, err := drain(t, s)
	if err != io.EOF {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// letters records dead letters; the first fails answers are errors.
type letters struct {
	mu    sync.Mutex
	fails int
	list  []string
}

func (l *letters) Put(_ context.Context, d *ingest.DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails--; l.fails >= 0 {
		return errors.New("disk is full")
	}
	l.list = append(l.list, fmt.Sprintf("%s %d %s", d.Message.Origin.Path, d.Message.Origin.Offset, d.Fault.Reason))
	return nil
}

func (l *letters) Close(context.Context) error { return nil }

func TestOrderAndNames(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, "data/b.tar", tarOf(t, values[:2]))
	write(t, "data/c.lp", recordsOf(values[:3]))
	write(t, "data/a/x.fits.gz", values[3])
	write(t, "data/.hidden", values[3])
	write(t, "data/.git/x", values[3])
	write(t, "data/d.tgz", gzipped(t, tarOf(t, values[:1])))
	write(t, "first.avro", values[4])
	if err := os.Symlink(filepath.Join(dir, "first.avro"), "data/e.avro"); err != nil {
		t.Fatal(err)
	}
	s := openT(t, Config{Paths: []string{"first.avro", "data"}, StateFile: "data/state.json", Name: "night"})
	ctx := context.Background()
	msgs, err := s.Fetch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, m := range msgs {
		got = append(got, m.Origin.Path+"="+string(m.Value))
		want := schemas.Origin{Topic: "night", Offset: int64(i), Path: m.Origin.Path, HDU: -1}
		if m.Origin != want {
			t.Errorf("origin %+v, want %+v", m.Origin, want)
		}
		if base := m.Origin.Path[strings.LastIndexAny(m.Origin.Path, "/!")+1:]; string(m.Key) != base {
			t.Errorf("key %q, want %q", m.Key, base)
		}
	}
	want := []string{
		"first.avro=four", "data/a/x.fits.gz=three", "data/b.tar!night/0000.avro=zero", "data/b.tar!night/0001.avro=one",
		"data/c.lp#0=zero", "data/c.lp#1=one", "data/c.lp#2=", "data/d.tgz!night/0000.avro=zero", "data/e.avro=four",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, m := range msgs {
		m.Finish(ingest.Written)
	}
	if _, err := s.Fetch(ctx); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if p := s.Progress()[0]; p.HighWater != 9 || p.Fetched != 9 || p.Written != 9 {
		t.Errorf("progress %+v", p)
	}
}

func TestInclude(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.fits"), []byte("a"))
	write(t, filepath.Join(dir, "notes.txt"), []byte("no"))
	write(t, filepath.Join(dir, "b.tar"), tarOf(t, values[:3]))
	s := openT(t, Config{Paths: []string{dir}, Include: []string{"*.fits", "0001.*"}})
	wantAll(t, s, dir+"/a.fits=a", dir+"/b.tar!night/0001.avro=one")
}

// TestNamesAreOnlyNames reads members whose names lead out of the folder, and passes over what is no
// file.
func TestNamesAreOnlyNames(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "../../etc/passwd", Size: 1, Typeflag: tar.TypeReg}, {Name: "/abs", Size: 1, Typeflag: tar.TypeReg},
		{Name: "link", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}, {Name: "dir/", Typeflag: tar.TypeDir},
		{Name: "hard", Linkname: "/abs", Typeflag: tar.TypeLink}, {Name: "pipe", Typeflag: tar.TypeFifo},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			_, _ = w.Write([]byte("x"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := write(t, filepath.Join(dir, "evil.tar"), b.Bytes())
	for _, setting := range []string{"", "tarinsecurepath=0"} {
		t.Setenv("GODEBUG", setting)
		s := openT(t, Config{Paths: []string{name}})
		wantAll(t, s, name+"!../../etc/passwd=x", name+"!/abs=x")
	}
}

// TestRefusals: what cannot be delivered goes to the dead letters under its own offset, and what follows
// is delivered; without dead letters it ends the source.
func TestRefusals(t *testing.T) {
	huge := tarOf(t, values[:1])
	copy(huge[124:136], "77777777777\x00") // 8 GiB declared
	fixHeaderSum(huge)
	whole := tarOf(t, values[:2])
	zipped := gzipped(t, tarOf(t, [][]byte{bytes.Repeat([]byte("0123456789"), 30), bytes.Repeat([]byte("abcdefghij"), 30)}))
	cases := []struct {
		name, file string
		content    []byte
		letters    []string // after the path of the file
		delivered  []string
	}{
		{"member over the limit", "a.tar", tarOf(t, [][]byte{make([]byte, 5000), []byte("ok")}), []string{"!night/0000.avro 0 too_large"}, []string{"!night/0001.avro=ok"}},
		{"member of 8 GiB that is not there", "a.tar", huge, []string{"!night/0000.avro 0 too_large", " 1 truncated"}, nil},
		{"tar cut in a member", "a.tar", whole[:512+2], []string{"!night/0000.avro 0 truncated", " 1 truncated"}, nil},
		{"tar cut in a header", "a.tar", whole[:1024+100], []string{" 1 truncated"}, []string{"!night/0000.avro=zero"}},
		{"no tar", "a.tar", bytes.Repeat([]byte("junk"), 300), []string{" 0 unknown_format"}, nil},
		{"no gzip", "a.tgz", []byte("junk and more junk"), []string{" 0 bad_gzip"}, nil},
		{"gzip cut", "a.tgz", zipped[:len(zipped)/3], nil, nil},
		{"record over the limit", "a.lp", recordsOf([][]byte{make([]byte, 5000), []byte("ok")}), []string{"#0 0 too_large"}, []string{"#1=ok"}},
		{"record past the end", "a.lp", append(recordsOf(values[:1]), 0xff, 0xff, 0xff, 0xff, 'x'), []string{" 1 truncated"}, []string{"#0=zero"}},
		{"length cut", "a.lp", append(recordsOf(values[:1]), 1, 2), []string{" 1 truncated"}, []string{"#0=zero"}},
		{"file over the limit", "a.fits", make([]byte, 5000), []string{" 0 too_large"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			bad := write(t, filepath.Join(dir, c.file), c.content)
			after := write(t, filepath.Join(dir, "z.fits"), []byte("after"))
			cfg := Config{Paths: []string{dir}, MaxMessageBytes: 1000}
			kept := &letters{fails: 1}
			cfg.Refused = kept
			s := openT(t, cfg)
			got, err := drain(t, s)
			if err != io.EOF {
				t.Fatal(err)
			}
			var want, wantLetters []string
			for _, d := range c.delivered {
				want = append(want, bad+d)
			}
			for _, l := range c.letters {
				wantLetters = append(wantLetters, bad+l)
			}
			if c.letters == nil { // where a cut stream ends is up to the compressor
				if len(kept.list) == 0 {
					t.Error("nothing was refused")
				}
			} else if want = append(want, after+"=after"); !slices.Equal(got, want) || !slices.Equal(kept.list, wantLetters) {
				t.Errorf("delivered %q, refused %q\nwant %q, %q", got, kept.list, want, wantLetters)
			}
			if p := s.Progress()[0]; p.Quarantined != int64(len(kept.list)) || p.Fetched != p.Quarantined+p.Written || p.Fault != "" {
				t.Errorf("progress %+v", p)
			}
			cfg.Refused = nil
			if _, err := drain(t, openT(t, cfg)); schemas.AsFault(err) == nil {
				t.Errorf("without dead letters: %v, want the fault", err)
			}
		})
	}
}

// fixHeaderSum sets the checksum of a tar header: the sum of its bytes, its own field counted as spaces.
func fixHeaderSum(h []byte) {
	copy(h[148:156], "        ")
	sum := 0
	for _, b := range h[:512] {
		sum += int(b)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

// TestKill stops a source again and again without Close, the state file being as the timer left it, and
// restarts: nothing finished before the written state comes again, and nothing is lost.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var want []string
	for i := range 60 {
		var part [][]byte
		for j := range i % 4 {
			part = append(part, fmt.Appendf(nil, "%d.%d", i, j))
			want = append(want, fmt.Sprintf("%d.%d", i, j))
		}
		if i%2 == 0 {
			write(t, filepath.Join(dir, fmt.Sprintf("data/%02d.tar", i)), tarOf(t, part))
		} else {
			write(t, filepath.Join(dir, fmt.Sprintf("data/%02d.lp", i)), recordsOf(part))
		}
	}
	rng := rand.New(rand.NewPCG(9, 9))
	cfg := Config{Paths: []string{filepath.Join(dir, "data")}, StateFile: filepath.Join(dir, "state"), StateInterval: time.Hour}
	seen := map[string]int{}
	for range 1000 {
		s := openT(t, cfg)
		committed := s.Progress()[0].Committed
		msgs, err := s.Fetch(context.Background())
		if err == io.EOF {
			closeT(t, s)
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if committed >= 0 && msgs[0].Origin.Offset != committed {
			t.Fatalf("first offset %d after a restart at %d", msgs[0].Origin.Offset, committed)
		}
		for _, i := range rng.Perm(len(msgs)) {
			if rng.IntN(4) > 0 {
				seen[string(msgs[i].Value)]++
				msgs[i].Finish(ingest.Written)
			}
		}
		if rng.IntN(3) > 0 { // the timer fires before the kill
			if err := s.commit(); err != nil {
				t.Fatal(err)
			}
		}
		kill(t, s)
	}
	for _, v := range want {
		if seen[v] == 0 {
			t.Errorf("%s was lost", v)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d payloads, want %d", len(seen), len(want))
	}
}

// kill ends a source the way a crash does: nothing more is written.
func kill(t *testing.T, s *Source) {
	t.Helper()
	s.cfg.StateFile = ""
	closeT(t, s)
}

func TestStateOnTimer(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.lp"), recordsOf(values))
	state := filepath.Join(t.TempDir(), "state")
	s := openT(t, Config{Paths: []string{dir}, StateFile: state, StateInterval: time.Millisecond})
	if _, err := drain(t, s); err != io.EOF {
		t.Fatal(err)
	}
	deadline := time.After(20 * time.Second)
	for tick := time.NewTicker(time.Millisecond); s.Progress()[0].Committed != 5; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("progress %+v", s.Progress())
		}
	}
	st, err := readState(state)
	if err != nil || st.Next != 5 || st.Files != 1 {
		t.Errorf("state %+v, %v", st, err)
	}
	if p := s.Progress()[0]; p.Lag() != 0 {
		t.Errorf("lag %d", p.Lag())
	}
}

// TestChangedArchive: what was read must be as it was; what comes after may grow.
func TestChangedArchive(t *testing.T) {
	changes := []struct {
		name    string
		change  func(t *testing.T, dir string, cfg *Config)
		refused bool
	}{
		{"nothing", func(*testing.T, string, *Config) {}, false},
		{"a file after", func(t *testing.T, dir string, _ *Config) { write(t, dir+"/z.lp", recordsOf(values[3:4])) }, false},
		{"a file before", func(t *testing.T, dir string, _ *Config) { write(t, dir+"/0.lp", recordsOf(values[3:4])) }, true},
		{"the file itself", func(t *testing.T, dir string, _ *Config) { write(t, dir+"/a.lp", recordsOf(values[:3])) }, true},
		{"the file is gone", func(t *testing.T, dir string, _ *Config) { _ = os.Remove(dir + "/a.lp") }, true},
		{"patterns", func(_ *testing.T, _ string, cfg *Config) { cfg.Include = []string{"*.avro"} }, true},
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir+"/a.lp", recordsOf(values[:2]))
			write(t, dir+"/b.lp", recordsOf(values[4:5]))
			cfg := Config{Paths: []string{dir}, StateFile: filepath.Join(t.TempDir(), "state")}
			s := openT(t, cfg)
			msgs, err := s.Fetch(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			msgs[0].Finish(ingest.Written)
			closeT(t, s)
			c.change(t, dir, &cfg)
			again, err := Open(cfg)
			if c.refused {
				if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "remove the state file") {
					t.Fatalf("%v, want ErrChanged and the way out", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closeT(t, again) })
			got, _ := drain(t, again)
			if want := []string{dir + "/a.lp#1=one", dir + "/b.lp#0=four"}; len(got) < 2 || !slices.Equal(got[:2], want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestStateFileDamaged(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a.lp", recordsOf(values))
	for _, content := range []string{"", "{", `{"version":2}`, `{"version":1,"next":-1}`, `{"version":1,"next":3,"start":4,"files":1}`, `{"version":1,"next":3}`} {
		name := write(t, filepath.Join(t.TempDir(), "state"), []byte(content))
		if _, err := Open(Config{Paths: []string{dir}, StateFile: name}); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("state %q: %v", content, err)
		}
	}
}

// TestWindowBytes: the window is bounded by bytes, a payload over the bound goes alone, and a finish lets
// the next one in.
func TestWindowBytes(t *testing.T) {
	dir := t.TempDir()
	sizes := []int{40, 40, 40, 500, 10}
	var list [][]byte
	for _, n := range sizes {
		list = append(list, make([]byte, n))
	}
	write(t, dir+"/a.lp", recordsOf(list))
	s := openT(t, Config{Paths: []string{dir}, WindowBytes: 100})
	fetch := func() []*ingest.Message {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		msgs, err := s.Fetch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return msgs
	}
	blocked := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if msgs, err := s.Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%d messages, %v, want a full window", len(msgs), err)
		}
	}
	first := fetch()
	if len(first) != 2 {
		t.Fatalf("%d messages of 40 bytes in a window of 100", len(first))
	}
	blocked()
	// A Fetch that is blocked goes on when a message is finished.
	result := make(chan []*ingest.Message)
	go func() {
		msgs, _ := s.Fetch(context.Background())
		result <- msgs
	}()
	first[1].Finish(ingest.Written)
	third := <-result
	if len(third) != 1 || third[0].Origin.Offset != 2 {
		t.Fatalf("%d messages after a finish", len(third))
	}
	blocked()
	third[0].Finish(ingest.Written)
	blocked() // 500 bytes go alone
	first[0].Finish(ingest.Written)
	big := fetch()
	if len(big) != 1 || len(big[0].Value) != 500 {
		t.Fatalf("%d messages", len(big))
	}
	big[0].Finish(ingest.Written)
	fetch()[0].Finish(ingest.Written)
}

// TestCloseEndsFetch: Close ends a Fetch that waits for room, and one that retries a dead letter.
func TestCloseEndsFetch(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a.lp", recordsOf([][]byte{make([]byte, 10), make([]byte, 10), make([]byte, 99)}))
	for _, cfg := range []Config{
		{Paths: []string{dir}, WindowMessages: 2},
		{Paths: []string{dir}, MaxMessageBytes: 50, Refused: &letters{fails: 1 << 30}},
	} {
		s := openT(t, cfg)
		if msgs, err := s.Fetch(context.Background()); len(msgs) != 2 || err != nil {
			t.Fatalf("%d messages, %v", len(msgs), err)
		}
		result := make(chan error)
		go func() {
			_, err := s.Fetch(context.Background())
			result <- err
		}()
		closeT(t, s)
		if err := <-result; !errors.Is(err, ErrClosed) {
			t.Errorf("Fetch returned %v, want ErrClosed", err)
		}
	}
}

// TestBuffersAreReused: in steady state payloads go into the memory of finished ones.
func TestBuffersAreReused(t *testing.T) {
	dir := t.TempDir()
	var list [][]byte
	for i := range 300 {
		list = append(list, bytes.Repeat([]byte{byte(i)}, 60_000+i))
	}
	write(t, dir+"/a.lp", recordsOf(list))
	s := openT(t, Config{Paths: []string{dir}})
	memory := map[*byte]bool{}
	for n := 0; n < 300; {
		msgs, err := s.Fetch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range msgs {
			if !bytes.Equal(m.Value, list[n]) {
				t.Fatalf("payload %d is damaged", n)
			}
			n++
			memory[&m.Value[0]] = true
		}
		for _, m := range msgs {
			m.Finish(ingest.Written)
		}
	}
	if len(memory) > batchMessages+1 {
		t.Errorf("%d buffers for %d messages in flight", len(memory), batchMessages)
	}
}

func TestMissingAndVanished(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(Config{Paths: []string{dir + "/none"}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing path: %v", err)
	}
	write(t, dir+"/a.fits", []byte("a"))
	write(t, dir+"/b.fits", []byte("b"))
	s := openT(t, Config{Paths: []string{dir}})
	if err := os.Remove(dir + "/b.fits"); err != nil {
		t.Fatal(err)
	}
	got, err := drain(t, s)
	if len(got) != 1 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%q, %v", got, err)
	}
	if _, again := s.Fetch(context.Background()); !errors.Is(again, os.ErrNotExist) {
		t.Errorf("after the error: %v, want it again", again)
	}
}

func TestValidate(t *testing.T) {
	err := Config{Include: []string{"[", "ok"}, WindowMessages: -1, WindowBytes: -1, MaxMessageBytes: 1 << 40, StateInterval: -1, Paths: []string{""}}.Validate()
	for _, part := range []string{"path 0", `"["`, "window messages", "window bytes", "max message bytes", "state interval"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %s", err, part)
		}
	}
	if err := (Config{}).Validate(); err == nil || !strings.Contains(err.Error(), "no paths") {
		t.Errorf("empty config: %v", err)
	}
	if err := (Config{Paths: []string{"x"}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestDeadLetterFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made/letters")
	d, err := NewDeadLetterFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	at := time.Date(2026, 3, 1, 4, 5, 6, 7, time.UTC)
	letter := func(o schemas.Origin, value string) *ingest.DeadLetter {
		return &ingest.DeadLetter{
			Message: &ingest.Message{Origin: o, Key: []byte{0xff, 'k'}, Value: []byte(value), Published: at, Headers: []ingest.Header{{Key: "h", Value: []byte{0}}}},
			Fault:   &schemas.Fault{Reason: schemas.ReasonBadGzip, Stage: schemas.StageIngest, Position: 7, Detail: "damaged", Err: io.ErrUnexpectedEOF},
			Survey:  "ztf", ObjectID: []byte("ZTF18abc"), At: at,
		}
	}
	origins := []schemas.Origin{
		{Topic: "night", Offset: 3, Path: "x/night.tar!../../etc/passwd", HDU: -1}, {Topic: "night", Offset: 3, Path: "x/night.tar!../../etc/shadow", HDU: -1},
		{Topic: "../up", Partition: 2, Offset: 5, HDU: -1}, {Topic: "..", Offset: 5, HDU: -1}, {Topic: "t", Offset: 5, Path: "/", HDU: -1},
		{Topic: "t", Offset: 1, Path: strings.Repeat("long", 200) + "é\x00", HDU: 1},
	}
	for range 2 { // the second time changes nothing
		for _, o := range origins {
			if err := d.Put(ctx, letter(o, "payload of "+o.Path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	names, _ := filepath.Glob(dir + "/*.json")
	all, _ := os.ReadDir(dir)
	if len(names) != len(origins) || len(all) != 2*len(origins) {
		t.Fatalf("%d letters in %d files, want %d", len(names), len(all), len(origins))
	}
	found := map[string]bool{}
	for _, name := range names {
		l, payload, err := ReadLetter(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(payload) != "payload of "+l.Origin.Path && l.Origin.HDU != 1 {
			t.Errorf("%s: payload %q", name, payload)
		}
		found[l.Origin.Path+l.Origin.Topic] = true
		l.Origin, l.Payload, l.Size, l.SHA256 = LetterOrigin{}, "", 0, ""
		want := &Letter{
			Reason: "bad_gzip", Stage: "ingest", Position: 7, Detail: "damaged: unexpected EOF", Survey: "ztf", ObjectID: "ZTF18abc",
			Key: []byte{0xff, 'k'}, Headers: []LetterHeader{{"h", []byte{0}}}, Published: &at, At: at,
		}
		if !reflect.DeepEqual(l, want) {
			t.Errorf("got  %+v\nwant %+v", l, want)
		}
	}
	if len(found) != len(origins) {
		t.Errorf("origins found: %v", found)
	}
	if err := d.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestDeadLetterFolderFaults(t *testing.T) {
	if _, err := NewDeadLetterFolder(""); err == nil {
		t.Error("an empty folder name was accepted")
	}
	dir := t.TempDir()
	if _, err := NewDeadLetterFolder(write(t, dir+"/file", nil)); err == nil {
		t.Error("a file was accepted as folder")
	}
	d, err := NewDeadLetterFolder(dir + "/letters")
	if err != nil {
		t.Fatal(err)
	}
	l := &ingest.DeadLetter{Message: &ingest.Message{Value: []byte("v")}, ObjectID: []byte{0xff}}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 8 { // one origin at once: one whole letter
		wg.Go(func() {
			if err := d.Put(ctx, l); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	names, _ := filepath.Glob(dir + "/letters/*.json")
	if len(names) != 1 {
		t.Fatalf("%d letters", len(names))
	}
	got, _, err := ReadLetter(names[0])
	if err != nil || got.Reason != schemas.ReasonInternal || !bytes.Equal(got.ObjectIDRaw, []byte{0xff}) {
		t.Errorf("%+v, %v", got, err)
	}
	b, _ := os.ReadFile(names[0])
	var m map[string]any
	_ = json.Unmarshal(b, &m)
	for _, field := range []string{"reason", "stage", "position", "detail", "origin", "at", "payload", "size", "sha256"} {
		if _, ok := m[field]; !ok {
			t.Errorf("the letter lacks %s", field)
		}
	}
	write(t, filepath.Join(dir, "letters", got.Payload), []byte("other"))
	if _, _, err := ReadLetter(names[0]); err == nil {
		t.Error("a payload that is not the letter's was accepted")
	}
	cancel()
	if err := d.Put(ctx, l); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := os.RemoveAll(dir + "/letters"); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(context.Background(), l); err == nil {
		t.Error("a letter was kept in a folder that is gone")
	}
}
