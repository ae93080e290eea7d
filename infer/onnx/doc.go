// Package onnx reads, edits, builds and writes ONNX graphs.
//
// Guarantee: [Parse] accepts any bytes without panicking and uses memory in proportion to them; what it
// accepts, [Model.Marshal] writes back with every field, also those this package does not know. Field
// numbers are those of the ONNX specification's onnx.proto3.
package onnx
