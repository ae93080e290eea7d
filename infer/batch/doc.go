// Package batch gathers rows filled by many workers into batches for few runners.
//
// Guarantee: every committed row is handed to the run function exactly once, also when the batcher is
// stopped hard (then with a context that is done, so that the receiver gives the rows back). A row waits
// at most MaxWait for others, and rows of the live lane go before rows of the backfill lane. Memory is
// the fixed pool of buffers: when they are all in use, Reserve blocks, and that is the back-pressure.
//
// A buffer goes round: free, open (rows are reserved and filled in place), sealed (full, or its oldest
// row has waited long enough; no new reservations), ready (all its rows are committed or cancelled), with
// a runner, and back to free when the runner's side calls Release. Steady state allocates nothing.
package batch
