package inflate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"testing"
)

// engines are the decoders of this build: the reference and, where there is one, the one in C.
func engines() map[string]inflater {
	return map[string]inflater{"reference": new(decoder), "native": new(engine)}
}

// oracleGunzip inflates with the standard library under the rules of Gunzip: members are joined, zeros
// after the last are passed over, output over limit is an error.
func oracleGunzip(src []byte, limit int) (out []byte, trailing bool, err error) {
	br := bytes.NewReader(src)
	zr, err := gzip.NewReader(br)
	if err != nil {
		return nil, false, err
	}
	for {
		zr.Multistream(false)
		part, err := io.ReadAll(io.LimitReader(zr, int64(limit-len(out)+1)))
		if err != nil {
			return nil, false, err
		}
		if out = append(out, part...); len(out) > limit {
			return nil, false, ErrTooLarge
		}
		rest := src[len(src)-br.Len():]
		if len(rest) == 0 {
			return out, false, nil
		}
		if len(bytes.Trim(rest, "\x00")) == 0 {
			return out, true, nil
		}
		if err := zr.Reset(br); err != nil {
			return nil, false, err
		}
	}
}

// strictHeader reports whether a header field is one that we and the standard library judge apart: it
// lets reserved flags pass, which RFC 1952 forbids, and refuses names over 511 bytes.
func strictHeader(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Detail == "reserved header flags are set"
}

func longName(src []byte) bool {
	return len(src) > 512 && errors.Is(func() error { _, _, err := oracleGunzip(src, 1<<20); return err }(), gzip.ErrHeader)
}

// checkGunzip holds an engine's answer against the oracle's, and the bytes behind dst against writing.
func checkGunzip(t *testing.T, name string, d inflater, src []byte, limit, room int) {
	t.Helper()
	want, wantTrailing, wantErr := oracleGunzip(src, limit)
	guarded := bytes.Repeat([]byte{0xa5}, room+64)
	got, trailing, err := gunzip(d, guarded[:0:room], src, limit)
	for i, b := range guarded[room:] {
		if b != 0xa5 {
			t.Fatalf("%s wrote %d bytes past the room it was given", name, i+1)
		}
	}
	switch {
	case strictHeader(err), err == nil && longName(src):
		return
	case (err == nil) != (wantErr == nil):
		t.Fatalf("%s: error %v, standard library %v", name, err, wantErr)
	case err == nil && !bytes.Equal(got, want):
		t.Fatalf("%s: %d bytes differ from the standard library's %d", name, len(got), len(want))
	case err == nil && trailing != wantTrailing:
		t.Fatalf("%s: trailing %v, want %v", name, trailing, wantTrailing)
	case cap(got) > max(room, limit):
		t.Fatalf("%s: capacity %d over limit %d", name, cap(got), limit)
	}
}

// checkInflate does the same for a raw deflate stream, and holds the engines against each other: same
// status, same output, same end.
func checkInflate(t *testing.T, src []byte, room int) {
	t.Helper()
	fr := flate.NewReader(bytes.NewReader(src))
	want, wantErr := io.ReadAll(io.LimitReader(fr, int64(room)+1))
	var ref decoder
	refOut := make([]byte, room)
	ref.start(0, 0)
	refStatus := ref.run(refOut, src, 0)
	refIn, refEnd := ref.position()
	for name, d := range engines() {
		guarded := bytes.Repeat([]byte{0xa5}, room+64)
		d.start(0, 0)
		s := d.run(guarded[:room:room], src, 0)
		in, end := d.position()
		if len(bytes.Trim(guarded[room:], "\xa5")) != 0 {
			t.Fatalf("%s wrote past its room", name)
		}
		if in < 0 || in > len(src) || end < 0 || end > room {
			t.Fatalf("%s: position %d of %d, %d of %d", name, in, len(src), end, room)
		}
		if s != refStatus || end != refEnd || !bytes.Equal(guarded[:end], refOut[:end]) || s == statusDone && in != refIn {
			t.Fatalf("%s: status %d after %d bytes at %d; reference %d after %d at %d", name, s, end, in, refStatus, refEnd, refIn)
		}
	}
	fits := wantErr == nil && len(want) <= room
	if (refStatus == statusDone) != fits {
		t.Fatalf("status %d; standard library %d bytes, error %v", refStatus, len(want), wantErr)
	}
	if fits && !bytes.Equal(refOut[:refEnd], want) {
		t.Fatalf("output differs from the standard library's")
	}
	if n := min(len(want), refEnd); wantErr != nil && !bytes.Equal(refOut[:n], want[:n]) {
		t.Fatalf("output before the fault differs from the standard library's")
	}
}

// checkGroup holds GunzipAll against Gunzip.
func checkGroup(t *testing.T, srcs [3][]byte, limit int) {
	t.Helper()
	var group, single Reader
	var streams [3]Stream
	var guarded [3][]byte
	for i, src := range srcs {
		guarded[i] = bytes.Repeat([]byte{0xa5}, limit+64)
		streams[i] = Stream{Src: src, Dst: guarded[i][:0:limit]}
	}
	group.GunzipAll(streams[:], limit)
	for i, src := range srcs {
		want, trailing, err := single.Gunzip(nil, src, limit)
		s := streams[i]
		if !bytes.Equal(s.Dst, want) || s.Trailing != trailing || errText(s.Err) != errText(err) {
			t.Fatalf("stream %d: %d bytes, trailing %v, %v; alone %d, %v, %v", i, len(s.Dst), s.Trailing, s.Err, len(want), trailing, err)
		}
		if len(bytes.Trim(guarded[i][limit:], "\xa5")) != 0 {
			t.Fatalf("stream %d wrote past its room", i)
		}
	}
}

// errText is the kind and detail of an error: the place may be the byte before or after.
func errText(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind.Error() + e.Detail
	}
	return ""
}
