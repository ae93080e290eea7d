// Package fits reads the image HDUs of FITS payloads into physical float32 pixels, and writes small FITS
// files.
//
// Guarantee: no input byte makes it panic, hang, or allocate more than Limits allow; every size is
// computed from the header with overflow checks and compared with the bytes present before anything is
// allocated. What cannot be read is a *schemas.Fault with a reason code, what is tolerated sets a flag of
// the HDU and of the cutout. A pixel is stored x BSCALE + BZERO in float64, rounded once to float32; a
// stored integer equal to BLANK is NaN (FITS standard 4.0, section 4.4.2.5). Rows keep their stored
// order: the first row is the bottom of the picture.
//
// A tile-compressed image (a binary table with ZIMAGE = T; standard 4.0, section 10) is read like any
// other, by the same calls and with the same flags: RICE_1, GZIP_1, GZIP_2, HCOMPRESS_1, PLIO_1 and
// NOCOMPRESS, quantised with or without dithering. What of its header cannot be read is a fault of that
// HDU alone. Package tile holds the algorithms. Payloads may be gzip, and where archives hold them bzip2,
// Unix compress or zstd.
//
// Parse walks the headers of a payload into a reusable File; HDU.Plane decodes one plane; Decoder turns a
// message into a schemas.Cutout, StampReader a packet's stamp into one image of a cutout; Write makes
// FITS files through github.com/astrogo/fitsio, which is also the oracle of the tests.
package fits
