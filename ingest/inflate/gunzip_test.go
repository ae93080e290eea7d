package inflate

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
)

// member wraps a raw deflate stream as a gzip member with the right trailer, as far as the standard
// library can say what it inflates to; extra is what follows the fixed header, flags first.
func member(deflate []byte, extra []byte) []byte {
	plain, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(deflate)), 1<<16))
	b := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	if len(extra) > 0 {
		b[3] = extra[0]
		b = append(b, extra[1:]...)
	}
	b = append(b, deflate...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(plain))
	return binary.LittleEndian.AppendUint32(b, uint32(len(plain)))
}

func gzipSeeds(t testing.TB) [][]byte {
	var seeds [][]byte
	streams := deflated(t)
	for i, s := range streams {
		m := member(s, nil)
		seeds = append(seeds, m, append(bytes.Clone(m), member(streams[(i+7)%len(streams)], nil)...), append(bytes.Clone(m), 0, 0, 0))
	}
	named := []byte{flagName | flagComment | flagExtra, 3, 0, 'x', 'y', 'z', 'n', 0, 'c', 0}
	return append(seeds, member(streams[2], named), nil, []byte{0x1f}, []byte{0x1f, 0x8b, 8})
}

// TestMembers is T8 of the format notes: members are joined, zeros after the last keep the payload, a
// trailer that is cut is an error.
func TestMembers(t *testing.T) {
	one, two := compress(t, []byte("first ")), compress(t, []byte("second"))
	both := append(bytes.Clone(one), two...)
	cases := []struct {
		name     string
		src      []byte
		want     string
		trailing bool
		err      error
	}{
		{"one member", one, "first ", false, nil},
		{"two members", both, "first second", false, nil},
		{"zeros after the member", append(bytes.Clone(one), make([]byte, 100)...), "first ", true, nil},
		{"one zero after two members", append(bytes.Clone(both), 0), "first second", true, nil},
		{"zeros between members", append(append(bytes.Clone(one), 0, 0), two...), "first ", false, ErrCorrupt},
		{"junk after the member", append(bytes.Clone(one), "junk"...), "first ", false, ErrCorrupt},
		{"half a header after the member", append(bytes.Clone(one), 0x1f, 0x8b), "first ", false, ErrTruncated},
		{"trailer cut by 4", both[:len(both)-4], "first second", false, ErrTruncated},
		{"trailer cut by 8", one[:len(one)-8], "first ", false, ErrTruncated},
		{"empty input", nil, "", false, ErrTruncated},
		{"no gzip", []byte("SIMPLE  =                    T"), "", false, ErrCorrupt},
		{"checksum", flip(both, len(both)-6), "first second", false, ErrChecksum},
		{"length", flip(both, len(both)-1), "first second", false, ErrChecksum},
		{"method", flip(one, 2), "", false, ErrCorrupt},
		{"reserved flag", flip(one, 3, 0x20), "", false, ErrCorrupt},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for name, d := range engines() {
				got, trailing, err := gunzip(d, nil, c.src, 1<<10)
				if string(got) != c.want || trailing != c.trailing || !errors.Is(err, c.err) {
					t.Errorf("%s: %q, trailing %v, error %v", name, got, trailing, err)
				}
			}
		})
	}
}

// flip returns a copy of b with a bit of byte i turned.
func flip(b []byte, i int, bit ...byte) []byte {
	b = bytes.Clone(b)
	if len(bit) == 0 {
		bit = []byte{1}
	}
	b[i] ^= bit[0]
	return b
}

func TestHeaderFields(t *testing.T) {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	_, _ = w.Write([]byte("payload"))
	_ = w.Close()
	fields := map[byte][]byte{flagExtra: {4, 0, 'a', 0, 'b', 'c'}, flagName: []byte("name.fits\x00"), flagComment: []byte("\x00")}
	for flags := byte(0); flags < 32; flags++ {
		extra := []byte{flags}
		for _, f := range []byte{flagExtra, flagName, flagComment} {
			if flags&f != 0 {
				extra = append(extra, fields[f]...)
			}
		}
		sumAt := headerSize + len(extra) - 1
		if flags&flagHeaderCRC != 0 {
			head := append([]byte{0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255}, extra[1:]...)
			extra = binary.LittleEndian.AppendUint16(extra, uint16(crc32.ChecksumIEEE(head)))
		}
		src := member(b.Bytes(), extra)
		if got, err := Gunzip(nil, src, 100); string(got) != "payload" || err != nil {
			t.Errorf("flags %05b: %q, %v", flags, got, err)
		}
		for n := range src {
			if _, err := Gunzip(nil, src[:n], 100); !errors.Is(err, ErrTruncated) {
				t.Fatalf("flags %05b cut at %d: %v", flags, n, err)
			}
		}
		if flags&flagHeaderCRC != 0 {
			var e *Error
			if _, err := Gunzip(nil, flip(src, sumAt), 100); !errors.Is(err, ErrChecksum) || !errors.As(err, &e) || e.Position != int64(sumAt) {
				t.Errorf("flags %05b: damaged header sum: %v", flags, err)
			}
		}
	}
}

// TestSameAsStandardLibrary covers block types, levels, sizes of room, and every cut of small streams.
func TestSameAsStandardLibrary(t *testing.T) {
	for _, s := range deflated(t) {
		plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(s)))
		if err != nil {
			t.Fatal(err)
		}
		for _, room := range []int{0, 1, len(plain) / 2, max(0, len(plain)-1), len(plain), len(plain) + 1, len(plain) + 1000} {
			checkInflate(t, s, room)
			for name, d := range engines() {
				checkGunzip(t, name, d, member(s, nil), len(plain), room)
			}
		}
		for n := 0; n < len(s); n += 1 + len(s)/200 {
			checkInflate(t, s[:n], len(plain)+10)
		}
	}
}

// TestDamaged turns single bits of stamps and texts; whatever follows must agree with the oracle.
func TestDamaged(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	streams := deflated(t)
	for range 3000 {
		s := streams[rng.IntN(len(streams))]
		if len(s) == 0 {
			continue
		}
		// Half of the damage goes where the codes of a dynamic block are.
		at := rng.IntN(len(s))
		if rng.IntN(2) == 0 {
			at = rng.IntN(min(len(s), 90))
		}
		checkInflate(t, flip(s, at, 1<<rng.IntN(8)), 25000)
	}
}

// TestGroup decodes three streams side by side: of one length and of very different ones, with faults in
// one, and with less room than one needs.
func TestGroup(t *testing.T) {
	seeds := gzipSeeds(t)
	rng := rand.New(rand.NewPCG(7, 8))
	for range 400 {
		var srcs [3][]byte
		for i := range srcs {
			if rng.IntN(8) == 0 { // a group of fewer
				continue
			}
			srcs[i] = seeds[rng.IntN(len(seeds))]
			if rng.IntN(3) == 0 && len(srcs[i]) > 20 {
				srcs[i] = flip(srcs[i], 10+rng.IntN(len(srcs[i])-10), 1<<rng.IntN(8))
			}
		}
		checkGroup(t, srcs, []int{0, 300, 20160, 30000}[rng.IntN(4)])
	}
}

// TestGunzipAllAnyNumber decodes groups and what is left over, with memory that is given and that is not.
func TestGunzipAllAnyNumber(t *testing.T) {
	var r Reader
	stamps := noiseStamps(t, 8)
	for n := range 8 {
		streams := make([]Stream, n)
		for i := range streams {
			streams[i].Src = stamps[i]
			if i%2 == 0 {
				streams[i].Dst = make([]byte, 0, 1000)
			}
		}
		r.GunzipAll(streams, stampSize)
		for i, s := range streams {
			want, _, err := oracleGunzip(stamps[i], stampSize)
			if err != nil || s.Err != nil || !bytes.Equal(s.Dst, want) {
				t.Fatalf("%d of %d: %v, %v", i, n, s.Err, err)
			}
		}
	}
}

// TestLimit: a bomb stops at the limit, and neither it nor a trailer that lies makes us allocate more.
func TestLimit(t *testing.T) {
	bomb := compress(t, make([]byte, 10<<20))
	lie := compress(t, []byte("small"))
	binary.LittleEndian.PutUint32(lie[len(lie)-4:], 1<<31)
	for name, d := range engines() {
		out, _, err := gunzip(d, nil, bomb, stampSize)
		if !errors.Is(err, ErrTooLarge) || cap(out) > stampSize || len(out) > stampSize {
			t.Errorf("%s: bomb: %v, capacity %d", name, err, cap(out))
		}
		if out, _, err = gunzip(d, nil, bomb, 10<<20); err != nil || len(out) != 10<<20 {
			t.Errorf("%s: the whole bomb: %d, %v", name, len(out), err)
		}
		if out, _, err = gunzip(d, nil, lie, 1<<30); !errors.Is(err, ErrChecksum) || cap(out) > len(lie)*maxRatio {
			t.Errorf("%s: lying trailer: %v, capacity %d", name, err, cap(out))
		}
		if _, _, err = gunzip(d, nil, bomb, -1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: negative limit: %v", name, err)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var r Reader
	dst := make([]byte, 0, stampSize)
	stamps := noiseStamps(t, 12)
	i := 0
	if n := testing.AllocsPerRun(100, func() {
		if _, _, err := r.Gunzip(dst, stamps[i%len(stamps)], stampSize); err != nil {
			t.Fatal(err)
		}
		i++
	}); n != 0 {
		t.Errorf("Gunzip allocates %v times", n)
	}
	var streams [3]Stream
	for j := range streams {
		streams[j].Dst = make([]byte, 0, stampSize)
	}
	if n := testing.AllocsPerRun(100, func() {
		for j := range streams {
			streams[j].Src = stamps[(i+j)%len(stamps)]
		}
		i++
		r.GunzipAll(streams[:], stampSize)
	}); n != 0 {
		t.Errorf("GunzipAll allocates %v times", n)
	}
}
