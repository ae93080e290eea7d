// Package inspect shows a person what a file decodes to: the HDUs of a FITS file, the cutout that the
// pipeline would see, and the tensor that a recipe makes of it as a picture.
//
// Guarantee: it reads through the very decoders and recipes that serve, so what it shows is what the
// model gets.
package inspect
