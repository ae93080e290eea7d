// Package inflate decompresses gzip streams (RFC 1951 and RFC 1952) that lie whole in memory, into
// memory that the caller reuses. It is made for survey stamps: 12-15 kB of gzip around 20,160 B of
// floating-point noise, where nearly every symbol is a literal and the time goes into Huffman decoding.
//
// Guarantee: an output is returned without an error only if every member's CRC-32 and length agree with
// its trailer; no input, however hostile, makes the package read or write outside the slices it was
// given, or allocate more than the limit the caller set.
//
// There are two decoders with the same tables and the same answers. The one in Go is the reference, and
// the only one without cgo, on other processors than amd64, or with the build tag purego. The one in C
// does the rest. What makes them fast on noise: a table entry holds two literals where both code words
// fit its index, one refill of the bit buffer serves five look-ups, and GunzipAll decodes three streams
// in turns, because the look-ups of one stream wait for each other and those of three do not.
package inflate
