// Package index is the vector index inside the process: exact search by cosine similarity over the
// embeddings of one model, kept on local disk.
//
// Guarantee: a record that Write acknowledged is found by every later search, also after a crash, and a
// search returns exactly the nearest vectors that pass the filter: there is no approximation but
// float32 arithmetic.
//
// # On disk
//
//	<Dir>/_lock                            held while the index is open
//	<Dir>/<model>-<version>-<hash>/vectors-<generation>.log
//
// The log is a sequence of checksummed frames (package disk): a header, then the entries of one Write
// each. Open reads it whole; what a crash left unfinished at its end is cut off. When more than half of
// the log is entries that were replaced or dropped, it is rewritten as the next generation under a
// temporary name and renamed; Open takes the newest generation and deletes what is older.
//
// # In memory
//
// Every vector, in blocks of contiguous rows, and what a hit shows. One query reads all of them once: at
// 100,000 vectors of 512 values that is 205 MB, bound by memory. Beyond some hundred thousand vectors,
// or for several processes, use the Milvus sink.
package index
