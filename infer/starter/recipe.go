package starter

import _ "embed"

// Recipe is the YAML text of the recipe the starter model was fitted with.
//
//go:embed recipe.yaml
var Recipe []byte
