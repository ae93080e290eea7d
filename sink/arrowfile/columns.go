package arrowfile

import (
	"encoding/hex"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/galaxalign/galaxalign/schemas"
)

// column returns a column by name and type.
func column[T arrow.Array](rec arrow.Record, name string) (T, error) {
	var none T
	at := rec.Schema().FieldIndices(name)
	if len(at) != 1 {
		return none, fmt.Errorf("%d columns are named %s, want one", len(at), name)
	}
	c, ok := rec.Column(at[0]).(T)
	if !ok {
		return none, fmt.Errorf("column %s is %s", name, rec.Column(at[0]).DataType())
	}
	return c, nil
}

func stringColumn(rec arrow.Record, name string) (*array.String, error) {
	return column[*array.String](rec, name)
}

// parseID reads the id of a row without allocating.
func parseID(ids *array.String, row int) (schemas.RecordID, error) {
	var id schemas.RecordID
	var text [2 * len(id)]byte
	v := ids.Value(row)
	if len(v) != len(text) {
		return id, fmt.Errorf("row %d: record id %q: want %d hexadecimal digits", row, v, len(text))
	}
	copy(text[:], v)
	if _, err := hex.Decode(id[:], text[:]); err != nil {
		return id, fmt.Errorf("row %d: record id %q: %w", row, v, err)
	}
	return id, nil
}

// guard runs a reader of another package over bytes from the disk and turns its panics into errors:
// the Arrow readers panic on some malformed input.
func guard(path string, read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: malformed: %v", path, p)
		}
	}()
	if err := read(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// idVisitor visits the ids of a column one by one.
func idVisitor(visit func(schemas.RecordID)) func(*array.String) error {
	return func(ids *array.String) error {
		for i := range ids.Len() {
			id, err := parseID(ids, i)
			if err != nil {
				return err
			}
			visit(id)
		}
		return nil
	}
}
