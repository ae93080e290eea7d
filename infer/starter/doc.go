// Package starter builds the small baseline model that ships with the program: fixed, interpretable
// measurements of a galaxy picture as an ONNX graph, with a classifier of one hidden layer fitted to
// them in Go.
//
// The graph first finds the galaxy by the moments of its light and resamples the picture to a frame in
// which the galaxy has one size and direction, so that the measurements hardly depend on them, nor on the
// sky or the brightness. The measurements are those morphologists have long used: radial profiles of light
// and colour, the light folded about the long axis (thin discs and their bulges), azimuthal Fourier
// amplitudes of rings (bars and arms are m = 2, lopsidedness is m = 1), the turn of the m = 2 phase with
// radius (none for a bar, steady for a spiral), the energy of oriented wavelets and its direction against
// the local tangent (arms), and the residual against a half turn (Conselice 2003: mergers and
// disturbances).
//
// Guarantee: fitting is deterministic by seed, and the graph computes exactly what the fit saw, because
// the fit reads its features from the same graph.
package starter
