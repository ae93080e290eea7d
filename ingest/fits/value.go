package fits

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

// ValueKind is the type of a card's value as written.
type ValueKind uint8

// The kinds of value. Other covers what the standard does not define as a single value: complex
// numbers, and words such as NaN that some writers put in place of a number.
const (
	Undefined ValueKind = iota
	Bool
	Int
	Float
	String
	Other
)

// Value is the value of one card. Text points into the header.
type Value struct {
	Kind  ValueKind
	Bool  bool    // for Bool
	Int   int64   // for Int
	Float float64 // for Int and Float
	Text  []byte  // the token as written; for String what stands between the quotes, trailing blanks dropped

	doubled bool // Text holds doubled quotes, each meaning one
}

// parseValue reads the value in field, which starts after the "=" of a card, in free format (standard
// 4.0, section 4.2): leading blanks skipped, value ended by a slash or the end of the card.
func parseValue(field []byte) Value {
	field = trimLeft(field)
	if len(field) == 0 {
		return Value{}
	}
	if field[0] == '\'' {
		return parseString(field[1:])
	}
	tok := field
	if i := bytes.IndexByte(tok, '/'); i >= 0 {
		tok = tok[:i]
	}
	tok = trimRight(tok)
	switch {
	case len(tok) == 0:
		return Value{}
	case len(tok) == 1 && (tok[0] == 'T' || tok[0] == 'F'):
		return Value{Kind: Bool, Bool: tok[0] == 'T', Text: tok}
	}
	return parseNumber(tok)
}

// parseString reads a string whose opening quote is already consumed. A missing closing quote is
// tolerated: the rest of the card is the string.
func parseString(s []byte) Value {
	v := Value{Kind: String, Text: s}
	for i := 0; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			v.doubled = true
			i++
			continue
		}
		v.Text = s[:i]
		break
	}
	v.Text = trimRight(v.Text)
	return v
}

// parseNumber reads a FITS integer or real: digits with an optional sign, point and exponent, the
// exponent letter E or D in either case. Anything else is Other.
func parseNumber(tok []byte) Value {
	v := Value{Kind: Other, Text: tok}
	isInt, ok := scanNumber(tok)
	if !ok {
		return v
	}
	if isInt {
		if n, fits := parseInt(tok); fits {
			v.Kind, v.Int, v.Float = Int, n, float64(n)
			return v
		}
	}
	v.Kind, v.Float = Float, parseFloat(tok)
	return v
}

// scanNumber checks the grammar of a number and reports whether it is an integer as written.
func scanNumber(tok []byte) (isInt, ok bool) {
	i, digits := 0, 0
	if i < len(tok) && (tok[i] == '+' || tok[i] == '-') {
		i++
	}
	isInt = true
	for ; i < len(tok); i++ {
		if c := tok[i]; c >= '0' && c <= '9' {
			digits++
		} else if c == '.' && isInt {
			isInt = false
		} else {
			break
		}
	}
	if digits == 0 || i == len(tok) {
		return isInt, digits > 0
	}
	if c := tok[i] | 0x20; c != 'e' && c != 'd' {
		return false, false
	}
	i++
	if i < len(tok) && (tok[i] == '+' || tok[i] == '-') {
		i++
	}
	if i == len(tok) {
		return false, false
	}
	for ; i < len(tok); i++ {
		if tok[i] < '0' || tok[i] > '9' {
			return false, false
		}
	}
	return false, true
}

// parseInt converts an optional sign and digits; fits is false beyond the range of int64.
func parseInt(tok []byte) (n int64, fits bool) {
	neg := false
	if tok[0] == '+' || tok[0] == '-' {
		neg = tok[0] == '-'
		tok = tok[1:]
	}
	var u uint64
	for _, c := range tok {
		d := uint64(c - '0')
		if u > (1<<63-d)/10 { // u*10+d <= 2^63
			return 0, false
		}
		u = u*10 + d
	}
	if neg {
		return -int64(u), true // u = 2^63 wraps to the least int64, as it should
	}
	return int64(u), u < 1<<63
}

// parseFloat converts a token that scanNumber accepted; out of range becomes infinity or zero.
func parseFloat(tok []byte) float64 {
	var buf [cardLen]byte
	n := copy(buf[:], tok)
	for i := range buf[:n] {
		if c := buf[i] | 0x20; c == 'd' {
			buf[i] = 'e'
		}
	}
	// The error of an accepted token can only be a range error, whose result is the one wanted.
	f, _ := strconv.ParseFloat(string(buf[:n]), 64)
	return f
}

// number returns the value as a float64 where it is a number, or a string that reads as one.
func (v Value) number() (float64, bool) {
	switch v.Kind {
	case Int, Float:
		return v.Float, true
	case String:
		if w := parseNumber(trimLeft(v.Text)); w.Kind == Int || w.Kind == Float {
			return w.Float, true
		}
	}
	return 0, false
}

// integer returns the value where it is a whole number within int64, however it is written: 91, 91.0,
// '91'.
func (v Value) integer() (int64, bool) {
	if v.Kind == String {
		v = parseNumber(trimLeft(v.Text))
	}
	switch v.Kind {
	case Int:
		return v.Int, true
	case Float:
		if n := int64(v.Float); v.Float > -1<<62 && v.Float < 1<<62 && float64(n) == v.Float {
			return n, true
		}
	}
	return 0, false
}

// appendText appends the value as text: a string with doubled quotes undone, anything else as written.
func (v Value) appendText(dst []byte) []byte {
	if !v.doubled {
		return append(dst, v.Text...)
	}
	for i := 0; i < len(v.Text); i++ {
		dst = append(dst, v.Text[i])
		if v.Text[i] == '\'' {
			i++
		}
	}
	return dst
}

// blanks is eight blanks as one word: cards are mostly blanks, so they are skipped a word at a time.
const blanks = 0x2020202020202020

// trimLeft drops leading blanks and control characters.
func trimLeft(b []byte) []byte {
	for len(b) >= 8 && binary.LittleEndian.Uint64(b) == blanks {
		b = b[8:]
	}
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	return b
}

// trimRight drops trailing blanks and control characters.
func trimRight(b []byte) []byte {
	for len(b) >= 8 && binary.LittleEndian.Uint64(b[len(b)-8:]) == blanks {
		b = b[:len(b)-8]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}
