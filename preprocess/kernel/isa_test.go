//go:build linux && amd64 && cgo

package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// isaProgram runs every kernel of kernel.c over pseudo-random pixels and prints a digest of all results.
const isaProgram = `
#include "kernel.h"
#include <stdio.h>
#include <string.h>
enum { N = 3 * 7001 };
static float x[N], y[N];
static uint64_t digest = 14695981039346656037u;
static void add(const void *p, long n) {
	for (long i = 0; i < n; i++)
		digest = (digest ^ ((const unsigned char *)p)[i]) * 1099511628211u;
}
static void fresh(void) { memcpy(y, x, sizeof x); }
int main(void) {
	uint32_t r = 1;
	for (int i = 0; i < N; i++) {
		float v;
		do {
			r = r * 1664525u + 1013904223u;
			uint32_t bits = (r & 0x807fffffu) | (90 + (r >> 9) % 70) << 23;
			memcpy(&v, &bits, 4);
		} while (v != v);
		x[i] = v;
	}
	float s[3] = {2.2f, 3.4f, 6}, a[3] = {1.1f, 2, .3f}, b[3] = {.1f, 2, 3}, w[100];
	int32_t start[50];
	for (int j = 0; j < 50; j++)
		start[j] = j, w[j] = .3f + j * .01f, w[50 + j] = .7f - j * .01f;
	ga_asinh(y, x, N, 100, .1f, 1, 3e38f), add(y, sizeof y);
	fresh(), ga_legacy(y, N / 3, s, 3, .03f, 20, 0), add(y, sizeof y);
	fresh(), ga_galaxy_zoo(y, N / 3, s, -.48f, .14f, 1), add(y, sizeof y);
	fresh(), ga_scale(y, N, 1 / 3.0), add(y, sizeof y);
	fresh(), ga_unit_range(y, N, -1, 2, 1 / 3.0), add(y, sizeof y);
	ga_affine(y, x, N, 1.1f, .3f), add(y, sizeof y);
	ga_interleave(y, x, N / 3, 3, a, b), add(y, sizeof y);
	double sum = ga_sum_squares(x, N);
	int64_t counts = ga_gather(y, 80, x, 77, 63, 60, .3f, 0);
	add(&sum, 8), add(&counts, 8), add(y, sizeof y);
	ga_columns(y, x, 63, 50, 2, start, w), add(y, 63 * 50 * 4);
	printf("%016llx\n", (unsigned long long)digest);
}
`

// TestEveryInstructionSetGivesTheSameBits compiles the C kernels for one instruction set after another and
// compares what they compute. The clones that cgo builds hold these versions side by side, and a process
// only ever runs the one its processor chooses.
func TestEveryInstructionSetGivesTheSameBits(t *testing.T) {
	cc, err := exec.LookPath("gcc")
	if err != nil || testing.Short() {
		t.Skip("needs gcc, and is left out of short runs")
	}
	dir := t.TempDir()
	main := filepath.Join(dir, "main.c")
	if err := os.WriteFile(main, []byte(isaProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	cpu, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Skip(err)
	}
	digests := map[string]string{}
	for _, set := range []struct{ flags, needs string }{
		{"-O0", ""}, {"-O3 -march=x86-64", ""}, {"-O3 -march=x86-64-v3", "avx2"}, {"-O3 -march=x86-64-v4", "avx512vl"},
	} {
		if !strings.Contains(string(cpu), set.needs) {
			continue
		}
		bin := filepath.Join(dir, "run")
		args := append(strings.Fields(set.flags), "-std=c11", "-D_GNU_SOURCE", "-DCLONES=", "-I.", "kernel.c", main, "-lm", "-o", bin)
		if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
			t.Fatalf("gcc %s: %v\n%s", set.flags, err, out)
		}
		out, err := exec.Command(bin).Output()
		if err != nil {
			t.Fatal(err)
		}
		digests[set.flags] = string(out)
	}
	for flags, d := range digests {
		if d != digests["-O0"] {
			t.Errorf("gcc %s gives %s, gcc -O0 gives %s", flags, d, digests["-O0"])
		}
	}
}
