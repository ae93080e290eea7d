package disk

import (
	"strings"

	"github.com/galaxalign/galaxalign/schemas"
)

// ModelDir names the folder of a model: name, version and the first 12 digits of the hash, in characters
// that every file system and tool takes.
func ModelDir(m *schemas.ModelInfo) string {
	return plainName(m.Name) + "-" + plainName(m.Version) + "-" + plainName(m.Hash[:min(12, len(m.Hash))])
}

// plainName keeps ASCII letters, digits, dots, dashes and underscores, at most 64 of them. A leading
// underscore or dot would hide the folder from data set discovery.
func plainName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '_'
	}, s)
	s = strings.TrimLeft(s[:min(len(s), 64)], "._")
	if s == "" {
		return "x"
	}
	return s
}
