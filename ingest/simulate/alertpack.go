package simulate

import (
	"math"
	"time"
)

// packAlert fills a packet with an alert on a sky.
func (s *Survey) packAlert(p *Packet, k *sky) {
	d := dice{s.rng(p.Index, streamPosition)}
	ra, dec := s.position(p.Index)
	d.Float64() // position drew from this stream too: move on
	d.Float64()
	now := s.measure(d, p, &k.event, ra, dec)
	p.ObjectID = objectName(s.cfg.Seed, p.Index, p.Time)
	p.Event = k.event.kind
	past := history(d, now, p.Time, k.event.kind)
	now.jdFirst, now.jdLast, now.ndet, now.ncov = now.jd, now.jd, 1, int64(len(past))+1+int64(d.IntN(200))
	for i := len(past) - 1; i >= 0; i-- {
		if !past[i].limit {
			now.ndet, now.jdFirst = now.ndet+1, past[i].jd
		}
	}
	a := alert{objectID: p.ObjectID, now: now, history: past, stamps: k.images}
	p.Value = s.alert.encode(&a)
}

// objectName returns a name of the ZTF form, ZTF and two digits of the year and seven letters, different
// for every index below 26^7 = 8e9.
func objectName(seed, i uint64, t time.Time) string {
	const all = 26 * 26 * 26 * 26 * 26 * 26 * 26
	n := (i%all*3162277661 + seed) % all // the factor has no common divisor with 26
	b := []byte("ZTF00aaaaaaa")
	year := t.UTC().Year() % 100
	b[3], b[4] = byte('0'+year/10), byte('0'+year%10)
	for j := len(b) - 1; j >= 5; j-- {
		b[j] = byte('a' + n%26)
		n /= 26
	}
	return string(b)
}

// measure returns what the photometry pipeline would say of an event.
func (s *Survey) measure(d dice, p *Packet, ev *event, ra, dec float64) candidate {
	c := ZTFCamera()
	pixels := 2.4 * c.FWHM[ev.band] * c.FWHM[ev.band] / (c.PixelScale * c.PixelScale) // noise-equivalent area
	peak := mag(ev.mag) * math.Pow(10, (ev.zp-22.5)/2.5)
	snr := max(3, peak/(ev.noise*math.Sqrt(pixels)))
	jd := mjd(p.Time) + 2400000.5
	dist := math.Hypot(ev.dx, ev.dy)
	cosDec := math.Cos(dec * math.Pi / 180)
	v := candidate{
		jd: jd, fid: int64(ev.band) + 1, pid: exposureID(p.Time, p.Index), candid: 3_000_000_000_000_000_000 + int64(p.Index), positive: ev.positive,
		ra: ra, dec: dec, x: d.in(40, 3030), y: d.in(40, 3040),
		mag: ev.mag + d.NormFloat64()*1.0857/snr, sigma: 1.0857 / snr, zp: ev.zp, depth: d.near(20.6, 0.25),
		fwhm: d.near(c.FWHM[ev.band]/c.PixelScale, 0.15), scorr: snr, sky: ev.skyLevel / 500,
		chi: math.Abs(d.near(1, 0.2)), chinr: math.Abs(d.near(2.5, 1)), sharpnr: d.near(0.3, 0.15), elong: 1 + math.Abs(d.near(0, 0.08)),
		drb: 1 - 0.05*d.Float64()*d.Float64(), rb: d.in(0.6, 1), field: int64(200 + d.IntN(700)), rcid: int64(d.IntN(64)),
		ranr: ra + ev.dx/3600/cosDec, decnr: dec - ev.dy/3600, distnr: dist / c.PixelScale, magnr: ev.host[ev.band],
		colourCoeff: d.near(-0.05, 0.03), colourUnc: 5e-5 * (1 + d.Float64()),
		gaiaDist: d.in(5, 45), gaiaMag: d.in(15, 20.5), brightDist: -999, brightMag: -999,
	}
	if d.chance(0.35) {
		v.brightDist, v.brightMag = d.in(15, 85), d.in(10, 13.9)
	}
	if ev.kind == Bogus {
		v.drb, v.rb = 0.45*d.Float64(), d.in(0, 0.45)
		v.nneg, v.nbad, v.elong = int64(4+d.IntN(12)), int64(d.IntN(2)), d.in(1.3, 2.4)
		v.chi = d.in(2, 12)
	}
	v.match[0] = catalogueMatch{
		id: 100_000_000_000_000_000 + int64(p.Index), g: ev.host[0], r: ev.host[1], i: ev.host[1] - 0.25, z: ev.host[2],
		star: 0.02 + 0.1*d.Float64(), dist: dist,
	}
	for n := 1; n < 3; n++ {
		m := d.in(17, 22)
		v.match[n] = catalogueMatch{id: v.match[0].id + int64(n)<<40, g: m + 0.6, r: m, i: m - 0.2, z: m - 0.3, star: d.Float64(), dist: d.in(4, 14) * float64(n)}
	}
	return v
}

// exposureID numbers an exposure by its day, the fraction of that day and a last digit.
func exposureID(t time.Time, n uint64) int64 {
	t = t.UTC()
	day := int64(t.Year())*10000 + int64(t.Month())*100 + int64(t.Day())
	fraction := int64(t.Sub(t.Truncate(24*time.Hour)) * 100_000 / (24 * time.Hour))
	return day*1_000_000 + fraction*10 + int64(n%10)
}

// history returns the earlier visits of the same place, which is observed again at a time, oldest first.
func history(d dice, now candidate, at time.Time, kind Event) []candidate {
	visits := d.IntN(12)
	out := make([]candidate, 0, visits)
	for i := visits; i > 0; i-- {
		v := now
		age := 3*float64(i) + d.near(0, 0.3)
		v.jd -= age
		v.pid = exposureID(at.Add(-time.Duration(age*24*float64(time.Hour))), uint64(v.pid))
		v.candid -= int64(i) << 40
		v.fid = int64(1 + d.IntN(2))
		v.mag += d.near(0.1*float64(i), 0.1)
		if kind == Bogus || i > 5 || v.mag > 20.4 {
			v = v.limiting(d.near(20.4, 0.3))
		}
		out = append(out, v)
	}
	return out
}
