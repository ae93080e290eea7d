package avro_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest/avro"
	"github.com/galaxalign/galaxalign/schemas"
)

// TestRealRegistry registers a schema with the registry at $GALAXALIGN_REGISTRY, which chooses the id, and
// resolves it.
func TestRealRegistry(t *testing.T) {
	address := os.Getenv("GALAXALIGN_REGISTRY")
	if address == "" {
		t.Skip("set GALAXALIGN_REGISTRY to the base URL of a schema registry with the Confluent REST interface")
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	body, err := json.Marshal(map[string]string{"schema": wordSchema})
	if err != nil {
		t.Fatal(err)
	}
	subject := fmt.Sprintf("%s/subjects/galaxalign-test-%d/versions", address, time.Now().UnixNano())
	resp, err := client.Post(subject, "application/vnd.schemaregistry.v1+json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var registered struct {
		ID int32 `json:"id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&registered); err != nil || registered.ID == 0 {
		t.Fatalf("%s: id %d, %v", resp.Status, registered.ID, err)
	}
	s := newSchemas(t, avro.SchemasOptions{Registry: address, Client: client})
	got, err := s.Resolve(t.Context(), registered.ID)
	if err != nil || got.Name != "r" || got.Lookup("a") == nil {
		t.Errorf("%v, %v", got, err)
	}
	_, err = s.Resolve(t.Context(), 1<<30)
	if f := schemas.AsFault(err); f == nil || f.Reason != schemas.ReasonUnknownSchema {
		t.Errorf("an id nobody registered: %v", err)
	}
}
