// Package milvus keeps records with their embeddings in a Milvus collection, one collection per model
// version behind an alias per model, and searches it.
//
// Guarantee: Write returns nil only after Milvus has acknowledged an upsert of every record, keyed by
// record id, so a replay replaces rows instead of adding them. Rows are checked before they are sent
// (length, finiteness and direction of the embedding, byte length of every text), because one bad row
// makes Milvus refuse, or silently misread, the whole request, and a row without direction is never
// found. Text that is not UTF-8 is kept with U+FFFD for each bad byte. No call outlasts Config.Timeout.
// Counts come from count(*) at strong consistency, never from the collection's statistics, which
// include replaced rows.
//
// Tested against Milvus 2.3.5 standalone. The code does not depend on how a server treats duplicate ids
// within one upsert or partition keys, which differ between versions.
package milvus
