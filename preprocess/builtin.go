package preprocess

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed recipes/*.yaml
var recipeFiles embed.FS

// BuiltinNames lists the public recipes in alphabetical order.
func BuiltinNames() []string {
	entries, err := recipeFiles.ReadDir("recipes")
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// Builtin returns a fresh copy of a public recipe.
func Builtin(name string) (*Recipe, error) {
	text, err := BuiltinText(name)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// BuiltinText returns the YAML text of a public recipe, with its comments.
func BuiltinText(name string) ([]byte, error) {
	text, err := recipeFiles.ReadFile("recipes/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("there is no built-in recipe %q; there are %s", name, strings.Join(BuiltinNames(), ", "))
	}
	return text, nil
}
