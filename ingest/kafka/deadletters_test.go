package kafka

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/twmb/franz-go/pkg/kfake"
)

var (
	refusedAt   = time.Date(2026, 3, 1, 4, 5, 6, 789, time.UTC)
	publishedAt = time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
)

func deadLetter(value []byte) *ingest.DeadLetter {
	return &ingest.DeadLetter{
		Message: &ingest.Message{
			Origin: schemas.Origin{Topic: "stamps", Partition: 3, Offset: 77, HDU: -1},
			Key:    []byte("ZTF18abc"), Value: value,
			Headers:   []ingest.Header{{Key: "schema", Value: []byte{0, 1}}, {Key: "galaxalign-reason", Value: []byte("old")}},
			Published: publishedAt,
		},
		Fault: &schemas.Fault{
			Reason: schemas.ReasonBadGzip, Stage: schemas.StageIngest, Position: 4711,
			Detail: "the stamp is cut off", Err: errors.New("unexpected EOF"),
		},
		Survey: "ztf", ObjectID: []byte{0xff, 'a'}, At: refusedAt,
	}
}

func wantLetter() *Letter {
	return &Letter{
		Fault:  schemas.Fault{Reason: schemas.ReasonBadGzip, Stage: schemas.StageIngest, Position: 4711, Detail: "the stamp is cut off: unexpected EOF"},
		Origin: schemas.Origin{Topic: "stamps", Partition: 3, Offset: 77, HDU: -1},
		Survey: "ztf", ObjectID: []byte{0xff, 'a'}, At: refusedAt, Published: publishedAt, Part: 1, Parts: 1,
		Headers: []ingest.Header{{Key: "schema", Value: []byte{0, 1}}, {Key: "galaxalign-reason", Value: []byte("old")}},
	}
}

// readLetters reads n messages of a dead-letter topic back and joins them.
func readLetters(t *testing.T, conn Connection, topic string, n int) (payloads [][]byte, letters []*Letter) {
	t.Helper()
	s := open(t, config(conn, uniqueName(t, "inspect"), topic))
	parts := map[int32]*Assembler{}
	for _, m := range fetchN(t, s, n) {
		l, err := ReadDeadLetter(m.Headers)
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Key) != "ZTF18abc" {
			t.Errorf("key %q", m.Key)
		}
		a := parts[m.Origin.Partition]
		if a == nil {
			a = &Assembler{}
			parts[m.Origin.Partition] = a
		}
		if payload, first := a.Add(l, m.Value); first != nil {
			payloads, letters = append(payloads, clone(payload)), append(letters, first)
		}
		m.Finish(ingest.Written)
	}
	return payloads, letters
}

func TestDeadLetterRoundTrip(t *testing.T) {
	t.Parallel()
	conn := broker(t)
	ensureTopic(t, conn, Topic{Name: "dead", Partitions: 3})
	d, err := NewDeadLetters(DeadLettersConfig{Connection: conn, Topic: "dead"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	if err := d.Put(ctx, deadLetter([]byte("payload"))); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(ctx); err != nil {
		t.Fatal(err)
	}
	payloads, letters := readLetters(t, conn, "dead", 1)
	if string(payloads[0]) != "payload" {
		t.Errorf("payload %q", payloads[0])
	}
	if !reflect.DeepEqual(letters[0], wantLetter()) {
		t.Errorf("letter %+v, want %+v", letters[0], wantLetter())
	}
}

// A payload above the topic's limit arrives whole: first the configured limit, then the broker's, which
// is found out by being refused.
func TestOversizeDeadLetterGoesInParts(t *testing.T) {
	t.Parallel()
	conn := broker(t, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "300000"}))
	ensureTopic(t, conn, Topic{Name: "dead", Partitions: 3})
	d, err := NewDeadLetters(DeadLettersConfig{Connection: conn, Topic: "dead"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	payload := bytes.Repeat([]byte("0123456789abcdef"), 150_000) // 2.4 MB
	if err := d.Put(ctx, deadLetter(payload)); err != nil {
		t.Fatal(err)
	}
	parts := len(d.messages(deadLetter(payload), int(d.limit.Load())))
	if parts < 9 {
		t.Errorf("%d parts under a limit of %d bytes", parts, d.limit.Load())
	}
	if err := d.Close(ctx); err != nil {
		t.Fatal(err)
	}
	payloads, letters := readLetters(t, conn, "dead", parts)
	if len(payloads) != 1 || !bytes.Equal(payloads[0], payload) {
		t.Fatalf("%d payloads came back", len(payloads))
	}
	want := wantLetter()
	want.Parts = parts
	if !reflect.DeepEqual(letters[0], want) {
		t.Errorf("letter %+v, want %+v", letters[0], want)
	}
}

func TestAssemblerSkipsRepeatsAndTails(t *testing.T) {
	t.Parallel()
	part := func(offset int64, part, parts int) *Letter {
		l := wantLetter()
		l.Origin.Offset, l.Part, l.Parts = offset, part, parts
		return l
	}
	var a Assembler
	steps := []struct {
		letter *Letter
		value  string
		want   string
	}{
		{part(1, 2, 3), "tail", ""}, // its head was never read
		{part(2, 1, 3), "a", ""},
		{part(2, 2, 3), "b", ""},
		{part(2, 1, 3), "a", ""}, // written again from the start
		{part(2, 2, 3), "b", ""},
		{part(2, 2, 3), "b", ""}, // one part twice
		{part(9, 1, 1), "whole", "whole"},
		{part(2, 3, 3), "c", "abc"},
		{part(2, 3, 3), "c", ""},
		{part(3, 1, 2), "x", ""},
		{part(4, 2, 2), "y", ""}, // of another letter
	}
	for i, s := range steps {
		got, letter := a.Add(s.letter, []byte(s.value))
		if string(got) != s.want || (letter != nil) != (s.want != "") {
			t.Errorf("step %d: got %q, %v, want %q", i, got, letter, s.want)
		}
	}
}

func TestReadDeadLetterRefuses(t *testing.T) {
	t.Parallel()
	if _, err := ReadDeadLetter([]ingest.Header{{Key: "a", Value: []byte("b")}}); !errors.Is(err, ErrNotLetter) {
		t.Errorf("headers of another kind: %v", err)
	}
	for key, value := range map[string]string{
		headerPosition: "x", headerPartition: "99999999999", headerOffset: "", headerHDU: "one",
		headerTime: "yesterday", headerPublished: "2026-13-01T00:00:00Z", headerPart: "4/3",
	} {
		_, err := ReadDeadLetter([]ingest.Header{{Key: headerReason, Value: []byte("bad_gzip")}, {Key: key, Value: []byte(value)}})
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s %q: %v", key, value, err)
		}
	}
}

func TestLongDetailIsClipped(t *testing.T) {
	t.Parallel()
	d := deadLetter(nil)
	d.Fault.Detail = strings.Repeat("é", maxDetail) + "\xff"
	l := letterOf(d)
	if len(l.Fault.Detail) > maxDetail || strings.ContainsRune(l.Fault.Detail, '�') {
		t.Errorf("detail of %d bytes, last %q", len(l.Fault.Detail), l.Fault.Detail[len(l.Fault.Detail)-4:])
	}
}

// A Put that is given up must not read the message afterwards: its memory goes back to the source.
func TestPutWithoutBrokerReturnsWithItsContext(t *testing.T) {
	t.Parallel()
	d, err := NewDeadLetters(DeadLettersConfig{Connection: Connection{Brokers: []string{"127.0.0.1:1"}}, Topic: "dead"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := d.Put(ctx, deadLetter([]byte("x"))); err == nil {
		t.Error("Put without a broker succeeded")
	}
	if err := d.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func FuzzReadDeadLetter(f *testing.F) {
	for _, h := range wantLetter().headers() {
		f.Add(h.Key, h.Value)
	}
	f.Add(headerPart, []byte("2/3"))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		l, err := ReadDeadLetter([]ingest.Header{{Key: headerReason, Value: []byte("x")}, {Key: key, Value: value}})
		if err != nil {
			return
		}
		if _, err := ReadDeadLetter(l.headers()); err != nil {
			t.Fatalf("own headers of %+v are refused: %v", l, err)
		}
	})
}
