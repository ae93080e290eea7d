// Package pipeline runs the stages: it fetches messages, decodes them, writes tensors into the rows of
// a batch, has the model answer, gathers records for the sinks, and finishes each message once its
// records are durable.
//
// Guarantee: every message fetched is finished exactly once, as written, duplicate, quarantined or given
// back, and never as one of the first three before that is durably true. Every queue is bounded: the
// rows of the batch tensors, the records of two sink batches a model, and the source's own window.
//
// It knows the contracts of the stages and nothing of their insides.
package pipeline
