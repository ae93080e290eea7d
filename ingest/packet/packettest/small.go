package packettest

// SmallZTF makes a ZTF alert of about a kilobyte for fuzzing: the fields that a cutout needs, in the union
// order of a major version, and stamps of 5x4 pixels, the template not gzipped.
func SmallZTF(major int) *Packet {
	pixels := make([]float32, 20)
	for i := range pixels {
		pixels[i] = float32(i)
	}
	candidate := record(major, "candidate", "jd:double isdiffpos:string ra:double dec:double drb:float? magzpsci:float?")
	stamp := object{"type": "record", "name": "cutout", "namespace": "ztf.alert", "fields": []any{
		object{"name": "fileName", "type": "string"}, object{"name": "stampData", "type": "bytes"}}}
	p := &Packet{
		Schema: encode(object{"type": "record", "name": "alert", "namespace": "ztf", "fields": []any{
			object{"name": "objectId", "type": "string"}, object{"name": "candid", "type": "long"},
			object{"name": "candidate", "type": candidate},
			object{"name": "cutoutScience", "type": orNull(major, stamp)},
			object{"name": "cutoutTemplate", "type": orNull(major, "ztf.alert.cutout")},
			object{"name": "cutoutDifference", "type": orNull(major, "ztf.alert.cutout")},
		}}),
		Record: object{"objectId": "ZTF18abudxnw", "candid": int64(2695378462115010012), "candidate": object{
			"jd": 2460449.8784606, "isdiffpos": "f", "ra": 295.3, "dec": -10.4, "drb": float32(0.99), "magzpsci": nil}},
	}
	for _, name := range []string{"cutoutScience", "cutoutTemplate", "cutoutDifference"} {
		data := FITS(5, 4, pixels)
		if name != "cutoutTemplate" {
			data = Gzip(data)
		}
		p.Record[name] = object{"fileName": "", "stampData": data}
	}
	return p
}

// SmallLSST makes an LSST alert with stamps of 5x4 pixels and no history.
func SmallLSST() *Packet {
	p := LSST(1)
	p.Record["prvDiaSources"] = nil
	for _, name := range []string{"cutoutDifference", "cutoutScience", "cutoutTemplate"} {
		p.Record[name] = Gzip(FITS(5, 4, make([]float32, 20)))
	}
	return p
}
