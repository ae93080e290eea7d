// Package kafka reads cutouts from Kafka topics as a member of a consumer group, keeps refused messages in
// a dead-letter topic, and publishes for simulators and tests.
//
// Guarantee: a message is delivered at least once and its offset is committed only after it and every
// earlier message of its partition are finished; records of aborted transactions are never delivered
// (unless the configuration asks for them); no error of the network or of a broker ends the source, and
// none is hidden: Progress says in words what is being retried.
//
// # The way of one message
//
//	membership  joins the group, hands each generation's partitions to fetchers, commits on a timer
//	fetcher     one a partition: fetch request, read-committed filter, admission to the ack window,
//	            one copy from the response's pages into a slab, hand-over to the deliveries channel
//	Fetch       takes a slab from the channel and returns its messages
//	Finish      accounts for the message, frees its place in the window, returns the slab when it is the
//	            slab's last
//
// Who owns which memory: the response's 64 KiB pages belong to kafka-go and are returned as soon as a
// record is copied; a slab belongs to the fetcher until it is sent, then to its unfinished messages, and
// goes back to the free list with the last Finish. Message structs live in their slab.
//
// Fetching goes through Transport.RoundTrip and not through kafka.Reader because it alone gives
// read-committed (the response carries the list of aborted transactions, the Reader drops it), checks the
// CRC of the batches, steps over transaction markers, and costs a quarter of the Reader's CPU.
package kafka
