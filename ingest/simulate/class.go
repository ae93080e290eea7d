package simulate

import "fmt"

// Class is a morphology of the Galaxy10 DECaLS label set, numbered as that set numbers it.
type Class int

// The ten Galaxy10 DECaLS classes.
const (
	Disturbed Class = iota
	Merging
	RoundSmooth
	InBetweenSmooth
	CigarSmooth
	BarredSpiral
	TightSpiral
	LooseSpiral
	EdgeOnNoBulge
	EdgeOnBulge
	// NumClasses is the number of classes.
	NumClasses = 10
)

var classNames = [NumClasses]string{
	"Disturbed", "Merging", "Round Smooth", "In-between Round Smooth", "Cigar Shaped Smooth",
	"Barred Spiral", "Unbarred Tight Spiral", "Unbarred Loose Spiral",
	"Edge-on without Bulge", "Edge-on with Bulge",
}

// String returns the name that Galaxy10 DECaLS gives the class.
func (c Class) String() string {
	if c < 0 || c >= NumClasses {
		return fmt.Sprintf("Class(%d)", int(c))
	}
	return classNames[c]
}

// ClassNames returns the ten names in order of class number.
func ClassNames() []string { return append([]string(nil), classNames[:]...) }

// GalaxyTenMix returns the relative frequencies of the classes in Galaxy10 DECaLS (17,736 galaxies).
func GalaxyTenMix() []float64 {
	return []float64{1081, 1853, 2645, 2027, 334, 2043, 1829, 2628, 1423, 1873}
}
