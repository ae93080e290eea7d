// Package packet decodes the alert packets of surveys into cutouts: Avro containers of ZTF (3.x and 4.x),
// WINTER and DECam (DESIRT), and LSST alerts in the Confluent wire format or in a container.
//
// Guarantee: a packet is read by the schema it was written with and to its last byte; what is not read
// becomes a *schemas.Fault with a reason and a position, with the packet's identity already in the cutout
// where it could be read. A feature that is null or absent is NaN, never zero; a stamp that is null or
// absent is a fault; a time that cannot be is a flag and no date. In steady state nothing is allocated.
package packet
