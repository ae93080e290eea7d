package baseline

import (
	"encoding/csv"
	"fmt"
	"image"
	_ "image/jpeg" // galaxy pictures are JPEG or PNG
	_ "image/png"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/image/draw"

	"github.com/galaxalign/galaxalign/infer/starter"
)

// iconClass maps the answer icons of Galaxy Zoo to Galaxy10 classes, where one answer alone decides.
var iconClass = map[string]int{
	"disturbed": 0, "irregular": 0, "merger": 1, "merger_tidal": 1,
	"smooth_round": 2, "smooth_in-between": 3, "smooth_cigar": 4,
	"spiral_tight": 6, "spiral_loose": 7, "edge_none": 8, "edge_round": 9, "edge_boxy": 9,
}

// labelled is a real picture with its class.
type labelled struct {
	path  string
	class int
}

// readLabels reads labels.csv of a folder of pictures: the column "file" names a picture, and the class
// is the column "galaxy10" (0 to 9) or, without it, follows from the column "icon". Pictures without a
// class, and those whose rows disagree, are left out.
func readLabels(dir string) ([]labelled, error) {
	path := filepath.Join(dir, "labels.csv")
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("real pictures: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("real pictures: %s: %w", path, err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	file, ok := column["file"]
	if !ok {
		return nil, fmt.Errorf("real pictures: %s has no column named file", path)
	}
	return collect(dir, rows[1:], file, column), nil
}

func collect(dir string, rows [][]string, file int, column map[string]int) []labelled {
	class := map[string]int{}
	var order []string
	for _, row := range rows {
		c, ok := rowClass(row, column)
		if !ok {
			continue
		}
		before, seen := class[row[file]]
		switch {
		case !seen:
			class[row[file]] = c
			order = append(order, row[file])
		case before != c:
			class[row[file]] = -1
		}
	}
	var out []labelled
	for _, name := range order {
		if class[name] >= 0 {
			out = append(out, labelled{picturePath(dir, name), class[name]})
		}
	}
	return out
}

// picturePath finds a picture in the folder itself or in its folder "examples".
func picturePath(dir, name string) string {
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		return filepath.Join(dir, "examples", name)
	}
	return path
}

func rowClass(row []string, column map[string]int) (int, bool) {
	if i, ok := column["galaxy10"]; ok {
		c, err := strconv.Atoi(row[i])
		return c, err == nil && c >= 0 && c < 10
	}
	if i, ok := column["icon"]; ok {
		c, ok := iconClass[row[i]]
		return c, ok
	}
	return 0, false
}

// readPicture decodes a JPEG or PNG and brings its middle square to the size of the model: planes of
// red, green and blue in [0,1].
func readPicture(path string) ([]float32, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("real pictures: %w", err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("real pictures: %s: %w", path, err)
	}
	b := img.Bounds()
	side := min(b.Dx(), b.Dy())
	x, y := b.Min.X+(b.Dx()-side)/2, b.Min.Y+(b.Dy()-side)/2
	small := image.NewRGBA(image.Rect(0, 0, starter.Size, starter.Size))
	draw.CatmullRom.Scale(small, small.Bounds(), img, image.Rect(x, y, x+side, y+side), draw.Src, nil)
	const plane = starter.Size * starter.Size
	out := make([]float32, 3*plane)
	for i := range plane {
		for c := range 3 {
			out[c*plane+i] = float32(small.Pix[4*i+c]) / 255
		}
	}
	return out, nil
}
