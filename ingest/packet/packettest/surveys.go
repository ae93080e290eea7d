package packettest

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// LSST makes an alert with the layout of LSST schema 9.0, cut to the fields that a cutout needs and some
// between them, in one schema text. It has 30x30 stamps in plain FITS.
func LSST(seed uint64) *Packet { return LSSTVersion(seed, 9, 0) }

// LSSTVersion is LSST with another version in the schema's namespace.
func LSSTVersion(seed uint64, major, minor int) *Packet {
	rng := rand.New(rand.NewPCG(seed, 2))
	namespace := "lsst.v" + strconv.Itoa(major) + "_" + strconv.Itoa(minor)
	source := record(4, "diaSource", `diaSourceId:long visit:long detector:int diaObjectId:long? ssObjectId:long?
		midpointMjdTai:double ra:double raErr:float? dec:double snr:float? psfFlux:float? extendedness:float?
		isNegative:boolean? band:string? reliability:float?`)
	source["namespace"] = namespace
	null := func(typ any) []any { return []any{"null", typ} }
	p := &Packet{Schema: encode(object{"type": "record", "name": "alert", "namespace": namespace, "fields": []any{
		object{"name": "diaSourceId", "type": "long"}, object{"name": "target_name", "type": null("string")},
		object{"name": "diaSource", "type": source},
		object{"name": "prvDiaSources", "type": null(object{"type": "array", "items": namespace + ".diaSource"})},
		object{"name": "cutoutDifference", "type": null("bytes")}, object{"name": "cutoutScience", "type": null("bytes")},
		object{"name": "cutoutTemplate", "type": null("bytes")},
	}})}
	id := rng.Int64N(1 << 60)
	measured := func() map[string]any {
		m := random(rng, p.parse().Lookup("diaSource"), 0.1)
		m["isNegative"], m["diaSourceId"], m["diaObjectId"] = rng.IntN(2) == 0, id, rng.Int64N(1<<60)+1
		m["ra"], m["dec"], m["midpointMjdTai"] = rng.Float64()*360, rng.Float64()*180-90, 60000+rng.Float64()*1000
		return m
	}
	p.Record = object{"diaSourceId": id, "target_name": "a field", "diaSource": measured(), "prvDiaSources": []any{measured(), measured()}}
	for _, name := range []string{"cutoutDifference", "cutoutScience", "cutoutTemplate"} {
		p.Record[name] = Stamp(rng, 30, 30)
	}
	return p
}

// Plain makes an alert of a survey whose stamps are plain bytes: "winter" or "decam".
func Plain(seed uint64, survey string) *Packet {
	rng := rand.New(rand.NewPCG(seed, 3))
	fields, name, size := "jd:double isdiffpos:boolean ra:double dec:double magzpsci:float?", "winter.alert", 81
	objectID, stamps := "objectid", "cutout_science cutout_template cutout_difference"
	if survey == "decam" {
		fields, name, size = "mjd:double isdiffpos:long ra:double dec:double", "desirt.alert", 63
		objectID, stamps = "objectId", "cutoutScience cutoutTemplate cutoutDifference"
	}
	list := []any{object{"name": objectID, "type": "string"}, object{"name": "candid", "type": "long"},
		object{"name": "candidate", "type": record(4, "candidate", fields)}}
	p := &Packet{Record: object{objectID: "an object", "candid": rng.Int64N(1<<40) + 1, "candidate": object{
		"jd": 2460000.25, "mjd": 60000.25, "ra": 10.5, "dec": -20.25, "magzpsci": float32(26), "isdiffpos": any(true)}}}
	if survey == "decam" {
		p.Record["candidate"].(object)["isdiffpos"] = int64(1)
	}
	for _, stamp := range strings.Fields(stamps) {
		list = append(list, object{"name": stamp, "type": "bytes"})
		p.Record[stamp] = Gzip(Stamp(rng, size, size))
	}
	p.Schema = encode(object{"type": "record", "name": name, "fields": list})
	return p
}
