// Package compose holds no code: its test checks compose.yaml and the Containerfile as far as that goes
// without a container engine.
package compose
