package preprocess

import (
	"testing"
)

func TestBuiltinsCompile(t *testing.T) {
	names := BuiltinNames()
	if len(names) < 12 {
		t.Fatalf("only %d built-in recipes", len(names))
	}
	for _, name := range names {
		r, err := Builtin(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r.Name != name {
			t.Errorf("recipe %s calls itself %s", name, r.Name)
		}
		if _, err := r.Compile(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
