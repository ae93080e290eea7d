package packet

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/packet/packettest"
	"github.com/galaxalign/galaxalign/schemas"
)

// fixedSchema resolves every id to one schema.
type fixedSchema string

func (s fixedSchema) Resolve(context.Context, int32) (*avro.Schema, error) {
	return avro.Parse([]byte(s))
}

// failing is a registry that answers with an error.
type failing struct{ err error }

func (f failing) Resolve(context.Context, int32) (*avro.Schema, error) { return nil, f.err }

func TestLSSTWireAndContainer(t *testing.T) {
	for seed := range uint64(10) {
		p := packettest.LSST(seed)
		source := p.Record["diaSource"].(map[string]any)
		d := NewLSST(Options{Schemas: fixedSchema(p.Schema), Features: []string{Sign, "snr", "diaSource.reliability", "isNegative", "target_name"}})
		for _, payload := range [][]byte{p.Wire(900), p.Container("null")} {
			c, err := decodeOne(d, payload)
			if err != nil {
				t.Fatal(err)
			}
			if string(c.ObjectID) != strconv.FormatInt(source["diaObjectId"].(int64), 10) || string(c.ObservationID) != strconv.FormatInt(source["diaSourceId"].(int64), 10) {
				t.Errorf("ids %s %s", c.ObjectID, c.ObservationID)
			}
			negative := source["isNegative"].(bool)
			want := []float32{1, optional(source["snr"]), optional(source["reliability"]), 0, float32(math.NaN())}
			if negative {
				want[0], want[3] = -1, 1
			}
			if !slices.EqualFunc(c.Features, want, sameFloat) {
				t.Errorf("features %v, want %v", c.Features, want)
			}
			tai := time.UnixMicro(int64((source["midpointMjdTai"].(float64) - 40587) * 86400e6))
			if diff := tai.Sub(c.ObservedAt) - 37*time.Second; diff.Abs() > 2*time.Microsecond {
				t.Errorf("time %v for TAI %v", c.ObservedAt, tai)
			}
			if img := c.Image(Science); img == nil || img.Width != 30 || img.Unit != "nJy" || img.ZeroPoint != 31.4 || img.PixelScale != 0.2 {
				t.Errorf("science: %+v", img)
			}
		}
	}
}

// optional is a nullable float as a feature.
func optional(v any) float32 {
	if v == nil {
		return float32(math.NaN())
	}
	return v.(float32)
}

func TestLSSTObjectNames(t *testing.T) {
	for _, c := range []struct {
		dia, ss any
		want    string
	}{{int64(5), int64(6), "5"}, {nil, int64(6), "6"}, {int64(0), int64(6), "6"}, {int64(0), int64(0), ""}, {nil, nil, ""}} {
		p := packettest.LSST(1)
		source := p.Record["diaSource"].(map[string]any)
		source["diaObjectId"], source["ssObjectId"] = c.dia, c.ss
		got, err := decodeOne(NewLSST(Options{}), p.Container("null"))
		if err != nil || string(got.ObjectID) != c.want {
			t.Errorf("%v, %v: %q, %v", c.dia, c.ss, got.ObjectID, err)
		}
	}
}

func TestLSSTSchemaIDs(t *testing.T) {
	wire := packettest.LSST(1).Wire(900)
	_, err := decodeOne(NewLSST(Options{}), wire)
	wantFault(t, err, schemas.ReasonUnknownSchema)
	down := errors.New("connection refused")
	if _, err = decodeOne(NewLSST(Options{Schemas: failing{down}}), wire); !errors.Is(err, down) || schemas.AsFault(err) != nil {
		t.Errorf("registry down: %v", err)
	}
	unknown := schemas.NewFault(schemas.StageIngest, schemas.ReasonUnknownSchema, "no such id")
	_, err = decodeOne(NewLSST(Options{Schemas: failing{unknown}}), wire)
	wantFault(t, err, schemas.ReasonUnknownSchema)
	_, err = decodeOne(NewLSST(Options{Schemas: fixedSchema(packettest.ZTFSchema(4))}), wire)
	wantFault(t, err, schemas.ReasonUnknownSchema)
	_, err = decodeOne(NewLSST(Options{Schemas: fixedSchema(packettest.LSST(1).Schema)}), append(wire, 0))
	wantFault(t, err, schemas.ReasonBadAvro)
	if _, err = decodeOne(NewLSST(Options{Schemas: fixedSchema(packettest.LSST(1).Schema)}), wire[:9]); schemas.AsFault(err) == nil {
		t.Errorf("a body of four bytes: %v", err)
	}
}

func TestLateSchemaIsFlagged(t *testing.T) {
	for _, c := range []struct {
		major, minor int
		late         bool
	}{{7, 4, false}, {11, 0, false}, {11, 9, false}, {12, 0, true}, {100, 0, true}} {
		got, err := decodeOne(NewAny(Options{}), packettest.LSSTVersion(1, c.major, c.minor).Container("null"))
		if err != nil || (got.Flags&schemas.FlagLateSchema != 0) != c.late {
			t.Errorf("%d.%d: flags %v, %v", c.major, c.minor, got.Flags, err)
		}
	}
}

func TestPlainStampSurveys(t *testing.T) {
	for survey, at := range map[string]string{"winter": "2023-02-24T18:00:00Z", "decam": "2023-02-25T06:00:00Z"} {
		c, err := decodeOne(NewAny(Options{Features: []string{Sign}}), packettest.Plain(1, survey).Container("null"))
		if err != nil {
			t.Fatal(err)
		}
		if c.Survey != survey || string(c.ObjectID) != "an object" || len(c.Images) != 3 || c.Features[0] != 1 || c.Flags != 0 {
			t.Errorf("%s: %+v", survey, c)
		}
		if got := c.ObservedAt.Format(time.RFC3339); got != at {
			t.Errorf("%s: %s, want %s", survey, got, at)
		}
	}
}
