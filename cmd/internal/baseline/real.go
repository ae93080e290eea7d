package baseline

import (
	"crypto/sha256"
	"path/filepath"
)

// pictureSet is a named set of measured real pictures.
type pictureSet struct {
	name string
	examples
}

// realPictures reads and measures the folders of real pictures.
func (s *sampler) realPictures(cfg Config) ([]pictureSet, error) {
	var sets []pictureSet
	add := func(name string, pictures []labelled) error {
		set, err := s.measureAll(pictures)
		sets = append(sets, pictureSet{name, set})
		return err
	}
	for _, dir := range cfg.Split {
		pictures, err := readLabels(dir)
		if err != nil {
			return nil, err
		}
		seen, aside := halves(pictures)
		name := filepath.Base(dir)
		if err := add(name+", half seen in design", seen); err != nil {
			return nil, err
		}
		if err := add(name+", half kept aside", aside); err != nil {
			return nil, err
		}
	}
	for _, dir := range cfg.Real {
		pictures, err := readLabels(dir)
		if err != nil {
			return nil, err
		}
		if err := add(filepath.Base(dir), pictures); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

// halves splits pictures by the lowest bit of the first byte of SHA-256 of the file's name: 0 was seen in
// design.
func halves(pictures []labelled) (seen, aside []labelled) {
	for _, p := range pictures {
		if hash := sha256.Sum256([]byte(filepath.Base(p.path))); hash[0]&1 == 0 {
			seen = append(seen, p)
		} else {
			aside = append(aside, p)
		}
	}
	return seen, aside
}

// measureAll measures pictures.
func (s *sampler) measureAll(pictures []labelled) (examples, error) {
	var out examples
	for _, p := range pictures {
		tensor, err := readPicture(p.path)
		if err != nil {
			return examples{}, err
		}
		features, err := s.meter.Measure(tensor)
		if err != nil {
			return examples{}, err
		}
		out.x, out.y = append(out.x, features), append(out.y, p.class)
	}
	return out, nil
}
