// Package assemble builds a running program out of a configuration: sources, decoders, models, sinks,
// the pipeline over them, and the server that shows it.
//
// Guarantee: Open either returns everything ready, the models warmed up and self-checked, or an error
// with nothing left open; Close releases everything in the order that loses nothing.
package assemble
