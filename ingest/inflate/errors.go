package inflate

import (
	"errors"
	"fmt"
)

// The kinds of refusal, for errors.Is. All are permanent: the same bytes fail the same way again.
var (
	ErrTruncated = errors.New("gzip stream ends early")                    // the input ends inside a member
	ErrCorrupt   = errors.New("gzip stream is damaged")                    // bytes that no compressor writes
	ErrChecksum  = errors.New("gzip checksum or length does not match")    // the trailer disagrees with the output
	ErrTooLarge  = errors.New("gzip stream inflates to more than allowed") // the output would pass the limit
)

// Error is a refusal with the place where it was noticed.
type Error struct {
	Kind     error  // one of ErrTruncated, ErrCorrupt, ErrChecksum, ErrTooLarge
	Position int64  // byte of the input at or just before which the fault was noticed, from 0
	Detail   string // what was wrong, in words
}

// Error renders kind, detail and position on one line.
func (e *Error) Error() string { return fmt.Sprintf("%v: %s (byte %d)", e.Kind, e.Detail, e.Position) }

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// status is how a run of the decoder ended.
type status uint8

const (
	statusDone      status = iota // the final block is complete
	statusFull                    // the next symbol does not fit the output; the run can go on with more room
	statusTruncated               // the input ended inside a block
	statusBlock                   // block type 3
	statusStored                  // length of a stored block and its complement disagree
	statusCode                    // a code that is over-subscribed or incomplete, or too many symbols
	statusRepeat                  // a run of code lengths without a start or past the end
	statusSymbol                  // bits that no code word matches, or a reserved symbol
	statusDistance                // a match that reaches before the start of the output
)

var statusDetail = [...]string{
	statusDone:      "",
	statusFull:      "output passes the limit",
	statusTruncated: "input ends inside a deflate block",
	statusBlock:     "reserved block type 3",
	statusStored:    "length of a stored block disagrees with its complement",
	statusCode:      "over-subscribed or incomplete Huffman code",
	statusRepeat:    "run of code lengths without a start or past the end",
	statusSymbol:    "bits that are no code word",
	statusDistance:  "match reaches before the start of the output",
}

// asError turns a status other than done into an error at a position.
func (s status) asError(position int) error {
	kind := ErrCorrupt
	switch s {
	case statusFull:
		kind = ErrTooLarge
	case statusTruncated:
		kind = ErrTruncated
	}
	return &Error{Kind: kind, Position: int64(position), Detail: statusDetail[s]}
}
