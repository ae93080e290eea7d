package avro

import "bytes"

// The bounds of a Cache. Surveys change their schema a few times a year and an archive may mix a dozen, of
// 20 to 150 kB; a producer that sends a new schema with every packet must not fill the memory.
const (
	maxCached      = 32
	maxCachedBytes = 16 << 20
)

// Cache keeps what one worker has built from each schema it met, keyed by the text of the schema. Packets
// of one schema in a row cost one comparison of its bytes. It is not safe for concurrent use: each worker
// has its own, and building for a survey's schema takes about a millisecond.
type Cache[T any] struct {
	build    func(*Schema) (T, error)
	built    map[string]T
	bytes    int // of all schema texts in built
	lastText []byte
	last     T
}

// NewCache makes a cache whose values build makes, once a schema; an error of build is not kept.
func NewCache[T any](build func(*Schema) (T, error)) *Cache[T] {
	return &Cache[T]{build: build, built: map[string]T{}}
}

// Get returns what was built from a schema in JSON. Errors are those of Parse and of build.
func (c *Cache[T]) Get(schema []byte) (T, error) {
	if len(schema) > 0 && bytes.Equal(schema, c.lastText) {
		return c.last, nil
	}
	v, known := c.built[string(schema)]
	if !known {
		s, err := Parse(schema)
		if err != nil {
			return v, err
		}
		if v, err = c.build(s); err != nil {
			return v, err
		}
		if len(c.built) >= maxCached || c.bytes+len(schema) > maxCachedBytes {
			clear(c.built)
			c.bytes = 0
		}
		c.built[string(schema)] = v
		c.bytes += len(schema)
	}
	c.last, c.lastText = v, append(c.lastText[:0], schema...)
	return v, nil
}
