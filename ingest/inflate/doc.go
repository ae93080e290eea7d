// Package inflate decompresses gzip streams (RFC 1951 and RFC 1952) that lie whole in memory, into
// memory that the caller reuses. It is made for survey stamps: 12-15 kB of gzip around 20,160 B of
// floating-point noise, where nearly every symbol is a literal and the time goes into Huffman decoding.
//
// Guarantee: an output is returned without an error only if every member's CRC-32 and length agree with
// its trailer; no input, however hostile, makes the package read or write outside the slices it was
// given, or allocate more than the limit the caller set.
package inflate
