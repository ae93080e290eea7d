package avro

import (
	"bytes"
	"io"

	"github.com/galaxalign/galaxalign/schemas"
)

// ContainerMagic opens an Avro object container file.
const ContainerMagic = "Obj\x01"

// syncBytes is the length of the marker after the header and after each block.
const syncBytes = 16

// maxMetadata bounds the entries of a container's metadata. Survey packets have two.
const maxMetadata = 64

// Container reads the blocks of an object container file held in memory. It is made to be reused; it is
// not safe for concurrent use. Schema, and what Next returns, point into the payload or into the
// container's own buffer and are valid until the next Open (for inflated data: the next Next).
type Container struct {
	Schema []byte // JSON text of the writer's schema

	codec   codec
	inflate inflater
	payload []byte
	pos     int
	sync    []byte
}

// NewContainer makes a reader that refuses blocks which inflate to more than limit bytes.
func NewContainer(limit int) *Container { return &Container{inflate: inflater{limit: limit}} }

// Block is a run of encoded records.
type Block struct {
	Records int64  // number of records in Data, above 0
	Data    []byte // the records, one after the other, inflated
	Base    int64  // position of Data in the payload; -1 when it was inflated
}

// Open reads the header of payload: magic, metadata and sync marker. Faults: ReasonBadAvro,
// ReasonTruncated, ReasonCompressed (a codec other than null, deflate, snappy, zstandard).
func (c *Container) Open(payload []byte) error {
	c.Schema, c.codec, c.payload, c.sync = nil, codecNull, payload, nil
	if !bytes.HasPrefix(payload, []byte(ContainerMagic)) {
		return fault(schemas.ReasonBadAvro, 0, "no Avro container: the first four bytes are not \"Obj\" and 1")
	}
	w := walker{b: payload}
	i := c.metadata(&w, len(ContainerMagic))
	if i < 0 {
		return w.fault("container header")
	}
	if c.codec == codecUnknown {
		return fault(schemas.ReasonCompressed, int64(i), "the Avro container's codec is none of null, deflate, snappy, zstandard")
	}
	if c.Schema == nil {
		return fault(schemas.ReasonBadAvro, int64(i), "the Avro container's header has no avro.schema")
	}
	if len(payload)-i < syncBytes {
		return fault(schemas.ReasonTruncated, int64(i), "the Avro container ends inside its header")
	}
	c.sync = payload[i : i+syncBytes]
	c.pos = i + syncBytes
	return nil
}

// metadata reads the header's map from position i and returns the position after it, or -1.
func (c *Container) metadata(w *walker, i int) int {
	for entries := int64(0); ; {
		count, next := w.long(i)
		if next < 0 || count == 0 {
			return next
		}
		if count < 0 { // the size of the block in bytes follows; the entries are read all the same
			count = -count
			if _, next = w.long(next); next < 0 {
				return next
			}
		}
		if count < 0 || count > maxMetadata-entries { // the most negative count stays negative
			return w.stop(i, failCount)
		}
		entries += count
		for i = next; count > 0; count-- {
			var key, value []byte
			if key, i = w.bytes(i); i < 0 {
				return i
			}
			if value, i = w.bytes(i); i < 0 {
				return i
			}
			c.entry(key, value)
		}
	}
}

// entry takes what is known of one metadata entry.
func (c *Container) entry(key, value []byte) {
	switch string(key) {
	case "avro.schema":
		c.Schema = value
	case "avro.codec":
		c.codec = codecOf(value)
	}
}

// Next returns the next block with records, or io.EOF after the last. Faults: ReasonTruncated,
// ReasonBadAvro (sync marker, counts, damaged compression), ReasonTooLarge (over the inflate limit).
// With ReasonTruncated the block may hold the data that are there, so that a caller can say whose they are.
func (c *Container) Next() (Block, error) {
	for c.pos < len(c.payload) {
		b, err := c.block()
		if err != nil || b.Records > 0 {
			return b, err
		}
	}
	return Block{}, io.EOF
}

// block reads the block at the current position: count, size, data, sync marker.
func (c *Container) block() (Block, error) {
	w := walker{b: c.payload}
	count, i := w.long(c.pos)
	if i < 0 {
		return Block{}, w.fault("block header")
	}
	data, end := w.bytes(i)
	if end < 0 {
		return c.cut(count, i), w.fault("block")
	}
	if len(c.payload)-end < syncBytes {
		return c.cut(count, i), fault(schemas.ReasonTruncated, int64(end), "the Avro container ends inside a block's sync marker")
	}
	if !bytes.Equal(c.payload[end:end+syncBytes], c.sync) {
		return Block{}, fault(schemas.ReasonBadAvro, int64(end), "an Avro block does not end with the container's sync marker")
	}
	if count < 0 {
		return Block{}, fault(schemas.ReasonBadAvro, int64(c.pos), "an Avro block states %d records", count)
	}
	start := end - len(data)
	c.pos = end + syncBytes
	if c.codec == codecNull {
		return Block{Records: count, Data: data, Base: int64(start)}, nil
	}
	raw, err := c.inflate.block(c.codec, data, int64(start))
	return Block{Records: count, Data: raw, Base: -1}, err
}

// cut returns what is there of a block whose data end too early, when it can be read as it is.
func (c *Container) cut(count int64, i int) Block {
	w := walker{b: c.payload}
	if _, i = w.long(i); i < 0 || c.codec != codecNull {
		return Block{}
	}
	return Block{Records: count, Data: c.payload[i:], Base: int64(i)}
}

// bytes reads a length and that many bytes at i.
func (w *walker) bytes(i int) ([]byte, int) {
	n, next := w.length(i)
	if next < 0 {
		return nil, next
	}
	return w.b[next : next+n : next+n], next + n
}

// fault makes the fault of a walk that stopped in a part of a container.
func (w *walker) fault(part string) *schemas.Fault {
	f := failures[w.fail]
	return fault(f.reason, int64(w.pos), "Avro %s: %s", part, f.detail)
}

// fault makes a fault at a position of the payload.
func fault(reason schemas.Reason, position int64, format string, args ...any) *schemas.Fault {
	f := schemas.NewFault(schemas.StageIngest, reason, format, args...)
	f.Position = position
	return f
}
