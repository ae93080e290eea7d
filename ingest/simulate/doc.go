// Package simulate is a survey without a telescope: it draws galaxies of the ten Galaxy10 DECaLS
// classes, renders them as a camera would see them, and packs them as survey products, either FITS
// cutouts in g, r and z or alert packets of the ZTF 4.02 shape.
//
// Guarantee: packet i of a survey depends on the configuration and i alone. It has the same bytes
// whichever goroutine renders it, in whatever order and however often, so a replay is a true replay.
// (The bits of floating-point results may differ between processor architectures.)
package simulate
