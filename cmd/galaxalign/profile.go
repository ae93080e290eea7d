package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/galaxalign/galaxalign/cmd/internal/bench"
)

// profiled runs f and writes the profiles that were asked for.
func profiled(o benchOptions, f func() (*bench.EndToEnd, error)) (out *bench.EndToEnd, err error) {
	if o.cpuProfile != "" {
		file, err := os.Create(o.cpuProfile)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	if o.memProfile != "" {
		runtime.MemProfileRate = 1 // every allocation from here on
	}
	out, err = f()
	if o.memProfile == "" {
		return out, err
	}
	runtime.GC() // the profile holds what the last collection saw
	file, createErr := os.Create(o.memProfile)
	if createErr != nil {
		return out, errors.Join(err, createErr)
	}
	return out, errors.Join(err, pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
