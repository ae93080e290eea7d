// Package ingest defines how cutouts enter: sources that deliver messages and take back what became of
// each, decoders that turn a message into a schemas.Cutout, and the dead letters that keep what could
// not be read.
//
// Guarantee: every message a source delivers is finished exactly once, and a source makes its position
// durable only as a contiguous prefix of finished messages. A message given back, or in flight when the
// process dies, is delivered again.
package ingest
