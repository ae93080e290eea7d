package fits

import (
	"bytes"
)

const (
	cardLen  = 80
	blockLen = 2880
)

// Header is the cards of one HDU, in order, without END. It points into the payload.
type Header struct {
	cards []byte // 80 bytes a card
	keys  []key  // one a card
	// conflict is set once a looked-up name proved to occur twice with different values.
	conflict bool
}

// Len is the number of cards.
func (h *Header) Len() int { return len(h.keys) }

// Card returns the 80 bytes of card i.
func (h *Header) Card(i int) []byte { return h.cards[i*cardLen : (i+1)*cardLen] }

// scan reads cards from b until END. It returns the bytes up to and including the END card, or -1 when
// b or maxCards ends first.
func (h *Header) scan(b []byte, maxCards int) int {
	h.keys, h.conflict = h.keys[:0], false
	for off := 0; off+cardLen <= len(b) && len(h.keys) < maxCards; off += cardLen {
		k := keyOf(b[off:])
		if k == keyEnd && len(trimLeft(b[off+8:off+cardLen])) == 0 {
			h.cards = b[:off]
			return off + cardLen
		}
		h.keys = append(h.keys, k)
	}
	return -1
}

// field returns the bytes after the value indicator of card i, or nil when the card has no value.
func (h *Header) field(i int) []byte {
	c := h.Card(i)
	if c[8] == '=' {
		return c[9:]
	}
	if h.keys[i] == keyHierarch {
		if at := bytes.IndexByte(c, '='); at >= 0 {
			return c[at+1:]
		}
	}
	return nil
}

// find returns the index of the last value card named k, or -1. Where the name occurs more than once
// with different values it notes the conflict: the last one wins for every name.
func (h *Header) find(k key) int {
	last := -1
	for i, have := range h.keys {
		if have != k || h.cards[i*cardLen+8] != '=' {
			continue
		}
		if last >= 0 && !h.sameValue(last, i) {
			h.conflict = true
		}
		last = i
	}
	return last
}

// sameValue reports whether cards i and j carry the same value as written.
func (h *Header) sameValue(i, j int) bool {
	a, b := parseValue(h.field(i)), parseValue(h.field(j))
	return a.Kind == b.Kind && bytes.Equal(a.Text, b.Text)
}

// findName is find for any name: one of at most eight characters, or "HIERARCH ESO TEL ALT".
func (h *Header) findName(name string) int {
	if len(name) <= 8 {
		return h.find(makeKey(name))
	}
	last := -1
	for i, k := range h.keys {
		if k != keyHierarch || !hierarchIs(h.Card(i), name) {
			continue
		}
		if last >= 0 && !h.sameValue(last, i) {
			h.conflict = true
		}
		last = i
	}
	return last
}

// hierarchIs reports whether a HIERARCH card is named name, written with or without the word HIERARCH;
// case and the number of blanks between words do not matter.
func hierarchIs(card []byte, name string) bool {
	at := bytes.IndexByte(card, '=')
	if at < 8 {
		return false
	}
	have := card[8:at]
	if len(name) > 9 && foldEqual([]byte(name[:9]), "HIERARCH ") {
		name = name[9:]
	}
	for len(name) > 0 || len(trimLeft(have)) > 0 {
		have = trimLeft(have)
		var word string
		for len(name) > 0 && name[0] == ' ' {
			name = name[1:]
		}
		for len(word) < len(name) && name[len(word)] != ' ' {
			word = name[:len(word)+1]
		}
		name = name[len(word):]
		if word == "" || len(have) < len(word) || !foldEqual(have[:len(word)], word) {
			return false
		}
		have = have[len(word):]
		if len(have) > 0 && have[0] != ' ' {
			return false
		}
	}
	return true
}

// foldEqual compares two ASCII texts without regard to case.
func foldEqual(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if upper(a[i]) != upper(b[i]) {
			return false
		}
	}
	return true
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c - 'A' + 'a'
	}
	return c
}

// Value returns the value of the card of that name, case-blind, or ok = false when there is none. Names
// over eight characters are HIERARCH names. The last of several cards wins.
func (h *Header) Value(name string) (v Value, ok bool) {
	i := h.findName(name)
	if i < 0 {
		return Value{}, false
	}
	return parseValue(h.field(i)), true
}

// Float returns a number, also one written as a string; ok is false when the card is absent, undefined
// or no number.
func (h *Header) Float(name string) (f float64, ok bool) {
	v, _ := h.Value(name)
	return v.number()
}

// Int returns a whole number, also one written as 91.0 or '91'.
func (h *Header) Int(name string) (n int64, ok bool) {
	v, _ := h.Value(name)
	return v.integer()
}

// Text appends the value as text to dst: a string joined with its CONTINUE cards, or the token as
// written for any other kind. ok is false when the card is absent or undefined.
func (h *Header) Text(dst []byte, name string) (out []byte, ok bool) {
	i := h.findName(name)
	if i < 0 {
		return dst, false
	}
	v := parseValue(h.field(i))
	if v.Kind == Undefined {
		return dst, false
	}
	dst = v.appendText(dst)
	for v.Kind == String && continues(v) {
		i++
		w, isString := h.continuation(i)
		if !isString {
			break
		}
		dst = w.appendText(dst[:len(dst)-1]) // over the "&"
		v = w
	}
	return dst, true
}

// textIs reports whether the card of that key is a string or token equal to want, case-blind.
func (h *Header) textIs(k key, want string) bool {
	i := h.find(k)
	return i >= 0 && foldEqual(trimLeft(parseValue(h.field(i)).Text), want)
}

// continues reports whether a string value asks to be continued.
func continues(v Value) bool { return len(v.Text) > 0 && v.Text[len(v.Text)-1] == '&' }

// continuation returns the string of card i where it is a CONTINUE card with one.
func (h *Header) continuation(i int) (v Value, ok bool) {
	if i >= len(h.keys) || h.keys[i] != keyContinue {
		return Value{}, false
	}
	v = parseValue(h.Card(i)[8:])
	return v, v.Kind == String
}

// strayContinues counts the CONTINUE cards that continue nothing: the card before is no string that
// ends with "&" (standard 4.0, section 4.2.1.2).
func (h *Header) strayContinues() int {
	n := 0
	for i, k := range h.keys {
		if k != keyContinue {
			continue
		}
		if i > 0 {
			prev, ok := h.continuation(i - 1)
			if !ok && h.keys[i-1] != keyContinue {
				prev = parseValue(h.field(i - 1))
			}
			if prev.Kind == String && continues(prev) {
				continue
			}
		}
		n++
	}
	return n
}
