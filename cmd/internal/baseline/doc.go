// Package baseline makes the starter bundle: it draws galaxies with the simulated survey, reads them
// through the same decoder and recipe that serve, fits the starter model, and writes a bundle whose
// manifest states the accuracy on galaxies held out and, where given, on real pictures.
//
// Guarantee: the held-out galaxies are other ones than those fitted to, and the same configuration
// gives the same bundle.
package baseline
