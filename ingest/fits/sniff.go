package fits

import (
	"bytes"

	"github.com/galaxalign/galaxalign/schemas"
)

// sniff refuses what is no FITS, naming what it looks like.
func sniff(b []byte) *schemas.Fault {
	if len(b) == 0 {
		return fault(schemas.ReasonNoHDU, 0, "the payload is empty")
	}
	if bytes.HasPrefix(b, []byte("SIMPLE")) {
		return nil
	}
	for _, m := range [...]struct{ magic, name string }{
		{"BZh", "bzip2 inside another format"}, {"\x1f\x9d", "Unix compress (.Z) inside another format"}, {"\xfd7zXZ", "xz"},
		{"\x28\xb5\x2f\xfd", "zstd inside another format"}, {"\x1f\x8b", "gzip inside another format"}, {"PK\x03\x04", "zip"},
	} {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return fault(schemas.ReasonCompressed, 0, "the payload is %s, which this version does not read; unpack it or send gzip", m.name)
		}
	}
	for _, m := range [...]struct{ magic, name string }{
		{"\x89PNG", "a PNG picture"}, {"\xff\xd8\xff", "a JPEG picture"}, {"GIF8", "a GIF picture"}, {"%PDF", "a PDF document"},
		{"Obj\x01", "an Avro container"}, {"PAR1", "a Parquet file"}, {"\x93NUMPY", "a NumPy array"}, {"\x89HDF", "an HDF5 file"},
		{"XTENSION", "a FITS extension without its primary header"},
	} {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return fault(schemas.ReasonNotFITS, 0, "the payload is %s, not FITS", m.name)
		}
	}
	switch t := trimLeft(b); {
	case bytes.HasPrefix(t, []byte("<")):
		return fault(schemas.ReasonNotFITS, 0, "the payload is an HTML or XML page, not FITS; the address it was fetched from may have answered with an error page")
	case bytes.HasPrefix(t, []byte("{")) || bytes.HasPrefix(t, []byte("[")):
		return fault(schemas.ReasonNotFITS, 0, "the payload is JSON, not FITS")
	}
	return fault(schemas.ReasonNotFITS, 0, "the payload begins with %q, not with SIMPLE", b[:min(len(b), 8)])
}
