package config

import (
	"fmt"
	"os"
	"strings"
)

// Load reads a configuration file over the defaults, applies the environment, and validates the result.
// The error is an *Error that lists every fault, unless the file cannot be read at all.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(path, data, os.LookupEnv)
}

// Parse is Load on bytes; name stands for the file in errors, lookup for the environment.
func Parse(name string, data []byte, lookup func(string) (string, bool)) (*Config, error) {
	cfg := Default()
	b := binder{lines: map[string]int{}}
	b.bind(data, &cfg)
	if b.broken { // what would be missing besides may well be in the part that was not read
		return nil, &Error{File: name, Faults: b.faults}
	}
	b.applyEnv(&cfg, lookup)
	faults := b.faults
	for _, f := range Check(&cfg) {
		if f.Line = b.lineOf(f.Key); !b.concerned(f) {
			faults = append(faults, f)
		}
	}
	if len(faults) > 0 {
		return nil, &Error{File: name, Faults: faults}
	}
	return &cfg, nil
}

// lineOf finds the line of a key, or of the nearest key above it that the file has.
func (b *binder) lineOf(key string) int {
	for key != "" {
		if line, ok := b.lines[key]; ok {
			return line
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 0
}

// concerned reports whether a key could not even be read, because of its value or, for one that is not in
// the file, because of an unknown key on the line where it belongs: a second fault about its default would
// only confuse.
func (b *binder) concerned(f Fault) bool {
	_, stated := b.lines[f.Key]
	for _, g := range b.faults {
		if g.Key == f.Key || (!stated && g.Line == f.Line && g.Line > 0) {
			return true
		}
	}
	return false
}
