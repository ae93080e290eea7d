package assemble

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/galaxalign/galaxalign/cmd/internal/config"
	"github.com/galaxalign/galaxalign/infer/bundle"
	"github.com/galaxalign/galaxalign/infer/ort"
	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/decode"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// acaiFeatures are the scalar inputs of the ACAI classifiers, in the order of their columns.
var acaiFeatures = strings.Fields("drb diffmaglim ra dec magpsf sigmapsf chipsf fwhm sky chinr sharpnr sgscore1 distpsnr1 " +
	"sgscore2 distpsnr2 sgscore3 distpsnr3 ndethist ncovhist scorr nmtchps clrcoeff clrcounc neargaia neargaiabright")

// scoreTolerance is how far a score may be from the published implementation's.
const scoreTolerance = 1e-5

func openRuntime(t *testing.T) *ort.Runtime {
	t.Helper()
	lib, err := ort.Locate(context.Background(), ort.Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := ort.Open(lib)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	return rt
}

// importACAI makes a bundle of the real classifier with a public recipe and opens it.
func importACAI(t *testing.T, rt *ort.Runtime, recipe string) Model {
	t.Helper()
	dir := filepath.Join(t.TempDir(), recipe)
	_, err := bundle.Import(t.Context(), bundle.ImportOptions{
		Runtime: rt, Model: shareddata.Path(t, "data/onnx/boom-history/acai_h.d1_dnn_20201130.onnx"), Dir: dir,
		Recipe: recipe, Features: acaiFeatures, Classes: []string{"other", "hosted"},
	})
	if err != nil {
		t.Fatal(err)
	}
	models, err := OpenModels(rt, []config.Model{{Bundle: dir}}, 16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeModels(models); err != nil {
			t.Error(err)
		}
	})
	return models[0]
}

// golden is one line of acai.tsv.
type golden struct {
	name       string
	rows, cols int // crop of the stamps; 0 = whole
	kowalski   float64
	boom       float64
	norms      [3]float64 // of the science, template and difference stamps
}

func readGolden(t *testing.T) []golden {
	t.Helper()
	f, err := os.Open(shareddata.Path(t, "golden/acai.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma = '\t'
	lines, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []golden
	for _, line := range lines[1:] {
		g := golden{name: strings.ReplaceAll(line[0], ",nan", "")}
		if i := strings.Index(g.name, "["); i >= 0 {
			if n, err := fmt.Sscanf(g.name[i:], "[:%d,:%d]", &g.rows, &g.cols); n != 2 {
				t.Fatalf("%s: %v", line[0], err)
			}
			g.name = g.name[:i]
		}
		g.kowalski, g.boom = number(t, line[2]), number(t, line[3])
		for k := range g.norms {
			g.norms[k] = number(t, line[5+k])
		}
		out = append(out, g)
	}
	return out
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// scorer runs payloads through the decoder, recipe and model that serve.
type scorer struct {
	model   Model
	decoder ingest.Decoder
}

func newScorer(t *testing.T, m Model) *scorer {
	t.Helper()
	source := config.Default().Source
	options, err := DecoderOptions(&source, m.Transform.Recipe().Bands, m.Features())
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := decode.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return &scorer{m, decoder}
}

// decode reads a payload into a cutout, cropped as the line says.
func (s *scorer) decode(t *testing.T, payload []byte, g golden) *schemas.Cutout {
	t.Helper()
	c := &schemas.Cutout{}
	c.Reset()
	if err := s.decoder.Decode(&ingest.Message{Value: payload}, c); err != nil {
		t.Fatalf("%s: %v", g.name, err)
	}
	if g.rows > 0 {
		crop(c, g.rows, g.cols)
	}
	return c
}

func (s *scorer) score(t *testing.T, c *schemas.Cutout, g golden) float64 {
	t.Helper()
	b := s.model.NewBuffers()
	defer b.Close()
	if _, err := s.model.Transform.Apply(b.ImageRow(0), c, s.model.Transform.NewScratch()); err != nil {
		t.Fatalf("%s: %v", g.name, err)
	}
	copy(b.FeatureRow(0), c.Features)
	if err := s.model.Run(b, 1); err != nil {
		t.Fatalf("%s: %v", g.name, err)
	}
	if fault := b.Fault(0); fault != nil {
		t.Fatalf("%s: %v", g.name, fault)
	}
	return float64(b.Probabilities(0)[1])
}

// same reports whether the stamps are those that the golden scores were computed from, by their norms.
func same(c *schemas.Cutout, g golden) bool {
	for k := range g.norms {
		var sum float64
		for _, v := range c.Images[k].Pixels {
			if v == v {
				sum += float64(v) * float64(v)
			}
		}
		if math.Abs(math.Sqrt(sum)-g.norms[k]) > 1e-9*g.norms[k] {
			return false
		}
	}
	return true
}

// crop keeps the first rows and columns of every stamp, as stamps at a chip's edge are.
func crop(c *schemas.Cutout, rows, cols int) {
	for k := range c.Images {
		m := &c.Images[k]
		var px []float32
		for y := range rows {
			px = append(px, m.Pixels[y*m.Width:y*m.Width+cols]...)
		}
		m.Pixels, m.Width, m.Height = px, cols, rows
	}
}

// TestScoresOfTheRealClassifier compares our scores of every real ZTF packet, and of a corpus whose
// scores spread over the whole range, with those of an independent implementation, under both public
// recipes.
func TestScoresOfTheRealClassifier(t *testing.T) {
	lines := readGolden(t)
	rt := openRuntime(t)
	kowalski := newScorer(t, importACAI(t, rt, "braai"))
	boom := newScorer(t, importACAI(t, rt, "boom"))
	load := newPayloads(t)
	compared, corpus, spread := 0, 0, 0
	for _, g := range lines {
		payload := load.get(t, g.name)
		if payload == nil {
			continue
		}
		c := kowalski.decode(t, payload, g)
		if !same(c, g) {
			t.Errorf("%s: the stamps have other norms than those the scores were computed from", g.name)
			continue
		}
		compared++
		if strings.HasPrefix(g.name, "corpus#") {
			corpus++
		}
		if g.kowalski > 0.1 {
			spread++
		}
		if got := kowalski.score(t, c, g); math.Abs(got-g.kowalski) > scoreTolerance {
			t.Errorf("%s [%d,%d] kowalski: score %.8f, want %.8f", g.name, g.rows, g.cols, got, g.kowalski)
		}
		if got := boom.score(t, c, g); math.Abs(got-g.boom) > scoreTolerance {
			t.Errorf("%s [%d,%d] boom: score %.8f, want %.8f", g.name, g.rows, g.cols, got, g.boom)
		}
	}
	t.Logf("%d packets compared, %d of them of the corpus, %d with a score above 0.1", compared, corpus, spread)
	if compared-corpus < 19 {
		t.Errorf("only %d real packets were compared", compared-corpus)
	}
}

// payloads finds the packets that acai.tsv names.
type payloads struct {
	corpus  [][]byte
	parquet map[string][][]byte
}

// newPayloads reads the corpus from the folder that GALAXALIGN_CORPUS names; without it only real packets
// are compared.
func newPayloads(t *testing.T) *payloads {
	t.Helper()
	p := &payloads{parquet: map[string][][]byte{}}
	dir := os.Getenv("GALAXALIGN_CORPUS")
	if dir == "" {
		t.Log("GALAXALIGN_CORPUS is not set: the corpus lines of acai.tsv are left out")
		return p
	}
	var err error
	if p.corpus, err = readCorpus(filepath.Join(dir, "packets.lp")); err != nil {
		t.Fatal(err)
	}
	return p
}

// readCorpus reads records of a little-endian uint32 length and that many bytes.
func readCorpus(path string) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for len(data) >= 4 {
		size := int(binary.LittleEndian.Uint32(data))
		out = append(out, data[4:4+size])
		data = data[4+size:]
	}
	return out, nil
}

// get returns the payload of a line, or nil for a line of a corpus that is absent.
func (p *payloads) get(t *testing.T, name string) []byte {
	t.Helper()
	file, index, _ := strings.Cut(name, "#")
	i, err := strconv.Atoi(index)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	switch {
	case file == "corpus":
		if i >= len(p.corpus) {
			return nil
		}
		return p.corpus[i]
	case strings.HasSuffix(file, ".parquet"):
		if p.parquet[file] == nil {
			p.parquet[file] = parquetPackets(t, shareddata.Path(t, "data/"+file))
		}
		return p.parquet[file][i]
	}
	payload, err := os.ReadFile(shareddata.Path(t, "data/alerts/boom/ztf/"+file))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(payload)
}
