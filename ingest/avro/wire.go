package avro

import "encoding/binary"

// WireBytes is the length of the header of the Confluent wire format: a zero byte and the schema's id as
// a big-endian int32.
const WireBytes = 5

// Wire splits a message in the Confluent wire format into the schema's id and the datum, which may be
// empty. It reports false when the message is shorter than the header or does not start with zero.
func Wire(message []byte) (id int32, datum []byte, ok bool) {
	if len(message) < WireBytes || message[0] != 0 {
		return 0, nil, false
	}
	return int32(binary.BigEndian.Uint32(message[1:])), message[WireBytes:], true
}
