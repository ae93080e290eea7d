package local

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func scripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.sh")
	if err != nil || len(files) < 5 {
		t.Fatalf("scripts %v, error %v", files, err)
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed")
	}
	return files
}

func TestScriptsAreValid(t *testing.T) {
	files := scripts(t)
	for _, f := range files {
		if out, err := exec.Command("bash", "-n", f).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", f, err, out)
		}
	}
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Log("shellcheck is not installed: not run")
		return
	}
	if out, err := exec.Command("shellcheck", append([]string{"-x"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("shellcheck: %v\n%s", err, out)
	}
}

// exitCode runs a script and returns its exit status and everything it printed.
func exitCode(t *testing.T, args ...string) (int, string) {
	t.Helper()
	out, err := exec.Command("bash", args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		return exit.ExitCode(), string(out)
	}
	return 0, string(out)
}

func TestScriptsWithoutAServer(t *testing.T) {
	scripts(t)
	for _, f := range []string{"kafka.sh", "registry.sh", "milvus.sh"} {
		t.Run(f, func(t *testing.T) {
			if code, out := exitCode(t, f); code != 2 || !strings.Contains(out, f+" start") {
				t.Errorf("without arguments: status %d\n%s", code, out)
			}
			for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent")} {
				if code, out := exitCode(t, f, "status", dir); code != 3 {
					t.Errorf("status of %s: status %d\n%s", dir, code, out)
				}
				if code, out := exitCode(t, f, "stop", dir); code != 0 {
					t.Errorf("stop in %s: status %d\n%s", dir, code, out)
				}
			}
		})
	}
}

// TestStaleProcessNumber: a recorded process number that now belongs to another program is not stopped.
func TestStaleProcessNumber(t *testing.T) {
	scripts(t)
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Skip(err)
	}
	defer func() {
		if err := other.Process.Kill(); err != nil {
			t.Errorf("the other program was stopped: %v", err)
		}
		_ = other.Wait()
	}()
	for _, f := range []string{"kafka.sh", "registry.sh", "milvus.sh"} {
		dir := t.TempDir()
		pid := strconv.Itoa(other.Process.Pid)
		if err := os.WriteFile(filepath.Join(dir, "pid"), []byte(pid), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out := exitCode(t, f, "stop", dir); code != 0 || !strings.Contains(out, "not running") {
			t.Errorf("%s stop: status %d\n%s", f, code, out)
		}
	}
}

func TestVersionsAgreeWithThePOM(t *testing.T) {
	find := func(file, pattern string) string {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(pattern).FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s holds no %s", file, pattern)
		}
		return string(m[1])
	}
	if a, b := find("kafka.sh", `(?m)^version=(\S+)`), find("pom.xml", `<kafka.version>(.+)</kafka.version>`); a != b {
		t.Errorf("kafka.sh says %s, pom.xml %s", a, b)
	}
	if a, b := find("registry.sh", `dependency-plugin:(\S+)`), find("pom.xml", `(?s)maven-dependency-plugin</artifactId>\s*<version>(.+?)</version>`); a != b {
		t.Errorf("the Maven plugin is %s in registry.sh, %s in pom.xml", a, b)
	}
}
