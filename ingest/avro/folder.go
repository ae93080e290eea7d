package avro

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folder reads schemas laid out as in github.com/lsst/alert_packet: MAJOR/MINOR/NAME.avsc, with types that
// refer to each other by name across the files of one version. The id is MAJOR*100 + MINOR.
type folder struct{ dir string }

// root is the schema of the packet among the files of a version.
const rootSuffix = ".alert.avsc"

// load parses the schema of an id. It returns fs.ErrNotExist when the folder has no such version; the
// errors of a version that cannot be parsed wrap ErrSchema.
func (f folder) load(id int32) (*Schema, error) {
	if id < 0 {
		return nil, fs.ErrNotExist
	}
	dir := filepath.Join(f.dir, strconv.Itoa(int(id/100)), strconv.Itoa(int(id%100)))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), rootSuffix) {
			text, err := readLimited(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			return ParseWith(text, func(name string) ([]byte, error) { return loadNamed(dir, name) })
		}
	}
	return nil, fs.ErrNotExist
}

// loadNamed reads the file that defines a full name. The name is an Avro name, which holds no separator.
func loadNamed(dir, name string) ([]byte, error) {
	if !isAvroName(name) {
		return nil, fmt.Errorf("%q is no Avro name", name)
	}
	return readLimited(filepath.Join(dir, name+".avsc"))
}

// isAvroName reports whether a full name is made of letters, digits, underscores and single dots.
func isAvroName(name string) bool {
	for _, part := range strings.Split(name, ".") {
		if part == "" || strings.IndexFunc(part, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) >= 0 {
			return false
		}
	}
	return true
}

// readLimited reads a file of at most maxSchemaBytes.
func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSchemaBytes {
		return nil, fmt.Errorf("%s: %d bytes are more than a schema has (%d)", path, info.Size(), maxSchemaBytes)
	}
	return os.ReadFile(path)
}

// checkFolder reports whether dir, or the "schema" folder in it, holds at least one version.
func checkFolder(dir string) (folder, error) {
	for _, d := range []string{dir, filepath.Join(dir, "schema")} {
		found, err := filepath.Glob(filepath.Join(d, "*", "*", "*"+rootSuffix))
		if err != nil {
			return folder{}, err
		}
		if len(found) > 0 {
			return folder{dir: d}, nil
		}
	}
	return folder{}, errors.New("the schema folder " + dir + " holds no MAJOR/MINOR/*" + rootSuffix)
}
