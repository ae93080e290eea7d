package simulate

import (
	"errors"
	"fmt"
	"math"
)

// Camera is what turns a sky into pixels.
type Camera struct {
	Size       int               // pixels a side, 8 to 1024
	PixelScale float64           // arcsec a pixel
	FWHM       [NumBands]float64 // seeing, full width at half maximum, arcsec
	Gain       [NumBands]float64 // photo-electrons a nanomaggy over the whole exposure
	Sky        [NumBands]float64 // sky background a pixel, nanomaggies: it makes noise and is subtracted
	ReadNoise  float64           // photo-electrons a pixel over the whole exposure
}

// LegacyCamera is a camera like the stacked DECam images of the Legacy Surveys: 0.262 arcsec pixels and
// per-pixel sky noise near 0.0028, 0.0048 and 0.012 nanomaggies in g, r and z.
func LegacyCamera(size int) Camera {
	return Camera{
		Size: size, PixelScale: 0.262,
		FWHM:      [NumBands]float64{1.30, 1.20, 1.12},
		Gain:      [NumBands]float64{18000, 16000, 9500},
		Sky:       [NumBands]float64{0.13, 0.36, 1.30},
		ReadNoise: 18,
	}
}

// ZTFCamera is a camera like one ZTF exposure: 1.01 arcsec pixels, seeing near two pixels. Its third band
// stands for i.
func ZTFCamera() Camera {
	return Camera{
		Size: 63, PixelScale: 1.01,
		FWHM:      [NumBands]float64{2.2, 2.0, 1.9},
		Gain:      [NumBands]float64{160, 170, 130},
		Sky:       [NumBands]float64{9, 14, 22},
		ReadNoise: 10,
	}
}

// Validate lists everything that is wrong with the camera.
func (c Camera) Validate() error {
	var errs []error
	if c.Size < 8 || c.Size > 1024 {
		errs = append(errs, fmt.Errorf("size is %d pixels, must be 8 to 1024", c.Size))
	}
	if !(c.PixelScale > 0.01 && c.PixelScale < 60) {
		errs = append(errs, fmt.Errorf("pixel scale is %g arcsec, must be 0.01 to 60", c.PixelScale))
	}
	for b := range Band(NumBands) {
		if !(c.FWHM[b] > 0 && c.FWHM[b] <= 60*c.PixelScale) {
			errs = append(errs, fmt.Errorf("seeing in %s is %g arcsec, must be above 0 and at most 60 pixels", b, c.FWHM[b]))
		}
		if !(c.Gain[b] > 0 && c.Sky[b] >= 0) {
			errs = append(errs, fmt.Errorf("gain in %s must be positive and its sky not negative", b))
		}
	}
	if !(c.ReadNoise >= 0) {
		errs = append(errs, errors.New("read noise must not be negative"))
	}
	return errors.Join(errs...)
}

// SkyNoise returns the standard deviation of a pixel of empty sky, nanomaggies.
func (c Camera) SkyNoise(b Band) float64 {
	return math.Sqrt(c.Sky[b]*c.Gain[b]+c.ReadNoise*c.ReadNoise) / c.Gain[b]
}
