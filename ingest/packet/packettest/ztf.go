// Package packettest makes alert packets for tests and benchmarks: the layouts of real surveys, with
// random values and stamps, each from a seed.
//
// Guarantee: the same seed gives the same packet; what a packet holds is readable from its Record, so
// that a test can compare. It panics where a test helper may.
package packettest

import (
	"encoding/json"
	"math/rand/v2"
	"strings"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/ingest/avro/avrotest"
)

// The fields of the records of a ZTF alert: name:type, where a question mark makes a type nullable.
const (
	candidateFields = `jd:double fid:int pid:long diffmaglim:float? pdiffimfilename:string? programpi:string?
		programid:int candid:long isdiffpos:string tblid:long? nid:int? rcid:int? field:int? xpos:float? ypos:float?
		ra:double dec:double magpsf:float sigmapsf:float chipsf:float? magap:float? sigmagap:float? distnr:float?
		magnr:float? sigmagnr:float? chinr:float? sharpnr:float? sky:float? magdiff:float? fwhm:float? classtar:float?
		mindtoedge:float? magfromlim:float? seeratio:float? aimage:float? bimage:float? aimagerat:float? bimagerat:float?
		elong:float? nneg:int? nbad:int? rb:float? ssdistnr:float? ssmagnr:float? ssnamenr:string? sumrat:float?
		magapbig:float? sigmagapbig:float? ranr:double decnr:double sgmag1:float? srmag1:float? simag1:float?
		szmag1:float? sgscore1:float? distpsnr1:float? ndethist:int ncovhist:int jdstarthist:double? jdendhist:double?
		scorr:double? tooflag:int? objectidps1:long? objectidps2:long? sgmag2:float? srmag2:float? simag2:float?
		szmag2:float? sgscore2:float? distpsnr2:float? objectidps3:long? sgmag3:float? srmag3:float? simag3:float?
		szmag3:float? sgscore3:float? distpsnr3:float? nmtchps:int rfid:long jdstartref:double jdendref:double
		nframesref:int rbversion:string dsnrms:float? ssnrms:float? dsdiff:float? magzpsci:float? magzpsciunc:float?
		magzpscirms:float? nmatches:int clrcoeff:float? clrcounc:float? zpclrcov:float? zpmed:float? clrmed:float?
		clrrms:float? neargaia:float? neargaiabright:float? maggaia:float? maggaiabright:float? exptime:float?
		drb:float? drbversion:string`
	previousFields = `jd:double fid:int pid:long diffmaglim:float? pdiffimfilename:string? programpi:string?
		programid:int candid:long? isdiffpos:string? tblid:long? nid:int? rcid:int? field:int? xpos:float? ypos:float?
		ra:double? dec:double? magpsf:float? sigmapsf:float? chipsf:float? magap:float? sigmagap:float? distnr:float?
		magnr:float? sigmagnr:float? chinr:float? sharpnr:float? sky:float? magdiff:float? fwhm:float? classtar:float?
		mindtoedge:float? magfromlim:float? seeratio:float? aimage:float? bimage:float? aimagerat:float? bimagerat:float?
		elong:float? nneg:int? nbad:int? rb:float? ssdistnr:float? ssmagnr:float? ssnamenr:string? sumrat:float?
		magapbig:float? sigmagapbig:float? ranr:double? decnr:double? scorr:double? magzpsci:float? magzpsciunc:float?
		magzpscirms:float? clrcoeff:float? clrcounc:float? rbversion:string`
	forcedFields = `field:int? rcid:int? fid:int pid:long rfid:long sciinpseeing:float? scibckgnd:float? scisigpix:float?
		magzpsci:float? magzpsciunc:float? magzpscirms:float? clrcoeff:float? clrcounc:float? exptime:float?
		adpctdif1:float? adpctdif2:float? diffmaglim:float? programid:int jd:double forcediffimflux:float?
		forcediffimfluxunc:float? procstatus:string? distnr:float? ranr:double decnr:double magnr:float? sigmagnr:float?
		chinr:float? sharpnr:float?`
)

// object is a JSON object.
type object = map[string]any

// orNull makes a type nullable: null first since 4.0, last before.
func orNull(major int, typ any) []any {
	if major < 4 {
		return []any{typ, "null"}
	}
	return []any{"null", typ}
}

// record makes the schema of a record from a list of fields.
func record(major int, name, fields string) object {
	var list []any
	for _, f := range strings.Fields(fields) {
		name, typ, _ := strings.Cut(f, ":")
		plain, nullable := strings.CutSuffix(typ, "?")
		field := object{"name": name, "type": plain, "doc": "a value that the survey measured"}
		if nullable {
			field["type"], field["default"] = orNull(major, plain), nil
		}
		list = append(list, field)
	}
	return object{"type": "record", "name": name, "namespace": "ztf.alert", "fields": list}
}

// ZTFSchema is the schema of ZTF alerts of a major version: 3 has the old order of unions with null and
// no forced photometry, 4 the new order and both histories.
func ZTFSchema(major int) string {
	stamp := object{"type": "record", "name": "cutout", "namespace": "ztf.alert", "fields": []any{
		object{"name": "fileName", "type": "string"}, object{"name": "stampData", "type": "bytes"}}}
	list := func(items any) any { return orNull(major, object{"type": "array", "items": items}) }
	fields := []any{
		object{"name": "schemavsn", "type": "string"}, object{"name": "publisher", "type": "string"},
		object{"name": "objectId", "type": "string"}, object{"name": "candid", "type": "long"},
		object{"name": "candidate", "type": record(major, "candidate", candidateFields)},
		object{"name": "prv_candidates", "type": list(record(major, "prv_candidate", previousFields)), "default": nil},
	}
	if major >= 4 {
		fields = append(fields, object{"name": "fp_hists", "type": list(record(major, "fp_hist", forcedFields)), "default": nil})
	}
	fields = append(fields,
		object{"name": "cutoutScience", "type": orNull(major, stamp), "default": nil},
		object{"name": "cutoutTemplate", "type": orNull(major, "ztf.alert.cutout"), "default": nil},
		object{"name": "cutoutDifference", "type": orNull(major, "ztf.alert.cutout"), "default": nil},
	)
	version := "3.3"
	if major >= 4 {
		version = "4.02"
	}
	return encode(object{"type": "record", "name": "alert", "namespace": "ztf", "version": version, "fields": fields})
}

func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Packet is an alert before it is encoded.
type Packet struct {
	Schema string
	Record map[string]any // as avrotest.Append takes it
}

// parse returns the parsed schema.
func (p *Packet) parse() *avro.Schema {
	s, err := avro.Parse([]byte(p.Schema))
	if err != nil {
		panic(err)
	}
	return s
}

// Datum is the encoded record alone.
func (p *Packet) Datum() []byte { return avrotest.Append(nil, p.parse(), p.Record) }

// Container is the packet as an object container file.
func (p *Packet) Container(codec string) []byte {
	return avrotest.Container(p.Schema, codec, [][]byte{p.Datum()})
}

// Contain wraps an encoded record in an object container file, uncompressed.
func Contain(schema string, datum []byte) []byte {
	return avrotest.Container(schema, "null", [][]byte{datum})
}

// Wire is the packet in the Confluent wire format.
func (p *Packet) Wire(id int32) []byte {
	return append([]byte{0, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}, p.Datum()...)
}

// ZTF makes a random alert. Histories are 5 to 30 epochs long, nearly half of them upper limits, whose
// measurements are null; one nullable value in twenty is null elsewhere.
func ZTF(seed uint64, major int) *Packet {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := &Packet{Schema: ZTFSchema(major)}
	s := p.parse()
	candidate := random(rng, s.Lookup("candidate"), 0.05)
	candidate["jd"] = 2458000 + rng.Float64()*3000
	candidate["ra"], candidate["dec"] = rng.Float64()*360, rng.Float64()*180-90
	candidate["isdiffpos"] = []string{"t", "f", "1", "0"}[rng.IntN(4)]
	p.Record = object{
		"schemavsn": "4.02", "publisher": "packettest", "objectId": "ZTF" + randomText(rng, 9), "candid": rng.Int64N(1 << 62),
		"candidate": candidate, "prv_candidates": history(rng, s.Lookup("prv_candidates").Items),
	}
	if major >= 4 {
		p.Record["fp_hists"] = history(rng, s.Lookup("fp_hists").Items)
	}
	for _, name := range []string{"cutoutScience", "cutoutTemplate", "cutoutDifference"} {
		p.Record[name] = object{"fileName": name + ".fits.gz", "stampData": Gzip(Stamp(rng, 63, 63))}
	}
	return p
}

// history makes a list of epochs.
func history(rng *rand.Rand, s *avro.Schema) []any {
	var out []any
	for range 5 + rng.IntN(26) {
		nulls := 0.05
		if rng.IntN(100) < 45 {
			nulls = 0.9
		}
		out = append(out, random(rng, s, nulls))
	}
	return out
}

// random fills a record of scalars; nulls is the fraction of nullable values that are null.
func random(rng *rand.Rand, s *avro.Schema, nulls float64) map[string]any {
	out := object{}
	for _, f := range s.Fields {
		typ := s.Lookup(f.Name)
		if typ != f.Type && rng.Float64() < nulls {
			out[f.Name] = nil
			continue
		}
		switch typ.Kind {
		case avro.KindInt:
			out[f.Name] = rng.IntN(2000)
		case avro.KindLong:
			out[f.Name] = rng.Int64N(1 << (8 + rng.IntN(54)))
		case avro.KindFloat:
			out[f.Name] = float32(rng.NormFloat64() * 20)
		case avro.KindDouble:
			out[f.Name] = rng.NormFloat64() * 100
		case avro.KindString:
			out[f.Name] = randomText(rng, 4+rng.IntN(40))
		}
	}
	return out
}

func randomText(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + rng.IntN(26))
	}
	return string(b)
}
