package tile

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNodeCodes: the table is one complete prefix code over the sixteen nodes.
func TestNodeCodes(t *testing.T) {
	sum := 0
	seen := map[uint8]uint8{}
	for i, c := range nodeCodes {
		if first, ok := seen[c.node]; ok && (c.length != nodeCodes[first].length || i>>(6-c.length) != int(first)>>(6-c.length)) {
			t.Errorf("entry %d does not share the prefix of node %d", i, c.node)
		} else if !ok {
			seen[c.node] = uint8(i)
			sum += 1 << (6 - c.length)
		}
	}
	if len(seen) != 16 || sum != 64 {
		t.Errorf("%d nodes fill %d of 64 entries", len(seen), sum)
	}
}

// TestHCompressRoundTrip: every shape and kind of image comes back, whichever way its planes are written.
func TestHCompressRoundTrip(t *testing.T) {
	var h HCompress
	for _, shape := range [][2]int{{1, 1}, {1, 2}, {2, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 7}, {7, 5}, {16, 16}, {17, 31}, {33, 12}, {64, 3}} {
		w, rows := shape[0], shape[1]
		if w*rows == 1 {
			continue // one pixel has no transform; TestHCompressStreams has it
		}
		for name, small := range samples(w*rows, -1<<28, 1<<28) {
			px := make([]int64, len(small))
			for i, v := range small {
				px[i] = int64(v)
			}
			for _, tree := range []bool{false, true} {
				got, err := h.Decode(hcompressEncode(px, w, rows, 0, tree), w, rows, false)
				if err != nil || !slices.Equal(got, px) {
					t.Fatalf("%dx%d %s, tree %v: %v\ngot  %v\nwant %v", w, rows, name, tree, err, got, px)
				}
			}
		}
	}
}

// TestHCompressLossy: scaled coefficients give the image back within the scale, smoothed or not, and
// smoothing changes it.
func TestHCompressLossy(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	const w, rows, scale = 40, 30, 20
	px := make([]int64, w*rows)
	for i := range px {
		px[i] = int64(1000 + 10*(i%w) + 7*(i/w) + int(3*rng.NormFloat64()))
	}
	b := hcompressEncode(px, w, rows, scale, true)
	var h HCompress
	rough, err := h.Decode(b, w, rows, false)
	if err != nil {
		t.Fatal(err)
	}
	rough = slices.Clone(rough)
	smooth, err := h.Decode(b, w, rows, true)
	if err != nil {
		t.Fatal(err)
	}
	var roughSum, smoothSum int64
	for i := range px {
		roughSum += (rough[i] - px[i]) * (rough[i] - px[i])
		smoothSum += (smooth[i] - px[i]) * (smooth[i] - px[i])
		if abs(rough[i]-px[i]) > 2*scale || abs(smooth[i]-px[i]) > 2*scale {
			t.Fatalf("pixel %d: %d, smoothed %d, was %d", i, rough[i], smooth[i], px[i])
		}
	}
	if smoothSum >= roughSum {
		t.Errorf("smoothing a slope does not help: squares %d to %d", roughSum, smoothSum)
	}
}

// head is the start of a stream.
func head(rows, w, scale int32, sum int64, planes ...byte) []byte {
	b := []byte{0xdd, 0x99}
	for _, v := range []int32{rows, w, scale} {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	return append(binary.BigEndian.AppendUint64(b, uint64(sum)), planes...)
}

// TestHCompressStreams: streams by hand, and refusals before anything is allocated.
func TestHCompressStreams(t *testing.T) {
	flat := append(head(4, 4, 0, 64, 0, 0, 0), 0)
	for _, tt := range []struct {
		name    string
		b       []byte
		w, rows int
		want    []int64
		err     error
	}{
		{"one pixel", append(head(1, 1, 0, -5, 0, 0, 0), 0), 1, 1, []int64{-5}, nil},
		{"constant: the sum alone", flat, 4, 4, []int64{8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8}, nil},
		{"32 bits wrap", append(head(1, 1, 0, 1<<31, 0, 0, 0), 0), 1, 1, []int64{-1 << 31}, nil},
		{"empty", nil, 4, 4, nil, ErrTruncated},
		{"head cut", flat[:24], 4, 4, nil, ErrTruncated},
		{"end cut", flat[:25], 4, 4, nil, ErrTruncated},
		{"magic", append([]byte{0xdd, 0x98}, flat[2:]...), 4, 4, nil, ErrDamaged},
		{"another shape", flat, 2, 8, nil, ErrDamaged},
		{"huge shape", append(head(1<<30, 1<<30, 0, 0, 0, 0, 0), 0), 4, 4, nil, ErrDamaged},
		{"negative shape", append(head(-4, -4, 0, 0, 0, 0, 0), 0), 4, 4, nil, ErrDamaged},
		{"too many planes", append(head(4, 4, 0, 64, 49, 0, 0), 0), 4, 4, nil, ErrDamaged},
		{"unknown form of plane", append(head(4, 4, 0, 64, 1, 0, 0), 0x70), 4, 4, nil, ErrDamaged},
		{"no end", append(head(4, 4, 0, 64, 0, 0, 0), 0x10), 4, 4, nil, ErrDamaged},
		{"bits in an empty quadrant", append(head(1, 2, 0, 64, 0, 0, 1), 0xf0), 2, 1, nil, ErrDamaged},
		{"plane cut", head(4, 4, 0, 64, 1, 0, 0), 4, 4, nil, ErrTruncated},
		{"nodes cut", append(head(8, 8, 0, 64, 2, 0, 0), 0x0f), 8, 8, nil, ErrTruncated},
		{"tree cut", append(head(8, 8, 0, 64, 2, 0, 0), 0xf9), 8, 8, nil, ErrTruncated},
	} {
		var h HCompress
		got, err := h.Decode(tt.b, tt.w, tt.rows, false)
		if !errors.Is(err, tt.err) || tt.err == nil && !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v %v, want %v %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestHCompressCut: a stream cut anywhere is refused.
func TestHCompressCut(t *testing.T) {
	px := make([]int64, 15*11)
	for i := range px {
		px[i] = int64(i * i % 97)
	}
	b := hcompressEncode(px, 15, 11, 0, true)
	var h HCompress
	for n := range b {
		if _, err := h.Decode(b[:n], 15, 11, false); !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(b), err)
		}
	}
}

// TestHCompressGolden pins a lossy stream that CFITSIO 4 wrote (through astropy 8.0.2) for 9 rows of 11
// pixels at scale 24, and the pixels it reads from it without and with smoothing.
func TestHCompressGolden(t *testing.T) {
	const stream = "dd99000000090000000b0000001800000000000003a8070302f6d7b6bda7f7556fd0064dd0900007ef20480003d650a899ffaa4a9a0c3ac90888fabc6a77c3ff7bace806d03d023804d7fc000014864090d828918680"
	b, err := hex.DecodeString(stream)
	if err != nil {
		t.Fatal(err)
	}
	rough := []int64{
		504, 528, 522, 570, 573, 585, 645, 669, 700, 772, 820, 528, 552, 546, 546, 585, 597, 609, 681, 712, 784, 820,
		552, 540, 564, 564, 609, 609, 627, 687, 718, 742, 826, 576, 564, 588, 588, 585, 633, 639, 651, 730, 754, 826,
		600, 576, 564, 600, 594, 642, 654, 666, 733, 757, 799, 624, 600, 588, 624, 618, 618, 666, 678, 697, 769, 799,
		612, 624, 606, 594, 636, 636, 678, 690, 703, 775, 805, 636, 648, 630, 618, 648, 648, 642, 702, 715, 739, 805,
		653, 629, 647, 635, 620, 656, 662, 710, 722, 746, 812,
	}
	smooth := []int64{
		504, 528, 525, 567, 568, 586, 649, 667, 703, 769, 820, 528, 552, 549, 543, 580, 598, 613, 679, 715, 781, 820,
		554, 542, 561, 573, 603, 604, 632, 683, 714, 745, 826, 573, 561, 585, 585, 591, 628, 638, 653, 727, 756, 826,
		604, 580, 568, 604, 599, 635, 654, 673, 733, 757, 799, 622, 598, 586, 622, 623, 623, 661, 678, 703, 763, 799,
		614, 626, 608, 596, 633, 639, 671, 683, 709, 769, 803, 632, 644, 626, 614, 645, 651, 647, 695, 715, 739, 806,
		653, 629, 647, 635, 621, 657, 663, 705, 719, 749, 812,
	}
	var h HCompress
	for _, tt := range []struct {
		smooth bool
		want   []int64
	}{{false, rough}, {true, smooth}} {
		if got, err := h.Decode(b, 11, 9, tt.smooth); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("smooth %v: %v\ngot  %v\nwant %v", tt.smooth, err, got, tt.want)
		}
	}
}
