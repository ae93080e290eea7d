// Package bundle reads and writes model bundles: a folder with manifest.json, the recipe of the image
// input, the ONNX graph and a golden self-check.
//
// Guarantee: a [Bundle] returned by [Load] is whole and consistent. Every file's SHA-256 is the one the
// manifest states, and every name the manifest uses is in the graph with the shape it states. The error of
// a bundle that is not so lists all faults of the manifest and of the files, and, where the manifest is
// right by itself, all contradictions between them; each names the file, the key and the fix. [Create]
// and [Import] write a bundle only after its graph has run.
package bundle
