package simulate

import (
	"bytes"
	"strings"
	"sync"
	"testing"
)

func TestPacketsDependOnSeedAndIndexAlone(t *testing.T) {
	for _, format := range []Format{FormatFITS, FormatZTF} {
		t.Run(string(format), func(t *testing.T) {
			const n = 12
			cfg := Config{Seed: 11, Format: format, Size: 48}
			want := make([]Packet, n)
			a := survey(t, cfg)
			for i := range want {
				want[i] = packet(t, a, uint64(i))
			}
			b := survey(t, cfg)
			got := make([]Packet, n)
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					for i := n - 1 - w; i >= 0; i -= 4 { // backwards, from four goroutines
						got[i], _ = b.Next(uint64(i))
					}
				})
			}
			wg.Wait()
			for i := range want {
				if !bytes.Equal(got[i].Value, want[i].Value) || got[i].ObjectID != want[i].ObjectID || got[i].Class != want[i].Class {
					t.Fatalf("packet %d differs between two surveys of the same configuration", i)
				}
			}
			other := survey(t, Config{Seed: 12, Format: format, Size: 48})
			if bytes.Equal(packet(t, other, 3).Value, want[3].Value) {
				t.Error("another seed gave the same packet")
			}
		})
	}
}

func TestDistinctRepeatsTheSkyUnderNewIdentities(t *testing.T) {
	for _, format := range []Format{FormatFITS, FormatZTF} {
		s := survey(t, Config{Format: format, Size: 48, Distinct: 3})
		a, b, c := packet(t, s, 1), packet(t, s, 4), packet(t, s, 2)
		if a.ObjectID == b.ObjectID || !a.Time.Before(b.Time) {
			t.Errorf("%s: packets 1 and 4 share their identity", format)
		}
		k1, err := s.skyOf(1)
		if err != nil {
			t.Fatal(err)
		}
		for _, img := range k1.images {
			if !bytes.Contains(a.Value, img) || !bytes.Contains(b.Value, img) {
				t.Errorf("%s: packets 1 and 4 do not show the same sky", format)
			}
			if bytes.Contains(c.Value, img) {
				t.Errorf("%s: packet 2 shows the sky of packet 1", format)
			}
		}
		fresh := packet(t, survey(t, Config{Format: format, Size: 48, Distinct: 3}), 4)
		if !bytes.Equal(fresh.Value, b.Value) {
			t.Errorf("%s: a kept sky and a fresh one differ", format)
		}
	}
}

func TestMixIsFollowed(t *testing.T) {
	mix := make([]float64, NumClasses)
	mix[Merging], mix[EdgeOnBulge] = 1, 3
	s := survey(t, Config{Mix: mix, Size: 32})
	var count [NumClasses]int
	for i := range uint64(400) {
		count[s.pick(s.rng(i, streamSky))]++
	}
	if count[Merging]+count[EdgeOnBulge] != 400 || count[Merging] < 70 || count[Merging] > 130 {
		t.Errorf("a mix of 1 to 3 gave %v", count)
	}
	if p := packet(t, s, 0); p.Class != s.pick(s.rng(0, streamSky)) {
		t.Errorf("packet 0 says it is a %s", p.Class)
	}
}

func TestObjectNamesDoNotRepeat(t *testing.T) {
	seen := make(map[string]bool)
	at := Config{}.withDefaults().Start
	for i := range uint64(20000) {
		name := objectName(5, i, at)
		if len(name) != 12 || !strings.HasPrefix(name, "ZTF26") || seen[name] {
			t.Fatalf("object %d is named %q", i, name)
		}
		seen[name] = true
	}
}

func TestNewListsEveryFault(t *testing.T) {
	_, err := New(Config{Format: "tiff", Size: 7, Mix: []float64{-1}, Cadence: -1, Workers: -2})
	if err == nil {
		t.Fatal("an impossible configuration was accepted")
	}
	for _, want := range []string{"tiff", "size is 7", "mix has 1 weights", "weight 0", "no positive weight", "cadence", "workers"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing from: %v", want, err)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	if _, _, err := survey(t, Config{Format: FormatZTF}).Cutout(0); err == nil {
		t.Error("a ZTF survey handed out a three-band cutout")
	}
}

func BenchmarkNext(b *testing.B) {
	for name, cfg := range map[string]Config{
		"fits": {}, "ztf": {Format: FormatZTF}, "fits-kept": {Distinct: 16}, "ztf-kept": {Format: FormatZTF, Distinct: 16},
	} {
		s := survey(b, cfg)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := range b.N {
				b.SetBytes(int64(len(packet(b, s, uint64(i)).Value)))
			}
		})
	}
}
