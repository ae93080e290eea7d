// Package sink defines where records go: the contract every back end keeps, the fan-out that writes one
// batch to all of them with retry, and the search contract over what was written.
//
// Guarantee: Write returns nil only when every record of the batch is durable, and writing the same
// record again changes nothing that a reader sees.
package sink
