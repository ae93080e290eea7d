// Package infer runs a model bundle on batches of tensors: images and scalar features in, class
// probabilities, labels and embeddings out.
//
// Guarantee: a row's answer depends on that row alone. A feature that is missing and an answer that is
// not finite are reported for their row as a fault, and the other rows of the batch keep their answers.
// A [Model] has reproduced its bundle's golden answers on the device it runs on before [Open] returns
// it. A run in steady state allocates nothing.
package infer
