package bundle

import (
	"fmt"

	"github.com/galaxalign/galaxalign/preprocess"
)

// checkRecipe compiles the recipe and compares the tensor it makes with the image input.
func (b *Bundle) checkRecipe() error {
	image := b.Manifest.Image
	if image == nil || b.Recipe == nil {
		return nil
	}
	recipe, err := preprocess.Parse(b.Recipe)
	if err != nil {
		return fmt.Errorf("%s: %w", image.Recipe, err)
	}
	transform, err := recipe.Compile()
	if err != nil {
		return fmt.Errorf("%s: %w", image.Recipe, err)
	}
	shape, layout := transform.Shape(), Layout(transform.Recipe().Layout)
	if layout != image.Layout || [3]int(image.Shape) != shape {
		return fmt.Errorf("%s: image: is %s %v, but %s makes %s %v: correct the one that is wrong",
			ManifestFile, image.Layout, image.Shape, image.Recipe, layout, shape)
	}
	b.transform, b.recipeHash = transform, recipe.Hash()
	return nil
}

// Transform returns the compiled recipe, nil without an image input.
func (b *Bundle) Transform() *preprocess.Transform { return b.transform }
