package avro_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/schemas"
	"github.com/galaxalign/galaxalign/schemas/shareddata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// registry is a schema registry in memory that counts what it is asked.
type registry struct {
	*httptest.Server
	asked  atomic.Int64
	answer atomic.Value // func(http.ResponseWriter, string)
}

func newRegistry(t *testing.T, answer func(w http.ResponseWriter, id string)) *registry {
	r := &registry{}
	r.answer.Store(answer)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.asked.Add(1)
		id, ok := strings.CutPrefix(req.URL.Path, "/apis/ccompat/v7/schemas/ids/")
		if !ok || req.Method != http.MethodGet {
			t.Errorf("asked for %s %s", req.Method, req.URL)
		}
		r.answer.Load().(func(http.ResponseWriter, string))(w, id)
	}))
	t.Cleanup(r.Close)
	return r
}

// has answers with one schema for one id.
func has(id, schema string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, asked string) {
		if asked != id {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":40403,"message":"Schema not found"}`)
			return
		}
		text, _ := json.Marshal(map[string]string{"schema": schema})
		w.Write(text)
	}
}

func status(code int) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, _ string) { w.WriteHeader(code) }
}

func newSchemas(t *testing.T, o avro.SchemasOptions) *avro.Schemas {
	t.Helper()
	s, err := avro.NewSchemas(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (r *registry) options() avro.SchemasOptions {
	return avro.SchemasOptions{Registry: r.URL + "/apis/ccompat/v7/", Client: r.Client()}
}

func TestRegistryIsAskedOnce(t *testing.T) {
	r := newRegistry(t, has("900", wordSchema))
	s := newSchemas(t, r.options())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, err := s.Resolve(t.Context(), 900); err != nil || got.Name != "r" {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	all.Wait()
	if n := r.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestUnknownIDIsRefusedUntilItExpires(t *testing.T) {
	r := newRegistry(t, has("1", wordSchema))
	now := time.Unix(1e9, 0)
	o := r.options()
	o.UnknownFor, o.Now = time.Minute, func() time.Time { return now }
	s := newSchemas(t, o)
	for range 5 {
		_, err := s.Resolve(t.Context(), 999)
		if f := schemas.AsFault(err); f == nil || f.Reason != schemas.ReasonUnknownSchema {
			t.Fatalf("%v", err)
		}
	}
	if n := r.asked.Load(); n != 1 {
		t.Errorf("asked %d times within the minute", n)
	}
	now = now.Add(2 * time.Minute)
	r.answer.Store(has("999", wordSchema))
	if _, err := s.Resolve(t.Context(), 999); err != nil {
		t.Errorf("registered since, still %v", err)
	}
}

func TestRegistryDownIsTransient(t *testing.T) {
	r := newRegistry(t, status(http.StatusServiceUnavailable))
	s := newSchemas(t, r.options())
	for _, answer := range []func(http.ResponseWriter, string){
		status(500), status(503), status(401), status(429),
		func(w http.ResponseWriter, _ string) { fmt.Fprint(w, "<html>proxy</html>") },
	} {
		r.answer.Store(answer)
		if _, err := s.Resolve(t.Context(), 900); err == nil || schemas.AsFault(err) != nil {
			t.Errorf("%v, want an error that may pass", err)
		}
	}
	r.answer.Store(has("900", wordSchema))
	if _, err := s.Resolve(t.Context(), 900); err != nil {
		t.Errorf("up again: %v", err)
	}
	down := newRegistry(t, status(500))
	o := down.options()
	down.Close()
	if _, err := newSchemas(t, o).Resolve(t.Context(), 900); err == nil || schemas.AsFault(err) != nil {
		t.Errorf("no listener: %v, want an error that may pass", err)
	}
}

func TestSlowRegistryEndsAtTheDeadline(t *testing.T) {
	release := make(chan struct{})
	r := newRegistry(t, func(http.ResponseWriter, string) { <-release })
	defer close(release)
	s := newSchemas(t, r.options())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var all sync.WaitGroup
	for range 2 { // one asks, the other waits for its turn
		all.Go(func() {
			if _, err := s.Resolve(ctx, 900); !errors.Is(err, context.DeadlineExceeded) || schemas.AsFault(err) != nil {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
}

func TestUnusableSchemaIsUnknown(t *testing.T) {
	r := newRegistry(t, has("5", `{"type":"record","name":"r","fields":[{"name":"a","type":"elsewhere"}]}`))
	s := newSchemas(t, r.options())
	_, err := s.Resolve(t.Context(), 5)
	if f := schemas.AsFault(err); f == nil || f.Reason != schemas.ReasonUnknownSchema || !errors.Is(err, avro.ErrSchema) {
		t.Errorf("%v", err)
	}
	r.answer.Store(func(w http.ResponseWriter, _ string) { fmt.Fprint(w, `{"schema":"{}","schemaType":"PROTOBUF"}`) })
	if _, err = s.Resolve(t.Context(), 6); schemas.AsFault(err) == nil {
		t.Errorf("a schema that is not Avro: %v", err)
	}
}

func TestKeptAnswersOutliveTheRegistry(t *testing.T) {
	r := newRegistry(t, has("900", wordSchema))
	o := r.options()
	o.Keep = filepath.Join(t.TempDir(), "kept", "schemas")
	if _, err := newSchemas(t, o).Resolve(t.Context(), 900); err != nil {
		t.Fatal(err)
	}
	r.Close()
	s := newSchemas(t, o)
	if got, err := s.Resolve(t.Context(), 900); err != nil || got.Name != "r" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := s.Resolve(t.Context(), 901); err == nil || schemas.AsFault(err) != nil {
		t.Errorf("an id that was not kept: %v", err)
	}
}

// packetFolder writes version 3.2 of a schema in two files.
func packetFolder(t *testing.T) string {
	dir := t.TempDir()
	version := filepath.Join(dir, "schema", "3", "2")
	if err := os.MkdirAll(version, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"lsst.v3_2.alert.avsc": `{"namespace":"lsst.v3_2","type":"record","name":"alert","fields":[
			{"name":"source","type":"lsst.v3_2.source"},{"name":"before","type":["null",{"type":"array","items":"lsst.v3_2.source"}]}]}`,
		"lsst.v3_2.source.avsc": `{"namespace":"lsst.v3_2","type":"record","name":"source","fields":[{"name":"id","type":"long"}]}`,
	} {
		if err := os.WriteFile(filepath.Join(version, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFolderJoinsTheFilesOfAVersion(t *testing.T) {
	dir := packetFolder(t)
	for _, root := range []string{dir, filepath.Join(dir, "schema")} {
		s := newSchemas(t, avro.SchemasOptions{Folder: root})
		got, err := s.Resolve(t.Context(), 302)
		if err != nil || got.Lookup("source.id") == nil {
			t.Errorf("%v, %v", got, err)
		}
		for _, id := range []int32{303, 402, 0, -1, -302} {
			_, err := s.Resolve(t.Context(), id)
			if f := schemas.AsFault(err); f == nil || f.Reason != schemas.ReasonUnknownSchema {
				t.Errorf("id %d: %v", id, err)
			}
		}
	}
}

func TestFolderWithAMissingFileIsUnknown(t *testing.T) {
	dir := packetFolder(t)
	if err := os.Remove(filepath.Join(dir, "schema", "3", "2", "lsst.v3_2.source.avsc")); err != nil {
		t.Fatal(err)
	}
	_, err := newSchemas(t, avro.SchemasOptions{Folder: dir}).Resolve(t.Context(), 302)
	if f := schemas.AsFault(err); f == nil || !strings.Contains(err.Error(), "lsst.v3_2.source") {
		t.Errorf("%v, want a fault that names the missing part", err)
	}
}

func TestFolderFillsInForTheRegistry(t *testing.T) {
	r := newRegistry(t, status(http.StatusServiceUnavailable))
	o := r.options()
	o.Folder = packetFolder(t)
	s := newSchemas(t, o)
	if _, err := s.Resolve(t.Context(), 302); err != nil {
		t.Errorf("registry down: %v", err)
	}
	if _, err := s.Resolve(t.Context(), 303); err == nil || schemas.AsFault(err) != nil {
		t.Errorf("registry down and not in the folder: %v, want an error that may pass", err)
	}
	r.answer.Store(has("1", wordSchema))
	if _, err := s.Resolve(t.Context(), 303); schemas.AsFault(err) == nil {
		t.Errorf("neither has it: %v", err)
	}
}

func TestSchemasOptionsValidate(t *testing.T) {
	if err := (avro.SchemasOptions{}).Validate(); err == nil {
		t.Error("nowhere to look is accepted")
	}
	err := avro.SchemasOptions{Folder: t.TempDir(), Registry: "localhost:8081", UnknownFor: -1}.Validate()
	for _, part := range []string{"folder", "registry", "negative"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name the %s", err, part)
		}
	}
	if _, err := avro.NewSchemas(avro.SchemasOptions{}); err == nil {
		t.Error("NewSchemas takes what Validate refuses")
	}
}

// TestFolderOfLSST parses every published version of the LSST alert schema.
func TestFolderOfLSST(t *testing.T) {
	s := newSchemas(t, avro.SchemasOptions{Folder: shareddata.Path(t, "data/alerts/lsst-alert_packet")})
	for _, id := range []int32{500, 700, 701, 702, 703, 704, 900, 1000, 1100} {
		got, err := s.Resolve(t.Context(), id)
		if err != nil {
			t.Errorf("id %d: %v", id, err)
			continue
		}
		if want := fmt.Sprintf("lsst.v%d_%d.alert", id/100, id%100); got.Name != want || got.Lookup("diaSource.midpointMjdTai") == nil {
			t.Errorf("id %d is %s, want %s", id, got.Name, want)
		}
	}
}
