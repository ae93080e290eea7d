package packet

import (
	"context"
	"io"
	"strings"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/schemas"
)

// maxPlans bounds the schema ids a worker keeps plans for.
const maxPlans = 32

// decoder reads packets of the layouts it was given. It holds the scratch memory of one worker.
type decoder struct {
	opts      Options
	layouts   []*layout
	container *avro.Container
	byText    *avro.Cache[*plan]
	byID      map[int32]*plan
	row       []avro.Value
	stamps    stamps
}

var _ ingest.Decoder = (*ZTF)(nil)
var _ ingest.Decoder = (*LSST)(nil)
var _ ingest.Decoder = (*Any)(nil)

// ZTF decodes Avro containers with one ZTF alert each (schema 3.x and 4.x).
type ZTF struct{ decoder }

// NewZTF makes a decoder for one worker; o must be valid.
func NewZTF(o Options) *ZTF {
	d := &ZTF{}
	d.init(o, &ztf)
	return d
}

// Decode fills c from one packet; see Any.Decode for the faults.
func (d *ZTF) Decode(m *ingest.Message, c *schemas.Cutout) error {
	return d.decodeContainer(m.Value, c)
}

// LSST decodes LSST alerts (schema 5.0 to 11.0) in the Confluent wire format, or in a container of one.
type LSST struct{ decoder }

// NewLSST makes a decoder for one worker; o must be valid.
func NewLSST(o Options) *LSST {
	d := &LSST{}
	d.init(o, &lsst)
	return d
}

// Decode fills c from one packet; see Any.Decode for the faults.
func (d *LSST) Decode(m *ingest.Message, c *schemas.Cutout) error { return d.decode(m.Value, c) }

// Any decodes a packet of any survey this package knows, by the name of its record.
type Any struct{ decoder }

// NewAny makes a decoder for one worker; o must be valid.
func NewAny(o Options) *Any {
	d := &Any{}
	d.init(o, &ztf, &lsst, &winter, &decam)
	return d
}

// Decode fills c from one packet. A message that starts with a zero byte is in the Confluent wire format,
// any other is a container. A null or absent feature is NaN.
//
// Faults: ReasonTruncated, ReasonBadAvro (damaged, more or fewer than one record, bytes left over),
// ReasonTooLarge, ReasonCompressed (codec), ReasonUnknownSchema (id, or a record of no known survey),
// ReasonMissingField (no identity), ReasonMissingCutout, and those of the stamp reader. An error that is
// not a Fault is transient: the schema registry did not answer.
func (d *Any) Decode(m *ingest.Message, c *schemas.Cutout) error { return d.decode(m.Value, c) }

func (d *decoder) init(o Options, layouts ...*layout) {
	d.opts = o.withDefaults()
	d.layouts = layouts
	d.container = avro.NewContainer(d.opts.MaxInflated)
	d.byText = avro.NewCache(d.bind)
	d.byID = map[int32]*plan{}
	d.stamps.limits = d.opts.Limits
	d.stamps.readers = map[*layout]stampReader{}
}

// decode reads a packet in either framing: first all that is not pixels, then the stamps.
func (d *decoder) decode(payload []byte, c *schemas.Cutout) error {
	if id, datum, ok := avro.Wire(payload); ok {
		p, err := d.resolve(id)
		if err != nil {
			return err
		}
		if err := d.fields(p, datum, avro.WireBytes, c); err != nil {
			return err
		}
		return d.stamps.read(p, d.row, avro.WireBytes, c)
	}
	return d.decodeContainer(payload, c)
}

// decodeContainer reads a container that holds one record.
func (d *decoder) decodeContainer(payload []byte, c *schemas.Cutout) error {
	p, base, err := d.record(payload, c)
	if err != nil {
		return err
	}
	return d.stamps.read(p, d.row, base, c)
}

// record opens a container and reads the fields of its one record. base is the record's position in the
// payload, -1 when it was inflated.
func (d *decoder) record(payload []byte, c *schemas.Cutout) (p *plan, base int64, err error) {
	if err := d.container.Open(payload); err != nil {
		return nil, 0, err
	}
	if p, err = d.byText.Get(d.container.Schema); err != nil {
		return nil, 0, schemaFault(err)
	}
	block, err := d.container.Next()
	switch {
	case err == io.EOF:
		return nil, 0, schemas.NewFault(schemas.StageIngest, schemas.ReasonBadAvro, "the Avro container holds no record")
	case err != nil:
		if block.Data != nil {
			_, _ = p.program.Run(block.Data, block.Base, d.slots(p)) // for the identity; err says why it fails
			p.identify(d.row, c)
		}
		return nil, 0, err
	case block.Records != 1:
		return nil, 0, tooMany(block.Records)
	}
	if err := d.fields(p, block.Data, block.Base, c); err != nil {
		return nil, 0, err
	}
	if more, err := d.container.Next(); err == nil {
		return nil, 0, tooMany(1 + more.Records)
	} else if err != io.EOF {
		return nil, 0, err
	}
	return p, block.Base, nil
}

// tooMany refuses a container that is not one packet: one message gives one cutout, and the others would
// be lost.
func tooMany(n int64) error {
	return schemas.NewFault(schemas.StageIngest, schemas.ReasonBadAvro,
		"the Avro container holds %d records or more; split it into one a message", n)
}

// fields walks one record, which must fill b, and fills in all of the cutout but its images.
func (d *decoder) fields(p *plan, b []byte, base int64, c *schemas.Cutout) error {
	row := d.slots(p)
	n, err := p.program.Run(b, base, row)
	p.identify(row, c)
	if err != nil {
		return err
	}
	if n != len(b) {
		f := schemas.NewFault(schemas.StageIngest, schemas.ReasonBadAvro,
			"%d bytes are left after the %s packet; its schema is not the writer's, or the message was joined to another", len(b)-n, p.layout.survey)
		if base >= 0 {
			f.Position = base + int64(n)
		}
		return f
	}
	if err := p.identified(c); err != nil {
		return err
	}
	p.measure(row, c)
	return nil
}

// slots returns the row for a plan, reusing its memory.
func (d *decoder) slots(p *plan) []avro.Value {
	if n := p.program.Slots(); cap(d.row) < n {
		d.row = make([]avro.Value, n)
	} else {
		d.row = d.row[:n]
	}
	return d.row
}

// bind finds the layout of a schema and makes the plan.
func (d *decoder) bind(s *avro.Schema) (*plan, error) {
	for _, l := range d.layouts {
		if s.Kind == avro.KindRecord && strings.HasPrefix(s.Name, l.root) {
			p, err := newPlan(l, s, &d.opts)
			if err == nil {
				p.reader = d.stamps.reader(l)
			}
			return p, err
		}
	}
	return nil, schemas.NewFault(schemas.StageIngest, schemas.ReasonUnknownSchema,
		"the packet is a %s %q, which is no alert of %s", s.Kind, s.Name, d.surveys())
}

// surveys lists the surveys this decoder reads.
func (d *decoder) surveys() string {
	names := make([]string, len(d.layouts))
	for i, l := range d.layouts {
		names[i] = l.survey
	}
	return strings.Join(names, ", ")
}

// resolve returns the plan for a schema id.
func (d *decoder) resolve(id int32) (*plan, error) {
	if p := d.byID[id]; p != nil {
		return p, nil
	}
	if d.opts.Schemas == nil {
		return nil, schemas.NewFault(schemas.StageIngest, schemas.ReasonUnknownSchema,
			"the packet names schema id %d, and no registry or schema folder is configured", id)
	}
	ctx, cancel := context.WithTimeout(context.Background(), d.opts.ResolveTimeout)
	defer cancel()
	s, err := d.opts.Schemas.Resolve(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := d.bind(s)
	if err != nil {
		return nil, schemaFault(err)
	}
	if len(d.byID) >= maxPlans {
		clear(d.byID)
	}
	d.byID[id] = p
	return p, nil
}

// schemaFault makes a fault of a schema that cannot be used.
func schemaFault(err error) error {
	if f := schemas.AsFault(err); f != nil {
		return f
	}
	f := schemas.NewFault(schemas.StageIngest, schemas.ReasonUnknownSchema, "the packet's schema cannot be used")
	f.Err = err
	return f
}
