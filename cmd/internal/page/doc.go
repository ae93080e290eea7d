// Package page is the live web page of a run: the flow of cutouts through the pipeline, the newest
// galaxies with what the model made of them, and their nearest neighbours.
//
// Guarantee: the page only reads. It holds no memory that grows with the run, asks the run about twice a
// second for each viewer, loads nothing from any other host, and ends with the server: every open stream
// is told that the run is over.
package page
