// Package bundle reads and writes model bundles: a folder with manifest.json, the recipe of the image
// input, the ONNX graph and a golden self-check.
//
// Guarantee: a [Bundle] returned by [Load] is whole and consistent. Every file's SHA-256 is the one the
// manifest states, every name the manifest uses is in the graph with the shape it states, and the list
// of faults of a bundle that is not so is complete: each names the file, the key and the fix. [Import]
// writes a bundle only when the graph has run on it.
package bundle
