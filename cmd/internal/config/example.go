package config

import _ "embed"

// Example is a commented configuration file with every key.
//
//go:embed example.yaml
var Example []byte
