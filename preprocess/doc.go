// Package preprocess turns the physical pixels of a cutout into one row of a model's input tensor, as a
// recipe says. A recipe is data (YAML), versioned and hashed, and travels with the model it belongs to.
//
// Guarantee: a recipe and a cutout determine the tensor: the same bits at training time and when serving,
// whatever vector instructions the processor has. (Between processor families the standard library's
// math functions may differ in the last bit of a float64 parameter.) Every value written is finite. An
// input the recipe does not take is a *schemas.Fault, never a guess. Apply allocates nothing once a Scratch has seen its largest cutout.
//
// The steps, always in this order:
//
//  1. find the bands, in the recipe's order; reverse the rows (flip)
//  2. cut all bands to the smallest of them (unequal)
//  3. cut and pad to size (size, fit), if fit.order is before
//  4. convert the flux to the zero point asked for (flux); judge the pixels without data (nan)
//  5. stretch
//  6. pad, if fit.order is after
//  7. resize
//  8. normalise each channel (normalize), lay out as NCHW or NHWC (layout)
package preprocess
