package simulate

import "math"

// candidate is one detection of a transient, or one non-detection of it, as an alert packet lists it.
type candidate struct {
	jd                     float64
	fid, pid, candid       int64
	limit                  bool // a non-detection: only the limiting magnitude is known
	positive               bool
	ra, dec, x, y          float64 // position, degrees and pixels on the chip
	mag, sigma, depth, zp  float64
	drb, rb, fwhm, scorr   float64
	chi, chinr, sharpnr    float64
	sky, elong             float64
	nneg, nbad             int64
	field, rcid            int64
	ndet, ncov             int64
	jdFirst, jdLast        float64
	magnr, distnr          float64
	ranr, decnr            float64
	match                  [3]catalogueMatch
	gaiaDist, gaiaMag      float64
	brightDist, brightMag  float64
	colourCoeff, colourUnc float64
}

// catalogueMatch is one of the nearest sources of the star-galaxy catalogue.
type catalogueMatch struct {
	id         int64
	g, r, i, z float64 // magnitudes
	star       float64 // 1 star, 0 galaxy
	dist       float64 // arcsec
}

// sign is the letter ZTF writes for the sign of a difference.
func sign(positive bool) string {
	if positive {
		return "t"
	}
	return "f"
}

func missing(c *candidate) bool { return c.limit }

// candidateFields lists the fields of "candidate" in the order of the ZTF 4.02 schema.
func candidateFields() []field[candidate] {
	type c = candidate
	f := []field[c]{
		double("jd", func(v *c) float64 { return v.jd }),
		integer("fid", "int", func(v *c) int64 { return v.fid }),
		integer("pid", "long", func(v *c) int64 { return v.pid }),
		optFloat("diffmaglim", func(v *c) float64 { return v.depth }),
		optText("pdiffimfilename", func(v *c) string { return diffName(v) }),
		optText("programpi", func(*c) string { return "Simulation" }),
		integer("programid", "int", func(*c) int64 { return 1 }),
		integer("candid", "long", func(v *c) int64 { return v.candid }),
		text("isdiffpos", func(v *c) string { return sign(v.positive) }),
	}
	f = append(f, measureFields()...)
	f = append(f, matchFields()...)
	return append(f, calibrationFields()...)
}

// measureFields are what the photometry of the difference measured.
func measureFields() []field[candidate] {
	type c = candidate
	return []field[c]{
		optInt("tblid", "long", func(v *c) int64 { return v.candid % 1000 }),
		optInt("nid", "int", func(v *c) int64 { return int64(v.jd - 2457754.5) }),
		optInt("rcid", "int", func(v *c) int64 { return v.rcid }),
		optInt("field", "int", func(v *c) int64 { return v.field }),
		optFloat("xpos", func(v *c) float64 { return v.x }),
		optFloat("ypos", func(v *c) float64 { return v.y }),
		double("ra", func(v *c) float64 { return v.ra }),
		double("dec", func(v *c) float64 { return v.dec }),
		float("magpsf", func(v *c) float64 { return v.mag }),
		float("sigmapsf", func(v *c) float64 { return v.sigma }),
		optFloat("chipsf", func(v *c) float64 { return v.chi }),
		optFloat("magap", func(v *c) float64 { return v.mag + 0.04 }),
		optFloat("sigmagap", func(v *c) float64 { return v.sigma * 1.15 }),
		optFloat("distnr", func(v *c) float64 { return v.distnr }),
		optFloat("magnr", func(v *c) float64 { return v.magnr }),
		optFloat("sigmagnr", func(*c) float64 { return 0.03 }),
		optFloat("chinr", func(v *c) float64 { return v.chinr }),
		optFloat("sharpnr", func(v *c) float64 { return v.sharpnr }),
		optFloat("sky", func(v *c) float64 { return v.sky }),
		optFloat("magdiff", func(*c) float64 { return 0.04 }),
		optFloat("fwhm", func(v *c) float64 { return v.fwhm }),
		optFloat("classtar", func(v *c) float64 { return 1 - 0.3*(v.elong-1) }),
		optFloat("mindtoedge", func(v *c) float64 { return min(v.x, v.y, 3072-v.x, 3080-v.y) }),
		optFloat("magfromlim", func(v *c) float64 { return v.depth - v.mag }),
		optFloat("seeratio", func(v *c) float64 { return v.fwhm / 2.2 }),
		optFloat("aimage", func(v *c) float64 { return 0.42 * v.fwhm * v.elong }),
		optFloat("bimage", func(v *c) float64 { return 0.42 * v.fwhm }),
		optFloat("aimagerat", func(v *c) float64 { return 0.42 * v.elong }),
		optFloat("bimagerat", func(*c) float64 { return 0.42 }),
		optFloat("elong", func(v *c) float64 { return v.elong }),
		optInt("nneg", "int", func(v *c) int64 { return v.nneg }),
		optInt("nbad", "int", func(v *c) int64 { return v.nbad }),
		optFloat("rb", func(v *c) float64 { return v.rb }),
		optFloat("ssdistnr", func(*c) float64 { return -999 }),
		optFloat("ssmagnr", func(*c) float64 { return -999 }),
		optText("ssnamenr", func(*c) string { return "null" }),
		optFloat("sumrat", func(v *c) float64 { return 1 - 0.1*float64(v.nneg) }),
		optFloat("magapbig", func(v *c) float64 { return v.mag + 0.02 }),
		optFloat("sigmagapbig", func(v *c) float64 { return v.sigma * 1.3 }),
		double("ranr", func(v *c) float64 { return v.ranr }),
		double("decnr", func(v *c) float64 { return v.decnr }),
	}
}

// matchFields are the nearest catalogue sources and the history of the position.
func matchFields() []field[candidate] {
	type c = candidate
	near := func(n int, suffix string) []field[c] {
		return []field[c]{
			optFloat("sgmag"+suffix, func(v *c) float64 { return v.match[n].g }),
			optFloat("srmag"+suffix, func(v *c) float64 { return v.match[n].r }),
			optFloat("simag"+suffix, func(v *c) float64 { return v.match[n].i }),
			optFloat("szmag"+suffix, func(v *c) float64 { return v.match[n].z }),
			optFloat("sgscore"+suffix, func(v *c) float64 { return v.match[n].star }),
			optFloat("distpsnr"+suffix, func(v *c) float64 { return v.match[n].dist }),
		}
	}
	id := func(n int, name string) field[c] {
		return optInt(name, "long", func(v *c) int64 { return v.match[n].id })
	}
	f := near(0, "1")
	f = append(f,
		integer("ndethist", "int", func(v *c) int64 { return v.ndet }),
		integer("ncovhist", "int", func(v *c) int64 { return v.ncov }),
		orNull(double("jdstarthist", func(v *c) float64 { return v.jdFirst }), nil),
		orNull(double("jdendhist", func(v *c) float64 { return v.jdLast }), nil),
		orNull(double("scorr", func(v *c) float64 { return v.scorr }), nil),
		optInt("tooflag", "int", func(*c) int64 { return 0 }),
		id(0, "objectidps1"), id(1, "objectidps2"),
	)
	f = append(f, near(1, "2")...)
	f = append(f, id(2, "objectidps3"))
	return append(f, near(2, "3")...)
}

// calibrationFields are the reference image, the zero point and the neighbours in Gaia.
func calibrationFields() []field[candidate] {
	type c = candidate
	return []field[c]{
		integer("nmtchps", "int", func(v *c) int64 { return 3 + v.candid%9 }),
		integer("rfid", "long", func(v *c) int64 { return v.field*100000 + v.rcid*100 + v.fid }),
		double("jdstartref", func(*c) float64 { return 2458166.7 }),
		double("jdendref", func(*c) float64 { return 2458305.9 }),
		integer("nframesref", "int", func(*c) int64 { return 16 }),
		text("rbversion", func(*c) string { return "sim_rb_1" }),
		optFloat("dsnrms", func(v *c) float64 { return 8 / v.sigma / 10 }),
		optFloat("ssnrms", func(v *c) float64 { return 9 / v.sigma / 10 }),
		optFloat("dsdiff", func(v *c) float64 { return -0.1 / v.sigma }),
		optFloat("magzpsci", func(v *c) float64 { return v.zp }),
		optFloat("magzpsciunc", func(*c) float64 { return 6e-6 }),
		optFloat("magzpscirms", func(*c) float64 { return 0.03 }),
		integer("nmatches", "int", func(v *c) int64 { return 400 + v.candid%700 }),
		optFloat("clrcoeff", func(v *c) float64 { return v.colourCoeff }),
		optFloat("clrcounc", func(v *c) float64 { return v.colourUnc }),
		optFloat("zpclrcov", func(*c) float64 { return -5e-6 }),
		optFloat("zpmed", func(v *c) float64 { return v.zp - 0.03 }),
		optFloat("clrmed", func(*c) float64 { return 0.65 }),
		optFloat("clrrms", func(*c) float64 { return 0.3 }),
		optFloat("neargaia", func(v *c) float64 { return v.gaiaDist }),
		optFloat("neargaiabright", func(v *c) float64 { return v.brightDist }),
		optFloat("maggaia", func(v *c) float64 { return v.gaiaMag }),
		optFloat("maggaiabright", func(v *c) float64 { return v.brightMag }),
		optFloat("exptime", func(*c) float64 { return 30 }),
		optFloat("drb", func(v *c) float64 { return v.drb }),
		text("drbversion", func(*c) string { return "sim_drb_1" }),
	}
}

// historyFields lists the fields of an element of "prv_candidates": a shorter candidate in which all that
// a non-detection lacks may be null.
func historyFields() []field[candidate] {
	type c = candidate
	all := candidateFields()
	byName := make(map[string]field[c], len(all))
	for _, f := range all {
		byName[f.name] = f
	}
	always := map[string]bool{"jd": true, "fid": true, "pid": true, "programid": true, "rbversion": true,
		"diffmaglim": true, "pdiffimfilename": true, "programpi": true, "nid": true, "rcid": true, "field": true,
		"magzpsci": true, "magzpsciunc": true, "magzpscirms": true, "clrcoeff": true, "clrcounc": true}
	names := []string{"jd", "fid", "pid", "diffmaglim", "pdiffimfilename", "programpi", "programid", "candid",
		"isdiffpos", "tblid", "nid", "rcid", "field", "xpos", "ypos", "ra", "dec", "magpsf", "sigmapsf", "chipsf",
		"magap", "sigmagap", "distnr", "magnr", "sigmagnr", "chinr", "sharpnr", "sky", "magdiff", "fwhm", "classtar",
		"mindtoedge", "magfromlim", "seeratio", "aimage", "bimage", "aimagerat", "bimagerat", "elong", "nneg", "nbad",
		"rb", "ssdistnr", "ssmagnr", "ssnamenr", "sumrat", "magapbig", "sigmagapbig", "ranr", "decnr", "scorr",
		"magzpsci", "magzpsciunc", "magzpscirms", "clrcoeff", "clrcounc", "rbversion"}
	out := make([]field[c], 0, len(names))
	for _, name := range names {
		f := byName[name]
		if !always[name] {
			f = nullWhen(f, missing)
		}
		out = append(out, f)
	}
	return out
}

// nullWhen makes a field null when absent says so, whether or not it already was a union.
func nullWhen[T any](f field[T], absent func(*T) bool) field[T] {
	put := f.put
	if !f.optional {
		return orNull(f, absent)
	}
	f.put = func(w *avroBuf, v *T) {
		if absent(v) {
			w.branch(0)
			return
		}
		put(w, v)
	}
	return f
}

// limiting returns the candidate as a non-detection of the given depth.
func (c candidate) limiting(depth float64) candidate {
	c.limit, c.depth, c.mag = true, depth, math.NaN()
	return c
}
