package baseline

import (
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/galaxalign/galaxalign/infer/starter"
)

// patch draws a picture that is of a colour where readPicture looks, on black.
func patch(width, height int, c color.RGBA) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.Black, image.Point{}, draw.Src)
	draw.Draw(img, middle(img.Bounds()), image.NewUniform(c), image.Point{}, draw.Src)
	return img
}

func TestMiddle(t *testing.T) {
	for _, c := range []struct{ of, want image.Rectangle }{
		{image.Rect(0, 0, 100, 100), image.Rect(20, 20, 80, 80)},
		{image.Rect(0, 0, 200, 100), image.Rect(70, 20, 130, 80)},
		{image.Rect(10, 30, 110, 330), image.Rect(30, 150, 90, 210)},
		{image.Rect(0, 0, 1, 1), image.Rect(0, 0, 1, 1)},
	} {
		if got := middle(c.of); got != c.want {
			t.Errorf("middle of %v is %v, want %v", c.of, got, c.want)
		}
	}
}

// pictureFolder makes a folder with a table of labels and PNG pictures.
func pictureFolder(t *testing.T, table string, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "labels.csv"), []byte(table))
	for _, name := range names {
		savePicture(t, filepath.Join(dir, name), patch(128, 128, color.RGBA{200, 150, 100, 255}))
	}
	return dir
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func savePicture(t *testing.T, path string, img image.Image) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if filepath.Ext(path) == ".png" {
		err = png.Encode(f, img)
	} else {
		err = jpeg.Encode(f, img, &jpeg.Options{Quality: 95})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadLabels(t *testing.T) {
	type row struct {
		name  string
		class int
	}
	for name, c := range map[string]struct {
		table string
		want  []row
	}{
		"numbers":              {"file,galaxy10\na.png,0\nb.png,9\n", []row{{"a.png", 0}, {"b.png", 9}}},
		"columns in any order": {"note,galaxy10,file\n-,4,a.png\n", []row{{"a.png", 4}}},
		"without a class":      {"file,galaxy10\na.png,\nb.png,3\n", []row{{"b.png", 3}}},
		"rows agree":           {"file,galaxy10\na.png,3\na.png,3\n", []row{{"a.png", 3}}},
		"rows disagree":        {"file,galaxy10\na.png,3\nb.png,1\na.png,4\na.png,3\n", []row{{"b.png", 1}}},
		"icons":                {"file,icon\na.png,smooth_round\nb.png,star\nc.png,edge_boxy\n", []row{{"a.png", 2}, {"c.png", 9}}},
		"icons agree":          {"file,icon\na.png,disturbed\na.png,yes\na.png,irregular\n", []row{{"a.png", 0}}},
		"numbers before icons": {"file,icon,galaxy10\na.png,smooth_round,7\n", []row{{"a.png", 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := pictureFolder(t, c.table, "a.png", "b.png", "c.png")
			got, err := readLabels(dir)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %v", got, c.want)
			}
			for i, w := range c.want {
				if got[i].path != filepath.Join(dir, w.name) || got[i].class != w.class {
					t.Errorf("row %d: got %v, want %v", i, got[i], w)
				}
			}
		})
	}
}

func TestReadLabelsFindsExamples(t *testing.T) {
	dir := pictureFolder(t, "file,galaxy10\na.png,1\n")
	want := filepath.Join(dir, "examples", "a.png")
	writeFile(t, want, nil)
	got, err := readLabels(dir)
	if err != nil || len(got) != 1 || got[0].path != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
}

func TestReadLabelsRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		table string
		want  []string
	}{
		"empty":           {"", []string{"is empty", "file and galaxy10, or file and icon"}},
		"no file column":  {"name,galaxy10\na.png,1\n", []string{"has the columns name, galaxy10", "it needs file and galaxy10"}},
		"no class column": {"file,label\na.png,Merging\n", []string{"has the columns file, label", "or file and icon"}},
		"no class":        {"file,galaxy10\na.png,\n", []string{"no row of", "gives a class"}},
		"class 10":        {"file,galaxy10\na.png,1\nb.png,10\n", []string{"row 3 (b.png)", `galaxy10 is "10", want 0 to 9`}},
		"class in words":  {"file,galaxy10\na.png,Merging\n", []string{"row 2 (a.png)", `galaxy10 is "Merging"`}},
		"short row":       {"file,galaxy10\na.png\n", []string{"line 2", "number of fields"}},
		"open quote":      {"file,galaxy10\n\"a.png,1\n", []string{"quote"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := pictureFolder(t, c.table)
			_, err := readLabels(dir)
			wantError(t, err, append(c.want, filepath.Join(dir, "labels.csv")))
		})
	}
	t.Run("no table", func(t *testing.T) {
		dir := t.TempDir()
		_, err := readLabels(dir)
		wantError(t, err, []string{filepath.Join(dir, "labels.csv"), "the folder needs a file labels.csv"})
	})
}

// TestReadPicture reads pictures whose visible part is of one colour.
func TestReadPicture(t *testing.T) {
	colour := color.RGBA{51, 102, 204, 255}
	for name, c := range map[string]struct {
		file          string
		width, height int
		tolerance     float32
	}{
		"png":      {"a.png", 128, 128, 0.005},
		"wide":     {"a.png", 300, 128, 0.005},
		"tall":     {"a.png", 128, 257, 0.005},
		"jpeg":     {"a.jpg", 424, 424, 0.02},
		"enlarged": {"a.png", 32, 32, 0.005},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), c.file)
			savePicture(t, path, patch(c.width, c.height, colour))
			tensor, err := readPicture(path)
			if err != nil {
				t.Fatal(err)
			}
			const plane = starter.Size * starter.Size
			if len(tensor) != 3*plane {
				t.Fatalf("%d values, want %d", len(tensor), 3*plane)
			}
			for i, v := range tensor {
				if x, y := i%starter.Size, i/starter.Size%starter.Size; min(x, y) < 3 || max(x, y) > starter.Size-4 {
					continue // JPEG and the resampling may mix in what is next to the middle
				}
				if want := []float32{0.2, 0.4, 0.8}[i/plane]; v < want-c.tolerance || v > want+c.tolerance {
					t.Fatalf("value %d is %v, want %v", i, v, want)
				}
			}
		})
	}
}

func TestReadPictureRefuses(t *testing.T) {
	dir := t.TempDir()
	text, cut := filepath.Join(dir, "text.jpg"), filepath.Join(dir, "cut.png")
	writeFile(t, text, []byte("not a picture"))
	savePicture(t, cut, patch(64, 64, color.RGBA{1, 2, 3, 255}))
	if err := os.Truncate(cut, 60); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		text:                           "is not a JPEG or PNG that can be decoded",
		cut:                            "is not a JPEG or PNG that can be decoded",
		filepath.Join(dir, "none.jpg"): "labels.csv names a picture that cannot be read",
	} {
		_, err := readPicture(path)
		wantError(t, err, []string{path, want})
	}
}

// TestHalves holds the split still: the figures that the bundle states are of these halves.
func TestHalves(t *testing.T) {
	want := map[string]bool{ // seen in design
		"class_0_0.jpg": true, "class_0_1.jpg": false, "class_0_2.jpg": true, "class_0_3.jpg": true,
		"class_0_4.jpg": false, "class_0_5.jpg": true, "class_0_6.jpg": false, "class_0_7.jpg": false,
	}
	var pictures []labelled
	for name := range want {
		pictures = append(pictures, labelled{path: filepath.Join("anywhere", name)})
	}
	seen, aside := halves(pictures)
	if len(seen) != 4 || len(aside) != 4 {
		t.Errorf("%d seen and %d kept aside, want 4 and 4", len(seen), len(aside))
	}
	for _, p := range seen {
		if name := filepath.Base(p.path); !want[name] {
			t.Errorf("%s is among those seen, want it kept aside", name)
		}
	}
}
