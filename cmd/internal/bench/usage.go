package bench

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what was spent up to a moment.
type usage struct {
	cpu     time.Duration
	mallocs uint64
	at      time.Time
}

// spent reads the CPU time of the calling thread or of the whole process.
func spent(who int) usage {
	var r unix.Rusage
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	_ = unix.Getrusage(who, &r) // cannot fail for a known target
	return usage{
		cpu:     time.Duration(r.Utime.Nano() + r.Stime.Nano()),
		mallocs: m.Mallocs,
		at:      time.Now(),
	}
}

// Cost is what one item took.
type Cost struct {
	CPUMicros float64 `json:"cpu_us"`
	Allocs    float64 `json:"allocs"`
}

func (u usage) costSince(before usage, items int) Cost {
	n := float64(max(items, 1))
	return Cost{
		CPUMicros: float64((u.cpu - before.cpu).Nanoseconds()) / 1e3 / n,
		Allocs:    float64(u.mallocs-before.mallocs) / n,
	}
}

// peakMemory is the largest resident size of this process so far, in MiB; 0 where the system does not
// tell.
func peakMemory() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}
