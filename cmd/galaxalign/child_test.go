package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is the command running as a process of its own.
type child struct {
	cmd     *exec.Cmd
	stdout  watched
	stderr  watched
	address chan string // gets the address of the page once
	ended   chan struct{}
	err     error // of the process, once ended is closed
}

// start runs the command line. What is left of it at the end of the test is killed.
func start(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0], args...), address: make(chan string, 1), ended: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), asCommand+"=1")
	c.stdout.line = addressTo(c.address)
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	t.Cleanup(func() { c.cleanUp(t, args) })
	return c
}

// cleanUp ends the process. After a failure it says what the process wrote, with the stacks of its
// goroutines if it was still running.
func (c *child) cleanUp(t *testing.T, args []string) {
	if t.Failed() {
		_ = c.cmd.Process.Signal(syscall.SIGQUIT) // an error means that it has ended
		select {
		case <-c.ended:
		case <-time.After(5 * time.Second):
		}
	}
	_ = c.cmd.Process.Kill()
	<-c.ended
	if t.Failed() {
		t.Logf("galaxalign %s (%v)\n%s%s", strings.Join(args, " "), c.err, c.stdout.String(), tail(c.stderr.String(), 40_000))
	}
}

// page waits for the address of the page.
func (c *child) page(t *testing.T) string {
	t.Helper()
	select {
	case a := <-c.address:
		return a
	case <-c.ended:
		t.Fatalf("ended before its page was up: %v\n%s", c.err, c.stderr.String())
	case <-time.After(time.Minute):
		t.Fatal("no page after a minute")
	}
	return ""
}

// kill ends the process as a crash would.
func (c *child) kill(t *testing.T) {
	t.Helper()
	select {
	case <-c.ended:
		t.Fatalf("ended by itself before it was killed: %v\n%s", c.err, c.stderr.String())
	default:
	}
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-c.ended
}

// stop asks the process to end in order and returns its exit status.
func (c *child) stop(t *testing.T) int {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return c.wait(t)
}

// wait waits for the process and returns its exit status.
func (c *child) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-c.ended:
	case <-time.After(time.Minute):
		t.Fatal("still running after a minute")
	}
	var exit *exec.ExitError
	if c.err != nil && !errors.As(c.err, &exit) {
		t.Fatal(c.err)
	}
	return c.cmd.ProcessState.ExitCode()
}

// launched is a command line running inside this process.
type launched struct {
	out     watched
	address chan string // gets the address of the page once
	ended   chan error
}

// launch runs a command line until it ends or ctx does.
func launch(ctx context.Context, args ...string) *launched {
	l := &launched{address: make(chan string, 1), ended: make(chan error, 1)}
	l.out.line = addressTo(l.address)
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(&l.out)
	root.SetErr(io.Discard)
	go func() { l.ended <- root.ExecuteContext(ctx) }()
	return l
}

// page waits for the address of the page.
func (l *launched) page(t *testing.T) string {
	t.Helper()
	select {
	case a := <-l.address:
		return a
	case err := <-l.ended:
		t.Fatalf("ended before its page was up: %v\n%s", err, &l.out)
	}
	return ""
}

// addressTo looks for the address of the page in what is printed.
func addressTo(found chan<- string) func(line string) {
	return func(line string) {
		if at := strings.Index(line, "http://"); at >= 0 {
			found <- line[at:]
		}
	}
}

// watched keeps what a process writes and passes on every line.
type watched struct {
	line func(string) // may be nil

	mu   sync.Mutex
	buf  bytes.Buffer
	open []byte // the line that has not ended
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	w.open = append(w.open, p...)
	for {
		at := bytes.IndexByte(w.open, '\n')
		if at < 0 {
			return len(p), nil
		}
		if w.line != nil {
			w.line(string(w.open[:at]))
		}
		w.open = w.open[at+1:]
	}
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return "..." + s[len(s)-n:]
}

// viewer asks a page; its connections end with each answer.
var viewer = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// get returns status and body of a page.
func get(url string) (int, string, error) {
	answer, err := viewer.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}

// metrics are the series of one scrape, by name and labels as written.
type metrics map[string]float64

// scrape reads /metrics.
func scrape(address string) (metrics, error) {
	status, body, err := get(address + "/metrics")
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("/metrics answered %d: %s", status, body)
	}
	m := metrics{}
	for line := range strings.Lines(body) {
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		if m[line[:at]], err = strconv.ParseFloat(strings.TrimSpace(line[at+1:]), 64); err != nil {
			return nil, fmt.Errorf("/metrics: %q: %w", line, err)
		}
	}
	return m, nil
}

// sum adds up the series of a name, whatever their labels.
func (m metrics) sum(name string) float64 {
	total := 0.0
	for series, v := range m {
		if n, _, _ := strings.Cut(series, "{"); n == name {
			total += v
		}
	}
	return total
}

// outcome is a count of finished messages.
func (m metrics) outcome(o string) int {
	return int(m[fmt.Sprintf("galaxalign_messages_finished_total{outcome=%q}", o)])
}

// stage is a count of what passed a stage.
func (m metrics) stage(s string) int {
	return int(m[fmt.Sprintf("galaxalign_stage_total{stage=%q}", s)])
}

// balanced reports whether the scrape accounts for every message fetched.
func (m metrics) balanced() bool {
	finished := m.sum("galaxalign_messages_finished_total")
	return float64(m.stage("fetched")) == finished+m["galaxalign_messages_in_flight"]
}

// await asks again and again until a condition of another process holds.
func await(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(limit)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
		<-tick.C
	}
}

// account is what the summary at the end of a run says.
type account struct {
	published, received, written, duplicates, quarantined, givenBack int
}

var summaryLine = regexp.MustCompile(`(?m)^\s*(published|received|written|duplicates|quarantined|given back)\s+(\d+)`)

// readAccount parses a summary and checks that it adds up.
func readAccount(t *testing.T, out string) account {
	t.Helper()
	n := map[string]int{}
	for _, m := range summaryLine.FindAllStringSubmatch(out, -1) {
		v, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		n[m[1]] = v
	}
	for _, name := range []string{"received", "written", "duplicates", "quarantined"} {
		if _, ok := n[name]; !ok {
			t.Fatalf("no summary with %q in:\n%s", name, out)
		}
	}
	a := account{n["published"], n["received"], n["written"], n["duplicates"], n["quarantined"], n["given back"]}
	if a.received != a.written+a.duplicates+a.quarantined+a.givenBack {
		t.Errorf("the account does not balance: %+v", a)
	}
	return a
}
