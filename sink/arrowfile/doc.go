// Package arrowfile writes records to local files: durable at once, and readable by Arrow tools (or,
// through package parquet, Parquet tools) once a file is sealed.
//
// Guarantee: a record that Write acknowledged is in exactly one sealed file, or in a segment that the
// next Open seals, whatever happened in between: a crash, a full disk, a replay of the same records.
//
// # What is on disk
//
//	<Dir>/_lock                                          held while the sink is open
//	<Dir>/<model>-<version>-<hash>/_<segment>.open       the open segment of that model
//	<Dir>/<model>-<version>-<hash>/<date>/<segment>.arrow    sealed files, immutable
//
// A segment's name is the UTC time it was opened, so names sort by age; the date folder is that day. The
// open segment is an Arrow IPC stream cut into checksummed frames, one a Write. Sealing rewrites it as an
// Arrow IPC file with larger record batches under a temporary name, syncs, renames, and then deletes the
// segment. A crash between the last two leaves both: Open sees the sealed file and deletes the segment.
//
// # What readers see, and when
//
// Readers that follow *.arrow, or that skip names beginning with an underscore as Arrow's and Spark's
// data set discovery do, see sealed files only, each whole and never changed. A record becomes visible
// when its segment is sealed: after MaxRows, MaxBytes or MaxAge, or at Close. The rewriting costs each
// byte a second time and buys files that can be memory mapped.
//
// Each sealed file carries in its schema metadata the keys of schemas.ModelMetadata, the number of rows,
// the segment, and the range of offsets it holds of each topic and partition.
//
// # Duplicates
//
// A record whose id is already durable is not written again. Ids are looked up in three places: the
// rows of this batch; a table of the last Horizon ids, filled at Open from the newest files; and, for a
// replay of older offsets, the files whose offset ranges cover the record, whose ids are then read. A
// record that comes back with another offset after more than Horizon others is written again.
package arrowfile
