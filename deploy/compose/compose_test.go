package compose

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// composeFile is what the test reads of compose.yaml.
type composeFile struct {
	Services map[string]struct {
		Image     string
		Build     struct{ Context, Dockerfile string }
		DependsOn map[string]struct{ Condition string } `yaml:"depends_on"`
		Ports     []string
		Volumes   []string
		Health    struct{ Test []string } `yaml:"healthcheck"`
	}
	Volumes map[string]any
}

func read(t *testing.T) composeFile {
	t.Helper()
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c composeFile
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kafka", "etcd", "minio", "milvus", "galaxalign"} {
		if _, ok := c.Services[name]; !ok {
			t.Fatalf("service %s is missing", name)
		}
	}
	return c
}

// pinned is an image with a version and without a registry host: "owner/name:version" or "name:version".
var pinned = regexp.MustCompile(`^([a-z0-9-]+/)?[a-z0-9-]+:[A-Za-z0-9][A-Za-z0-9_.-]*$`)

func TestImagesArePinned(t *testing.T) {
	images := []string{}
	for _, s := range read(t).Services {
		images = append(images, s.Image)
	}
	text, err := os.ReadFile("../container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(text), -1) {
		images = append(images, from[1])
	}
	if len(images) != 8 {
		t.Errorf("%d images: %v", len(images), images)
	}
	for _, image := range images {
		if !pinned.MatchString(image) || strings.HasSuffix(image, ":latest") {
			t.Errorf("image %q is not pinned to a version, or names a registry", image)
		}
	}
}

func TestReferencesResolve(t *testing.T) {
	c := read(t)
	for name, s := range c.Services {
		for other, d := range s.DependsOn {
			target, ok := c.Services[other]
			if !ok {
				t.Errorf("%s depends on %s, which is no service", name, other)
			}
			if d.Condition == "service_healthy" && len(target.Health.Test) == 0 {
				t.Errorf("%s waits for the health of %s, which has no health check", name, other)
			}
		}
		for _, v := range s.Volumes {
			source := strings.SplitN(v, ":", 2)[0]
			switch {
			case strings.HasPrefix(source, "$"): // chosen by the user
			case strings.HasPrefix(source, "."):
				if _, err := os.Stat(source); err != nil {
					t.Errorf("%s mounts %s: %v", name, source, err)
				}
			default:
				if _, ok := c.Volumes[source]; !ok {
					t.Errorf("%s mounts volume %s, which is not declared", name, source)
				}
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s opens %s to the network", name, p)
			}
		}
		if s.Build.Dockerfile != "" {
			if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestContainerfile(t *testing.T) {
	b, err := os.ReadFile("../container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, want := range []string{"CGO_ENABLED=1", "galaxalign runtime fetch", "\nUSER 10001", "\nHEALTHCHECK ", "/healthz", `ENTRYPOINT ["galaxalign"]`} {
		if !strings.Contains(text, want) {
			t.Errorf("the Containerfile does not hold %q", want)
		}
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))[1]
	if !strings.Contains(text, "FROM golang:"+version+".") {
		t.Errorf("the build stage does not use Go %s of go.mod", version)
	}
}
