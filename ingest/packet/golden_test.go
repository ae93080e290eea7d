package packet

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

// acai are the features of the ACAI classifiers, in their order.
var acai = strings.Fields(`drb diffmaglim ra dec magpsf sigmapsf chipsf fwhm sky chinr sharpnr sgscore1 distpsnr1
	sgscore2 distpsnr2 sgscore3 distpsnr3 ndethist ncovhist scorr nmtchps clrcoeff clrcounc neargaia neargaiabright`)

// goldenPacket is one packet as an independent reader saw it.
type goldenPacket struct {
	File          string  `json:"file"`
	Survey        string  `json:"survey"`
	Framing       string  `json:"framing"`
	ObjectID      *string `json:"object_id"`
	ObservationID string  `json:"observation_id"`
	RA            float64 `json:"ra"`
	Dec           float64 `json:"dec"`
	UTC           *string `json:"utc"`
	Sign          *int    `json:"sign"`
	Stamps        map[string]struct {
		Result string `json:"result"`
		UseHDU int    `json:"use_hdu"`
		HDUs   []struct {
			Shape  []int  `json:"shape_yx"`
			NaN    int    `json:"nan"`
			SHA256 string `json:"sha256"`
		} `json:"hdus"`
	} `json:"stamps"`
	Features []*float64 `json:"acai_features"`
}

func goldenPackets(t *testing.T) []goldenPacket {
	text, err := os.ReadFile(shareddata.Path(t, "golden/packets.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []goldenPacket
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestGoldenPackets reads every real packet in Avro and compares all that the golden values state.
func TestGoldenPackets(t *testing.T) {
	resolver, err := avro.NewSchemas(avro.SchemasOptions{Folder: shareddata.Path(t, "data/alerts/lsst-alert_packet")})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, want := range goldenPackets(t) {
		if !strings.HasPrefix(want.Framing, "avro_ocf") && !strings.HasPrefix(want.Framing, "confluent") {
			continue
		}
		read++
		t.Run(want.File, func(t *testing.T) {
			payload, err := os.ReadFile(shareddata.Path(t, filepath.Join("data", want.File)))
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Schemas: resolver, Features: []string{Sign}}
			if want.Features != nil {
				o.Features = append(o.Features, acai...)
			}
			var c schemas.Cutout
			c.Reset()
			err = NewAny(o).Decode(&ingest.Message{Value: payload}, &c)
			checkGolden(t, &want, &c, err)
		})
	}
	if read < 14 {
		t.Errorf("read %d packets, want at least 14", read)
	}
}

func checkGolden(t *testing.T, want *goldenPacket, c *schemas.Cutout, err error) {
	if c.Survey != strings.ToLower(want.Survey) {
		t.Errorf("survey %q, want %q", c.Survey, want.Survey)
	}
	object := ""
	if want.ObjectID != nil {
		object = *want.ObjectID
	}
	if string(c.ObjectID) != object || string(c.ObservationID) != want.ObservationID {
		t.Errorf("ids %q %q, want %q %q", c.ObjectID, c.ObservationID, object, want.ObservationID)
	}
	if c.RA != want.RA || c.Dec != want.Dec {
		t.Errorf("position %v %v, want %v %v", c.RA, c.Dec, want.RA, want.Dec)
	}
	if want.UTC == nil {
		if !c.ObservedAt.IsZero() || c.Flags&schemas.FlagBadTime == 0 {
			t.Errorf("time %v, flags %v, want none and bad_time", c.ObservedAt, c.Flags)
		}
	} else if got := c.ObservedAt.Format("2006-01-02T15:04:05.000000Z"); got != *want.UTC || c.ObservedAt.Location() != time.UTC {
		t.Errorf("time %s, want %s", got, *want.UTC)
	}
	sign := math.NaN()
	if want.Sign != nil {
		sign = float64(*want.Sign)
	}
	if got := float64(c.Features[0]); got != sign && !(math.IsNaN(got) && math.IsNaN(sign)) {
		t.Errorf("sign %v, want %v", got, sign)
	}
	for i, f := range want.Features {
		if float64(c.Features[1+i]) != *f {
			t.Errorf("feature %s is %v, want %v", acai[i], c.Features[1+i], *f)
		}
	}
	checkGoldenStamps(t, want, c, err)
}

func checkGoldenStamps(t *testing.T, want *goldenPacket, c *schemas.Cutout, err error) {
	nan := false
	for role, stamp := range want.Stamps {
		if stamp.Result == "missing_cutout" {
			var f *schemas.Fault
			if !errors.As(err, &f) || f.Reason != schemas.ReasonMissingCutout {
				t.Errorf("error %v, want a missing cutout", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		img, hdu := c.Image(role), stamp.HDUs[stamp.UseHDU]
		if img == nil || img.Height != hdu.Shape[0] || img.Width != hdu.Shape[1] {
			t.Errorf("%s stamp: %+v, want shape %v", role, img, hdu.Shape)
			continue
		}
		nan = nan || hdu.NaN > 0
		if got := digest(img.Pixels); got != hdu.SHA256 {
			t.Errorf("%s stamp: SHA-256 of the pixels %s, want %s", role, got, hdu.SHA256)
		}
	}
	if got := c.Flags&schemas.FlagNaNPixels != 0; got != nan {
		t.Errorf("flags %v, want nan_pixels %v", c.Flags, nan)
	}
}

// digest is the SHA-256 of the pixels as little-endian float32, every NaN as 0x7fc00000.
func digest(pixels []float32) string {
	b := make([]byte, 0, 4*len(pixels))
	for _, p := range pixels {
		bits := math.Float32bits(p)
		if p != p {
			bits = 0x7fc00000
		}
		b = binary.LittleEndian.AppendUint32(b, bits)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
