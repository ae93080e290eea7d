package index

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/sink/sinktest"
)

// TestEntryGoldenBytes pins the form of entries on the disk.
func TestEntryGoldenBytes(t *testing.T) {
	m := sinktest.Model(2)
	r := schemas.Record{
		ID: schemas.RecordID{1, 2, 15: 16}, Survey: "ztf", ObjectID: []byte("o1"), ObservationID: []byte("7"),
		RA: 180, Dec: -0.5, ObservedAt: time.UnixMicro(1), Model: m, Label: 2, Probability: 0.5,
		Probabilities: []float32{0.25, 0.25, 0.5}, Embedding: []float32{1, -2},
	}
	want := "01020000000000000000000000000010" + // id
		"0300" + "7a7466" + "0200" + "6f31" + "0100" + "37" + "0600" + "6d6572676572" + // texts
		"0000000000806640" + "000000000000e0bf" + "0100000000000000" + "0000003f" + // numbers
		"0000803f" + "000000c0" // vector
	got := appendRecord(nil, &r, m)
	if hex.EncodeToString(got) != want {
		t.Fatalf("%x\nwant\n%s", got, want)
	}
	r.RA, r.Dec, r.ObservedAt = math.NaN(), math.NaN(), time.Time{}
	got = appendRecord(got, &r, m)
	n := 0
	err := decodeEntries(got, 2, func(e *entry) error {
		if back := appendEntry(nil, e); !bytes.Equal(back, got[n:n+len(back)]) {
			t.Fatalf("entry at %d reads back as %x", n, back)
		} else {
			n += len(back)
		}
		return nil
	})
	if err != nil || n != len(got) {
		t.Fatalf("%d of %d bytes read back, %v", n, len(got), err)
	}
}

func TestTruncatedEntriesAreErrors(t *testing.T) {
	m := sinktest.Model(3)
	whole := appendRecord(nil, &sinktest.Records(m, 0, 1)[0], m)
	for n := 1; n < len(whole); n++ {
		if err := decodeEntries(whole[:n], 3, func(*entry) error { return nil }); err == nil {
			t.Fatalf("an entry cut at byte %d of %d was accepted", n, len(whole))
		}
	}
}

func TestTextsTooLongAreRefused(t *testing.T) {
	m := sinktest.Model(2)
	r := sinktest.Records(m, 0, 1)[0]
	r.ObjectID = []byte(strings.Repeat("x", maxText+1))
	if f := schemas.AsFault(check(&r, m)); f == nil || f.Reason != schemas.ReasonTooLarge {
		t.Fatalf("%v, want a Fault with reason too_large", f)
	}
}

// FuzzDecodeEntries: no panic on any bytes, and what is accepted has one form.
func FuzzDecodeEntries(f *testing.F) {
	m := sinktest.Model(3)
	var seed []byte
	for _, r := range sinktest.Records(m, 0, 3) {
		seed = appendRecord(seed, &r, m)
		f.Add(bytes.Clone(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var back []byte
		err := decodeEntries(data, 3, func(e *entry) error {
			back = appendEntry(back, e)
			return nil
		})
		if !bytes.HasPrefix(data, back) || err == nil && len(back) != len(data) {
			t.Fatalf("%d bytes read as %d, error %v", len(data), len(back), err)
		}
	})
}
