package baseline

import (
	"encoding/csv"
	"fmt"
	"image"
	_ "image/jpeg" // galaxy pictures are JPEG or PNG
	_ "image/png"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/draw"

	"github.com/galaxalign/galaxalign/infer/starter"
	"github.com/galaxalign/galaxalign/ingest/simulate"
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
		return nil, fmt.Errorf("real pictures: the folder needs a file labels.csv: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("real pictures: %s: %w", path, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("real pictures: %s is empty; its first line names the columns: file and galaxy10, or file and icon", path)
	}
	file := slices.Index(rows[0], "file")
	class, ok := classColumn(rows[0])
	if file < 0 || !ok {
		return nil, fmt.Errorf("real pictures: %s has the columns %s; it needs file and galaxy10, or file and icon", path, strings.Join(rows[0], ", "))
	}
	found, err := collect(dir, rows[1:], file, class)
	if err != nil {
		return nil, fmt.Errorf("real pictures: %s: %w", path, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("real pictures: no row of %s gives a class", path)
	}
	return found, nil
}

// classOf reads the class of a row, -1 for none.
type classOf func(row []string) (int, error)

// classColumn finds out how a table states classes.
func classColumn(header []string) (classOf, bool) {
	if i := slices.Index(header, "galaxy10"); i >= 0 {
		return func(row []string) (int, error) { return classNumber(row[i]) }, true
	}
	if i := slices.Index(header, "icon"); i >= 0 {
		return func(row []string) (int, error) {
			if c, ok := iconClass[row[i]]; ok {
				return c, nil
			}
			return -1, nil
		}, true
	}
	return nil, false
}

// classNumber reads 0 to 9; nothing is -1.
func classNumber(text string) (int, error) {
	if text == "" {
		return -1, nil
	}
	c, err := strconv.Atoi(text)
	if err != nil || c < 0 || c >= simulate.NumClasses {
		return 0, fmt.Errorf("galaxy10 is %q, want 0 to %d, or nothing for a picture without a class", text, simulate.NumClasses-1)
	}
	return c, nil
}

// collect returns the pictures that all their rows with a class give the same class, in the order of the
// table.
func collect(dir string, rows [][]string, file int, class classOf) ([]labelled, error) {
	var out []labelled
	at := map[string]int{} // index in out
	for n, row := range rows {
		c, err := class(row)
		if err != nil {
			return nil, fmt.Errorf("row %d (%s): %w", n+2, row[file], err)
		}
		if c < 0 {
			continue
		}
		i, seen := at[row[file]]
		switch {
		case !seen:
			at[row[file]] = len(out)
			out = append(out, labelled{picturePath(dir, row[file]), c})
		case out[i].class != c:
			out[i].class = -1
		}
	}
	return slices.DeleteFunc(out, func(l labelled) bool { return l.class < 0 }), nil
}

// picturePath finds a picture in the folder itself or in its folder "examples".
func picturePath(dir, name string) string {
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		return filepath.Join(dir, "examples", name)
	}
	return path
}

// visible is the part of a real picture's side that is read. Galaxy Zoo's pictures are drawn so that the
// galaxy's half-light radius is near 6 % of the side; 0.6 of it brings that to 10 %, as a galaxy of 2.5
// arcsec has in the recipe's field of 25.
const visible = 0.6

// readPicture decodes a JPEG or PNG and brings the middle of it to the size of the model: planes of red,
// green and blue in [0,1].
func readPicture(path string) ([]float32, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("real pictures: labels.csv names a picture that cannot be read: %w", err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("real pictures: %s is not a JPEG or PNG that can be decoded: %w", path, err)
	}
	small := image.NewRGBA(image.Rect(0, 0, starter.Size, starter.Size))
	draw.CatmullRom.Scale(small, small.Bounds(), img, middle(img.Bounds()), draw.Src, nil)
	const plane = starter.Size * starter.Size
	out := make([]float32, 3*plane)
	for i := range plane {
		for c := range 3 {
			out[c*plane+i] = float32(small.Pix[4*i+c]) / 255
		}
	}
	return out, nil
}

// middle is the square about the centre of b with the visible part of its shorter side.
func middle(b image.Rectangle) image.Rectangle {
	side := max(1, int(visible*float64(min(b.Dx(), b.Dy()))))
	corner := image.Pt(b.Min.X+(b.Dx()-side)/2, b.Min.Y+(b.Dy()-side)/2)
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(side, side))}
}
