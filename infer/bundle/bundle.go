package bundle

import (
	"github.com/galaxalign/galaxalign/preprocess"
	"github.com/galaxalign/galaxalign/schemas"
)

// Bundle is a bundle in memory. It does not change after Load.
type Bundle struct {
	Dir      string // folder it was loaded from
	Manifest Manifest
	Model    []byte // the ONNX file
	Recipe   []byte // the recipe file; nil without an image input
	Golden   *Golden
	// Extra holds the other files that the manifest lists, by name, such as what training leaves for
	// search. Serving does not look at them.
	Extra map[string][]byte

	golden     []byte // the golden file
	info       schemas.ModelInfo
	transform  *preprocess.Transform
	recipeHash string
}

// Info returns what a record says of this model. All records share the value: it must not be changed.
func (b *Bundle) Info() *schemas.ModelInfo { return &b.info }
