// Package decode chooses the decoder of a message: by configuration, or by looking at its bytes.
//
// Guarantee: a name, a topic or a header never decides what a payload is; its first bytes do. A payload
// that no decoder reads is a *schemas.Fault that says what it looks like.
package decode
