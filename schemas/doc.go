// Package schemas holds the record types every stage shares: the cutout that enters, the record that
// leaves, the origin and identity that tie the two together, and the fault that explains a refusal.
//
// Guarantee: nothing here performs I/O, and every encoded form (the Arrow schema of the output record,
// the Avro schema of the outgoing alert) is versioned and pinned by golden bytes.
package schemas
