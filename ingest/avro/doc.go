// Package avro reads chosen fields out of Avro data without decoding the rest: a schema is parsed once,
// compiled with a list of wanted field paths into a flat program of skips and extracts, and the program
// walks each datum without allocating.
//
// Guarantee: every byte of a datum is accounted for. A length is checked against the bytes that are left
// before it is used, every step consumes at least one byte, nesting is bounded, and a datum that cannot be
// walked to its end by its writer's schema is a *schemas.Fault with the byte position, never a wrong value
// and never a panic. Data are always read by the schema they were written with; there is no resolution
// against a reader's schema, so a field is found by its name or reported absent.
//
// The encoding is that of the Avro 1.12 specification (binary encoding, object container files). Defaults
// and logical types are not interpreted, which also makes the reader take schemas that stricter libraries
// refuse, such as a null default on ["float","null"] in early ZTF packets.
package avro
