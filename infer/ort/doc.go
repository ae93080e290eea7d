// Package ort finds ONNX Runtime's shared library and runs graphs with it.
//
// Guarantee: nothing is loaded whose origin is unknown. [Locate] returns a library with its path and
// SHA-256 and says how it was found; one that it fetches or takes from its cache is compared with a
// digest pinned in this package before it is used. [Open] refuses a library of another version than
// [Library] states, and a device that is asked for and absent is an error, never a fall-back to the CPU.
//
// The binding keeps one process-wide environment. A [Runtime] is a counted reference to it; tests of
// several packages may run at once because fetching is guarded by a lock between processes.
package ort
