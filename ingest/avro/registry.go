package avro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// registry asks a schema registry with the Confluent REST interface, and keeps the answers in a folder.
type registry struct {
	address string // base URL
	client  *http.Client
	kept    string // folder of ID.avsc files, or empty
}

// errUnknownID is a registry's answer that it has no such schema.
var errUnknownID = errors.New("the registry has no such schema")

// maxAnswerBytes bounds a registry's answer: a schema as a JSON string grows by its escapes.
const maxAnswerBytes = 2*maxSchemaBytes + 4096

// load returns the text of the schema of an id: from the folder of kept answers, else from the registry.
// Ids never change meaning, so a kept answer never expires. It returns errUnknownID for an id that does
// not exist; any other error may pass.
func (r *registry) load(ctx context.Context, id int32) ([]byte, error) {
	if r.kept != "" {
		text, err := readLimited(r.file(id))
		if err == nil {
			return text, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	text, err := r.ask(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.kept != "" {
		if err := r.keep(id, text); err != nil {
			return nil, fmt.Errorf("keeping the schema: %w", err)
		}
	}
	return text, nil
}

// ask performs GET ADDRESS/schemas/ids/ID.
func (r *registry) ask(ctx context.Context, id int32) ([]byte, error) {
	url := strings.TrimRight(r.address, "/") + "/schemas/ids/" + strconv.Itoa(int(id))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, fmt.Errorf("GET %s: %w", url, errUnknownID)
	default:
		return nil, fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	var answer struct {
		Schema string `json:"schema"`
		Type   string `json:"schemaType"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("GET %s: the answer is no registry's: %w", url, err)
	}
	if answer.Type != "" && answer.Type != "AVRO" {
		return nil, fmt.Errorf("GET %s: a %s schema: %w", url, answer.Type, ErrSchema)
	}
	return []byte(answer.Schema), nil
}

// file is where the answer for an id is kept.
func (r *registry) file(id int32) string {
	return filepath.Join(r.kept, strconv.Itoa(int(id))+".avsc")
}

// keep writes an answer so that a reader sees the whole file or none.
func (r *registry) keep(id int32, text []byte) error {
	if err := os.MkdirAll(r.kept, 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(r.kept, "*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails, as it should, once the file is renamed
	if _, err := tmp.Write(text); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), r.file(id))
}
