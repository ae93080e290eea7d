package simulate

import (
	"fmt"
	"time"
)

// packFITS fills a packet with a FITS file: an empty primary HDU that tells what the object is, then one
// IMAGE extension for each band with EXTNAME g, r and z, calibrated to nanomaggies (MAGZP 22.5), with a
// gnomonic WCS, north up and east to the left.
func (s *Survey) packFITS(p *Packet, k *sky) {
	ra, dec := s.position(p.Index)
	p.ObjectID = fmt.Sprintf("SIM%04X-%09d", s.cfg.Seed&0xffff, p.Index)
	var h header
	h.b = make([]byte, 0, 8*fitsBlock+len(k.images[0])*3)
	h.logical("SIMPLE", true, "conforms to FITS standard 4.0")
	h.integer("BITPIX", 8, "")
	h.integer("NAXIS", 0, "no image here: see the extensions")
	h.logical("EXTEND", true, "")
	s.describe(&h, p, ra, dec)
	h.text("MORPHCLS", k.class.String(), "truth of the simulation")
	h.integer("MORPHID", int64(k.class), "Galaxy10 DECaLS class number")
	h.end()
	for b := range Band(NumBands) {
		s.imageHeader(&h, p, b, ra, dec)
		h.end()
		h.b = append(h.b, k.images[b]...)
	}
	p.Value = h.b
}

// describe writes the cards that name the object and the observation.
func (s *Survey) describe(h *header, p *Packet, ra, dec float64) {
	h.text("SURVEY", "sim", "")
	h.text("OBJECT", p.ObjectID, "")
	h.text("OBSID", fmt.Sprintf("E%012d", p.Index), "exposure")
	h.real("RA", ra, "[deg] ICRS")
	h.real("DEC", dec, "[deg] ICRS")
	h.text("DATE-OBS", p.Time.UTC().Format("2006-01-02T15:04:05.000"), "start of exposure, UTC")
	h.real("MJD-OBS", mjd(p.Time), "[d] start of exposure, UTC")
}

// imageHeader writes the header of one band's extension, without END.
func (s *Survey) imageHeader(h *header, p *Packet, b Band, ra, dec float64) {
	size := s.cfg.Size
	h.text("XTENSION", "IMAGE", "")
	h.integer("BITPIX", -32, "IEEE single precision")
	h.integer("NAXIS", 2, "")
	h.integer("NAXIS1", int64(size), "")
	h.integer("NAXIS2", int64(size), "")
	h.integer("PCOUNT", 0, "")
	h.integer("GCOUNT", 1, "")
	h.text("EXTNAME", b.String(), "band")
	h.text("FILTER", b.String(), "")
	s.describe(h, p, ra, dec)
	h.text("BUNIT", "nanomaggy", "AB flux, 3.631 uJy")
	h.real("MAGZP", 22.5, "[mag] AB magnitude of one nanomaggy")
	h.real("SEEING", s.camera.FWHM[b], "[arcsec] Moffat FWHM, beta 3")
	h.real("SKYRMS", s.camera.SkyNoise(b), "[nanomaggy] noise of an empty pixel")
	scale := s.camera.PixelScale / 3600
	h.integer("WCSAXES", 2, "")
	h.text("CTYPE1", "RA---TAN", "")
	h.text("CTYPE2", "DEC--TAN", "")
	h.text("CUNIT1", "deg", "")
	h.text("CUNIT2", "deg", "")
	h.real("CRVAL1", ra, "")
	h.real("CRVAL2", dec, "")
	h.real("CRPIX1", float64(size+1)/2, "")
	h.real("CRPIX2", float64(size+1)/2, "")
	h.real("CD1_1", -scale, "")
	h.real("CD1_2", 0, "")
	h.real("CD2_1", 0, "")
	h.real("CD2_2", scale, "")
	h.text("RADESYS", "ICRS", "")
}

// mjd returns the modified Julian date of a UTC time.
func mjd(t time.Time) float64 {
	const unixEpoch = 40587 // MJD of 1970-01-01
	return unixEpoch + float64(t.UnixNano()/1000)/86400e6
}
