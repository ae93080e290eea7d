package schemas

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file in testdata. A difference means that the encoded form has changed:
// readers of what is already stored would be broken, so the version has to change with it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: %d bytes differ from the %d golden ones", name, len(got), len(want))
	}
}

func goldenModel() *ModelInfo {
	return &ModelInfo{
		Name: "starter", Version: "1.0.0",
		Hash:       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		RecipeHash: "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
		Classes:    []string{"elliptical", "spiral", "merger"}, Embedding: 4,
	}
}

// goldenRecords covers a full Kafka record, an archive record with names outside ASCII, and one in which
// everything that may be unknown is.
func goldenRecords(m *ModelInfo) []Record {
	at := time.Date(2026, 3, 1, 4, 5, 6, 789_012_345, time.UTC)
	records := []Record{
		{
			Survey: "ztf", ObjectID: []byte("ZTF18abcdefg"), ObservationID: []byte("1234567890123"),
			RA: 150.25, Dec: -2.5, ObservedAt: at,
			Origin: Origin{Topic: "ztf_20260301", Partition: 3, Offset: 1 << 40, HDU: -1},
			Label:  1, Probability: 0.75, Probabilities: []float32{0.125, 0.75, 0.125},
			Embedding: []float32{1, -0.5, 0.25, 0}, ValidFraction: 0.5, Flags: FlagNaNPixels | FlagLateSchema,
			PublishedAt: at.Add(time.Second), ProcessedAt: at.Add(2 * time.Second),
		},
		{
			Survey: "decals", ObjectID: []byte("星系-Δ7"), ObservationID: []byte("night.tar!a.fits[2]"),
			RA: 0, Dec: 90, ObservedAt: at.Add(-time.Hour),
			Origin: Origin{Topic: "archive", Offset: 7, Path: "night.tar!a.fits", HDU: 2},
			Label:  2, Probability: 1, Probabilities: []float32{0, 0, 1},
			Embedding: []float32{0, 0, 0, 1}, ValidFraction: 1, ProcessedAt: at,
		},
		{
			Survey: "lsst", RA: math.NaN(), Dec: math.NaN(), Origin: Origin{Topic: "t", HDU: 0},
			Probabilities: []float32{0.5, 0.25, 0.25}, Probability: 0.5, Embedding: []float32{0, 0, 0, 0},
		},
	}
	for i := range records {
		r := &records[i]
		r.Model = m
		r.ID = MakeRecordID(r.Survey, r.ObjectID, r.ObservationID, m.Hash)
	}
	return records
}
