package packet

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/galaxalign/galaxalign/ingest/packet/packettest"
	"github.com/galaxalign/galaxalign/schemas"
)

// corpusEnv names the folder with packets.lp, ZTF packets as records of [length uint32 LE][payload].
const corpusEnv = "GALAXALIGN_CORPUS"

// corpus returns up to n packets of the corpus.
func corpus(tb testing.TB, n int) [][]byte {
	dir := os.Getenv(corpusEnv)
	if dir == "" {
		tb.Skipf("set %s to the folder with packets.lp", corpusEnv)
	}
	f, err := os.Open(filepath.Join(dir, "packets.lp"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var out [][]byte
	for len(out) < n {
		var size [4]byte
		if _, err := io.ReadFull(f, size[:]); err == io.EOF {
			break
		} else if err != nil {
			tb.Fatal(err)
		}
		b := make([]byte, binary.LittleEndian.Uint32(size[:]))
		if _, err := io.ReadFull(f, b); err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// avroOnly walks ZTF packets and leaves their stamps alone.
type avroOnly struct{ *ZTF }

func (d avroOnly) Decode(m *ingest.Message, c *schemas.Cutout) error {
	_, _, err := d.record(m.Value, c)
	return err
}

func BenchmarkCorpusAvro(b *testing.B) {
	benchDecode(b, corpus(b, 1000), avroOnly{NewZTF(Options{Features: acai})})
}

func BenchmarkCorpusStamps(b *testing.B) {
	benchDecode(b, corpus(b, 1000), NewZTF(Options{Features: acai}))
}

// synthetic makes n packets; their histories differ in length and in which values are null.
func synthetic(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = packettest.ZTF(uint64(i), 4).Container("null")
	}
	return out
}

func BenchmarkSyntheticAvro(b *testing.B) {
	benchDecode(b, synthetic(500), avroOnly{NewZTF(Options{Features: acai})})
}

func BenchmarkSyntheticStamps(b *testing.B) {
	benchDecode(b, synthetic(500), NewZTF(Options{Features: acai}))
}

func benchDecode(b *testing.B, packets [][]byte, d ingest.Decoder) {
	var c schemas.Cutout
	var m ingest.Message
	decode := func(i int) {
		m.Value = packets[i%len(packets)]
		c.Reset()
		if err := d.Decode(&m, &c); err != nil {
			b.Fatal(err)
		}
	}
	decode(0)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime(b)
	for i := range b.N {
		decode(i)
	}
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// cpuTime is the time this process has run, which a busy machine disturbs less than the clock.
func cpuTime(tb testing.TB) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
