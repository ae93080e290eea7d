package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/galaxalign/galaxalign/ingest/simulate"
)

// ReadCorpus reads up to n payloads of a file of records, each a little-endian uint32 length and that
// many bytes.
func ReadCorpus(path string, n int) ([][]byte, error) {
	const largest = 64 << 20
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("bench: corpus: %w", err)
	}
	defer f.Close()
	var out [][]byte
	var head [4]byte
	for len(out) < n {
		if _, err := io.ReadFull(f, head[:]); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("bench: corpus %s: record %d: %w", path, len(out), err)
		}
		size := binary.LittleEndian.Uint32(head[:])
		if size > largest {
			return nil, fmt.Errorf("bench: corpus %s: record %d claims %d bytes", path, len(out), size)
		}
		payload := make([]byte, size)
		if _, err := io.ReadFull(f, payload); err != nil {
			return nil, fmt.Errorf("bench: corpus %s: record %d: %w", path, len(out), err)
		}
		out = append(out, payload)
	}
	return out, nil
}

// SimulateCorpus draws n distinct packets.
func SimulateCorpus(format simulate.Format, n int) ([][]byte, error) {
	survey, err := simulate.New(simulate.Config{Seed: 7, Format: format})
	if err != nil {
		return nil, fmt.Errorf("bench: corpus: %w", err)
	}
	out := make([][]byte, n)
	for i := range out {
		p, err := survey.Next(uint64(i))
		if err != nil {
			return nil, fmt.Errorf("bench: corpus: %w", err)
		}
		out[i] = p.Value
	}
	return out, nil
}
