package bundle

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
)

// Floats is an array of float32 that is written in JSON as base64 of its little-endian bytes, so that
// every value comes back bit for bit.
type Floats []float32

// MarshalJSON writes the array as a base64 string.
func (f Floats) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 4*len(f))
	for _, v := range f {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return json.Marshal(base64.StdEncoding.EncodeToString(b))
}

// UnmarshalJSON reads a base64 string.
func (f *Floats) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("float array: %w", err)
	}
	if len(b)%4 != 0 {
		return fmt.Errorf("float array: %d bytes is no whole number of float32", len(b))
	}
	*f = make(Floats, len(b)/4)
	for i := range *f {
		(*f)[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return nil
}
