package fits

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// caseExtra is the JSON column of cases.tsv.
type caseExtra struct {
	Header         map[string]any  `json:"header"`
	Masked         int             `json:"masked"`
	Datasum        string          `json:"datasum"`
	CapBytes       int             `json:"cap_bytes"`
	ArcsecPerPixel float64         `json:"arcsec_per_pixel"`
	TensorBandYX   [][][]float32   `json:"tensor_band_y_x"`
	Either         json.RawMessage `json:"either"`
}

// TestGoldenCases reads every small case file. The cell of a plain table is TestGoldenTableCell.
func TestGoldenCases(t *testing.T) {
	dir := shareddata.Path(t, "golden/fits_cases")
	n := 0
	for _, r := range readTSV(t, filepath.Join(dir, "cases.tsv")) {
		if r["file"] == "z8_theap_is_table_size.fits" {
			continue
		}
		n++
		t.Run(r["case"]+"/"+r["file"]+"/"+r["select"], func(t *testing.T) { checkCase(t, dir, r) })
	}
	if n < 114 {
		t.Errorf("only %d cases", n)
	}
}

// TestGoldenTableCell: THEAP counts from the start of the data unit (Z8).
func TestGoldenTableCell(t *testing.T) {
	b, err := os.ReadFile(shareddata.Path(t, "golden/fits_cases/z8_theap_is_table_size.fits"))
	if err != nil {
		t.Fatal(err)
	}
	f := parsed(t, b)
	_, err = f.Select("1")
	wantReason(t, err, schemas.ReasonNoImage)
	h := &f.HDUs[1]
	table, flt := h.parseTable()
	if flt != nil {
		t.Fatal(flt)
	}
	c, _, _ := parseForm([]byte(textOf(h, "TFORM1")))
	if cell, ok := table.cell(h.data, 0, &c); !ok || string(cell) != "\x01\x02\x03\x04\x05\x06\x07\x08" {
		t.Errorf("cell is %v (%v)", cell, ok)
	}
}

func checkCase(t *testing.T, dir string, r map[string]string) {
	b, err := os.ReadFile(filepath.Join(dir, r["file"]))
	if err != nil {
		t.Fatal(err)
	}
	var extra caseExtra
	if r["extra"] != "-" {
		if err := json.Unmarshal([]byte(r["extra"]), &extra); err != nil {
			t.Fatal(err)
		}
	}
	f := &File{Limits: Limits{MaxInflated: extra.CapBytes}}
	which := strings.TrimPrefix(strings.TrimPrefix(strings.Replace(r["select"], "default", "", 1), "hdu:"), "name:")
	var h *HDU
	if err = Parse(b, f); err == nil {
		if flt := f.truncated(); flt != nil {
			err = flt
		} else {
			h, err = f.Select(which)
		}
	}
	if err != nil {
		checkCaseFault(t, err, r["want"])
		return
	}
	if strconv.Itoa(h.Index) != r["hdu"] {
		t.Errorf("HDU %d, want %s", h.Index, r["hdu"])
	}
	checkCaseFlags(t, f, h, b, which, r["want"])
	if extra.Either != nil { // duplicates: the last of each name wins
		px, err := h.Pixels(nil)
		if zp, _ := h.Float("MAGZP"); err != nil || zp != 30 {
			t.Errorf("MAGZP %v, error %v", zp, err)
		}
		samePixels(t, px, 1, 2)
		return
	}
	checkCasePixels(t, dir, h, r, &extra)
	checkCaseExtra(t, h, &extra)
}

// checkCaseFault accepts a fault that one of the alternatives names.
func checkCaseFault(t *testing.T, err error, want string) {
	t.Helper()
	flt := schemas.AsFault(err)
	for _, alt := range strings.Split(want, "|") {
		class, isError := strings.CutPrefix(alt, "error:")
		if isError && flt != nil && (flt.Reason == goldenReasons[class] || class == "not_fits" && flt.Reason == schemas.ReasonCompressed) {
			return
		}
	}
	t.Errorf("got %v, want %s", err, want)
}

// checkCaseFlags compares the remarks of the decoder, the reader that sees everything.
func checkCaseFlags(t *testing.T, f *File, h *HDU, b []byte, which, want string) {
	t.Helper()
	if strings.HasPrefix(want, "error:") {
		t.Errorf("accepted, want %s", want)
		return
	}
	var c schemas.Cutout
	c.Reset()
	d := NewDecoder(Options{HDU: which, VerifyChecksums: true})
	if err := d.Decode(&ingest.Message{Value: b}, &c); err != nil {
		t.Errorf("decoder: %v", err)
		return
	}
	got := c.Flags &^ (schemas.FlagNaNPixels | schemas.FlagBadTime | schemas.FlagNoPosition)
	var flags []string
	for _, alt := range strings.Split(want, "|") {
		var w schemas.Flags
		if code, isWarn := strings.CutPrefix(alt, "warn:"); isWarn {
			w = goldenFlags[code]
		}
		if got == w {
			return
		}
		flags = append(flags, w.String())
	}
	t.Errorf("flags %q, want one of %q", got, flags)
}

func checkCasePixels(t *testing.T, dir string, h *HDU, r map[string]string, extra *caseExtra) {
	t.Helper()
	px, err := h.Pixels(nil)
	if err != nil {
		t.Fatal(err)
	}
	var want []float32
	if name, isFile := strings.CutPrefix(r["pixels"], "@"); isFile {
		want = readNPY(t, filepath.Join(dir, name))
	} else {
		for _, s := range strings.Split(r["pixels"], ",") {
			v, err := strconv.ParseFloat(s, 32)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, float32(v))
		}
	}
	samePixels(t, px, want...)
	var axes []string
	for _, a := range h.Axes() {
		axes = append([]string{strconv.Itoa(a)}, axes...)
	}
	if got := strings.Join(axes, "x"); got != r["shape_yx"] {
		t.Errorf("shape %s, want %s", got, r["shape_yx"])
	}
	masked := 0
	for _, v := range px {
		if v != v {
			masked++
		}
	}
	if extra.Masked > 0 && masked != extra.Masked {
		t.Errorf("%d masked pixels, want %d", masked, extra.Masked)
	}
}

// readNPY reads a one-block .npy file of little-endian float32.
func readNPY(t *testing.T, path string) []float32 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b = b[10+int(binary.LittleEndian.Uint16(b[8:])):]
	px := make([]float32, len(b)/4)
	for i := range px {
		px[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return px
}

func checkCaseExtra(t *testing.T, h *HDU, extra *caseExtra) {
	t.Helper()
	for name, want := range extra.Header {
		v, present := h.Value(name)
		f, isNumber := v.number()
		switch want := want.(type) {
		case nil:
			if !present || isNumber {
				t.Errorf("%s is %+v, want a card without a usable number", name, v)
			}
		case float64:
			if f != want {
				t.Errorf("%s is %v, want %v", name, f, want)
			}
		case string:
			if got := textOf(h, name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
	g, err := h.Geometry()
	if err != nil {
		t.Fatal(err)
	}
	if w := h.WCS(g); extra.ArcsecPerPixel != 0 && math.Abs(w.Scale-extra.ArcsecPerPixel) > 1e-9 {
		t.Errorf("scale %v, want %v", w.Scale, extra.ArcsecPerPixel)
	}
	if data, _ := h.Checksums(); extra.Datasum != "" && data.String() != extra.Datasum {
		t.Errorf("DATASUM %v, want %s", data, extra.Datasum)
	}
	for band, rows := range extra.TensorBandYX {
		px := make([]float32, g.Width*g.Height)
		if _, err := h.Plane(g, band, px); err != nil {
			t.Fatal(err)
		}
		var want []float32
		for _, row := range rows {
			want = append(want, row...)
		}
		if fmt.Sprint(px) != fmt.Sprint(want) {
			t.Errorf("band %d is %v, want %v", band, px, want)
		}
	}
}
