package fits

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// readTSV returns the rows of a tab-separated file as maps by column name.
func readTSV(tb testing.TB, path string) []map[string]string {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	var rows []map[string]string
	var columns []string
	sc := bufio.NewScanner(file)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		cells := strings.Split(sc.Text(), "\t")
		if columns == nil {
			columns = cells
			continue
		}
		row := map[string]string{}
		for i, c := range cells {
			row[columns[i]] = c
		}
		rows = append(rows, row)
	}
	if err := sc.Err(); err != nil {
		tb.Fatal(err)
	}
	return rows
}

// digest is the SHA-256 of little-endian float32 with every NaN as 0x7fc00000.
func digest(px []float32) string {
	b := make([]byte, 4*len(px))
	for i, v := range px {
		u := math.Float32bits(v)
		if v != v {
			u = 0x7fc00000
		}
		binary.LittleEndian.PutUint32(b[4*i:], u)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// goldenFlags maps the remarks of the golden files to flags.
var goldenFlags = map[string]schemas.Flags{
	"scaled_float":        schemas.FlagScaledFloat,
	"unpadded_last_block": schemas.FlagUnpadded,
	"trailing_junk":       schemas.FlagTrailingJunk,
	"gzip_trailing":       schemas.FlagTrailingJunk,
	"datasum_bad":         schemas.FlagChecksumBad,
	"checksum_bad":        schemas.FlagChecksumBad,
	"conflict":            schemas.FlagCardConflict,
	"stray_continue":      schemas.FlagCardConflict,
	"wcs_conflict":        schemas.FlagCardConflict,
}

// goldenReasons maps the error classes of the golden files to reason codes.
var goldenReasons = map[string]schemas.Reason{
	"not_fits":   schemas.ReasonNotFITS,
	"no_hdu":     schemas.ReasonNoHDU,
	"no_image":   schemas.ReasonNoImage,
	"truncated":  schemas.ReasonTruncated,
	"gzip":       schemas.ReasonBadGzip,
	"bad_header": schemas.ReasonBadHeader,
	"too_large":  schemas.ReasonTooLarge,
}

// wantReason fails the test unless err is a fault with that reason.
func wantReason(tb testing.TB, err error, want schemas.Reason) {
	tb.Helper()
	flt := schemas.AsFault(err)
	if flt == nil || flt.Reason != want || flt.Stage != schemas.StageIngest || flt.Detail == "" {
		tb.Errorf("got %v, want an ingest fault with reason %s", err, want)
	}
}

// TestGoldenFiles reads every FITS-like file of the shared data.
func TestGoldenFiles(t *testing.T) {
	rows := readTSV(t, shareddata.Path(t, "golden/fits.tsv"))
	data := shareddata.Path(t, "data")
	byFile := map[string][]map[string]string{}
	var order []string
	for _, r := range rows {
		if byFile[r["file"]] == nil {
			order = append(order, r["file"])
		}
		byFile[r["file"]] = append(byFile[r["file"]], r)
	}
	var f File
	images := 0
	for _, name := range order {
		b, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			t.Fatal(err)
		}
		images += checkGoldenFile(t, &f, name, b, byFile[name])
	}
	t.Logf("%d files, %d images equal to the golden values", len(order), images)
	if images < 414 {
		t.Errorf("only %d images were compared", images)
	}
}

func checkGoldenFile(t *testing.T, f *File, name string, b []byte, rows []map[string]string) (images int) {
	t.Helper()
	errorf := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s: %s", name, fmt.Sprintf(format, args...))
	}
	err := Parse(b, f)
	class := rows[0]["file_class"]
	switch {
	case class == "error:not_fits":
		wantReason(t, err, schemas.ReasonNotFITS)
		return 0
	case err != nil:
		errorf("refused: %v", err)
		return 0
	}
	if len(f.HDUs) != len(rows) {
		errorf("%d HDUs, want %d", len(f.HDUs), len(rows))
		return 0
	}
	infos := Describe(f)
	flags := f.Flags
	for i, r := range rows {
		images += checkGoldenHDU(t, name, &f.HDUs[i], infos[i], r)
		if k := infos[i].Kind; k == KindImage || k == KindCompressed {
			flags |= infos[i].Flags
		}
	}
	checkGoldenClass(t, f, name, class, rows, flags)
	return images
}

// checkGoldenClass compares the refusal or the warnings of a whole file.
func checkGoldenClass(t *testing.T, f *File, name, class string, rows []map[string]string, flags schemas.Flags) {
	t.Helper()
	h, err := f.Select("")
	if reason, isError := strings.CutPrefix(class, "error:"); isError {
		want := goldenReasons[reason]
		t.Run(name, func(t *testing.T) { wantReason(t, err, want) })
		return
	}
	def, _ := strconv.Atoi(rows[0]["default_hdu"])
	if err != nil || h.Index != def {
		t.Errorf("%s: default HDU %v (%v), want %d", name, h, err, def)
	}
	var want schemas.Flags
	for _, code := range strings.Split(strings.TrimPrefix(class, "warn:"), ",") {
		want |= goldenFlags[code]
	}
	// Neither duplicate cards nor NaN pixels are part of the golden class.
	if got := flags &^ (schemas.FlagCardConflict | schemas.FlagNaNPixels); got != want {
		t.Errorf("%s: flags %v, want %v", name, got, want)
	}
}

func checkGoldenHDU(t *testing.T, name string, h *HDU, in HDUInfo, r map[string]string) (images int) {
	t.Helper()
	check := func(column, got string) {
		t.Helper()
		if got != r[column] {
			t.Errorf("%s[%d]: %s is %s, want %s", name, h.Index, column, got, r[column])
		}
	}
	kind := map[Kind]string{KindEmpty: "none", KindImage: "image", KindTable: "table", KindGroups: "groups"}[in.Kind]
	if in.Kind == KindCompressed {
		kind = "cimage:" + in.Compression
	}
	check("kind", kind)
	check("bitpix", strconv.Itoa(in.Bitpix))
	check("datasum", in.DataSum.String())
	check("checksum", in.Checksum.String())
	shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(in.Axes), " ", "x"), "[]")
	if shape == "" {
		shape = "-"
	}
	check("shape_naxis", shape)
	if name := r["extname"]; name != "-" && name != in.Name {
		t.Errorf("%s[%d]: EXTNAME is %q, want %q", name, h.Index, in.Name, name)
	}
	if !h.isImage() || in.Truncated {
		return 0
	}
	px, err := h.Pixels(nil)
	if err != nil {
		t.Errorf("%s[%d]: %v", name, h.Index, err)
		return 0
	}
	check("sha256", digest(px))
	check("npix", strconv.Itoa(len(px)))
	check("nan", strconv.Itoa(in.NaN))
	check("nonfinite", strconv.Itoa(in.NonFinite))
	check("bscale", fmt.Sprintf("%.17g", in.BScale))
	if r["min"] != "-" {
		checkNumber(t, name, r["min"], in.Min, 0)
		checkNumber(t, name, r["max"], in.Max, 0)
		checkNumber(t, name, r["mean"], in.Mean, 1e-10)
	}
	return 1
}

// checkNumber compares with a relative tolerance.
func checkNumber(t *testing.T, name, want string, got, tolerance float64) {
	t.Helper()
	w, err := strconv.ParseFloat(want, 64)
	if err != nil || !(math.Abs(got-w) <= tolerance*math.Abs(w)) {
		t.Errorf("%s: %v, want %s", name, got, want)
	}
}
