package schemas

import "fmt"

// Origin says where a cutout came from, exactly enough to fetch it again.
//
// For a Kafka message Topic, Partition and Offset are set and Path is empty. For an archive item Path
// names the file ("night.tar!alert.avro" for a member), Topic is the name of the archive source, and
// Offset is the item's place in the archive's fixed order.
type Origin struct {
	Topic     string
	Partition int32
	Offset    int64
	Path      string
	HDU       int32 // index of the image HDU from 0; -1 when the payload is not FITS
}

// String renders the origin as "topic/partition@offset" or as the path, with "[hdu]" when it is known.
func (o Origin) String() string {
	s := o.Path
	if s == "" {
		s = fmt.Sprintf("%s/%d@%d", o.Topic, o.Partition, o.Offset)
	}
	if o.HDU > 0 {
		s = fmt.Sprintf("%s[%d]", s, o.HDU)
	}
	return s
}
