package schemas

import (
	"errors"
	"fmt"
)

// Stage names the part of the pipeline that refused an input.
type Stage string

// The stages a fault can come from, in the order a cutout passes them.
const (
	StageIngest     Stage = "ingest"
	StagePreprocess Stage = "preprocess"
	StageInfer      Stage = "infer"
	StageSink       Stage = "sink"
)

// Reason is a stable machine-readable code of why an input was refused. Codes are lower-case words
// joined by underscores; they are part of the dead-letter format and never change meaning.
type Reason string

// The reason codes.
const (
	ReasonTruncated      Reason = "truncated"       // fewer bytes than the header promises
	ReasonTooLarge       Reason = "too_large"       // over a configured size limit
	ReasonNotFITS        Reason = "not_fits"        // the bytes are not FITS (the detail says what they look like)
	ReasonNoHDU          Reason = "no_hdu"          // no header with an END card
	ReasonNoImage        Reason = "no_image"        // FITS, but no HDU holds the image asked for
	ReasonBadHeader      Reason = "bad_header"      // a header card that cannot be used
	ReasonCompressed     Reason = "compressed"      // a compression this version does not read
	ReasonBadGzip        Reason = "bad_gzip"        // damaged gzip stream: format, checksum or length
	ReasonBadAvro        Reason = "bad_avro"        // damaged Avro container or datum
	ReasonUnknownSchema  Reason = "unknown_schema"  // schema id or schema shape that cannot be resolved
	ReasonMissingField   Reason = "missing_field"   // a field without which the packet has no identity
	ReasonMissingCutout  Reason = "missing_cutout"  // the packet's stamp is null or absent
	ReasonMissingFeature Reason = "missing_feature" // a scalar feature the model needs is null or absent
	ReasonMissingBand    Reason = "missing_band"    // a band the recipe needs is absent
	ReasonBadPixels      Reason = "bad_pixels"      // too many pixels without data for the recipe's policy
	ReasonBadShape       Reason = "bad_shape"       // image shape the recipe does not take
	ReasonNonFinite      Reason = "non_finite"      // the model returned NaN or infinity
	ReasonRejected       Reason = "rejected"        // a sink refused the record for good
	ReasonUnknownFormat  Reason = "unknown_format"  // no decoder recognises the payload
	ReasonInternal       Reason = "internal"        // a defect of this program, caught at a stage boundary
)

// Fault is a permanent refusal of one input: it will fail the same way however often it is tried, so it
// goes to the dead letters with its payload. Transient errors are never Faults.
type Fault struct {
	Reason   Reason
	Stage    Stage
	Position int64  // byte position in the payload; -1 when it has none
	Detail   string // one sentence for a person: what is wrong and, where there is one, the way out
	Err      error  // the cause, or nil
}

// NewFault makes a fault without a byte position.
func NewFault(stage Stage, reason Reason, format string, args ...any) *Fault {
	return &Fault{Stage: stage, Reason: reason, Position: -1, Detail: fmt.Sprintf(format, args...)}
}

// Error renders stage, reason, detail, position and cause on one line.
func (f *Fault) Error() string {
	s := fmt.Sprintf("%s: %s: %s", f.Stage, f.Reason, f.Detail)
	if f.Position >= 0 {
		s += fmt.Sprintf(" (byte %d)", f.Position)
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// AsFault returns the Fault in err's chain, or nil when err is transient or nil.
func AsFault(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return nil
}
