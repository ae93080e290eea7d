package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxInlined bounds the values that Inline reads, in bytes: the model must still fit into one protobuf
// message of less than 2 GiB.
const maxInlined = 2<<30 - 64<<20

// Inline reads the values that lie in other files of dir, the model's folder, into the model. Files
// outside of dir are refused: a model file must not be able to name any file of the machine.
func (m *Model) Inline(dir string) error {
	in := &inliner{dir: dir, files: map[string]*os.File{}}
	err := in.graph(m.Graph)
	for _, f := range in.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// inliner reads external values and keeps the files open between tensors.
type inliner struct {
	dir   string
	files map[string]*os.File
	total int64
}

// graph reads the values of a graph and of the graphs inside it.
func (in *inliner) graph(g *Graph) error {
	for _, t := range g.Initializers {
		if err := in.tensor(t); err != nil {
			return err
		}
	}
	for _, n := range g.Nodes {
		for _, a := range n.Attributes {
			if a.Tensor != nil {
				if err := in.tensor(a.Tensor); err != nil {
					return err
				}
			}
			if a.Graph != nil {
				if err := in.graph(a.Graph); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tensor reads the values of one tensor.
func (in *inliner) tensor(t *Tensor) error {
	if !t.External {
		return nil
	}
	entries, rest, err := externalEntries(t.unknown)
	if err != nil {
		return err
	}
	raw, err := in.read(entries)
	if err != nil {
		return fmt.Errorf("onnx: values of tensor %q: %w", t.Name, err)
	}
	t.Raw, t.unknown, t.External = raw, rest, false
	return nil
}

// externalEntries splits the description of where the values lie (fields 13 and 14 of TensorProto) from
// the other fields.
func externalEntries(fields []byte) (entries map[string]string, rest []byte, err error) {
	entries = map[string]string{}
	rest, err = walk(fields, func(f field) (bool, error) {
		switch f.number {
		case 13:
			var key, value string
			_, err := walk(f.bytes, func(f field) (bool, error) {
				switch f.number {
				case 1:
					return f.text(&key)
				case 2:
					return f.text(&value)
				}
				return true, nil
			})
			entries[key] = value
			return true, errors.Join(err, f.want(protowire.BytesType))
		case 14:
			return true, nil
		}
		return false, nil
	})
	return entries, rest, err
}

// read reads the bytes an external description names: location, offset and length.
func (in *inliner) read(entries map[string]string) ([]byte, error) {
	f, err := in.open(entries["location"])
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	offset, length := int64(0), info.Size()
	if text, ok := entries["offset"]; ok {
		if offset, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fmt.Errorf("offset: %w", err)
		}
		length -= offset
	}
	if text, ok := entries["length"]; ok {
		if length, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fmt.Errorf("length: %w", err)
		}
	}
	if offset < 0 || length < 0 || offset > info.Size() || length > info.Size()-offset {
		return nil, fmt.Errorf("bytes %d to %d of %s, which has %d", offset, offset+length, f.Name(), info.Size())
	}
	if in.total += length; in.total > maxInlined {
		return nil, fmt.Errorf("the model's values are over %d bytes and do not fit into one file", int64(maxInlined))
	}
	raw := make([]byte, length)
	_, err = io.ReadFull(io.NewSectionReader(f, offset, length), raw)
	return raw, err
}

// open opens a file of the model's folder, once.
func (in *inliner) open(location string) (*os.File, error) {
	if f, ok := in.files[location]; ok {
		return f, nil
	}
	if !filepath.IsLocal(filepath.FromSlash(location)) {
		return nil, fmt.Errorf("location %q is outside of the model's folder", location)
	}
	f, err := os.OpenInRoot(in.dir, filepath.FromSlash(location))
	if err != nil {
		return nil, err
	}
	in.files[location] = f
	return f, nil
}
