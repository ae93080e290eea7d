// Package local holds the scripts that start real services for the integration tests; its test checks
// the scripts themselves, without starting anything.
package local
