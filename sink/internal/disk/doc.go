// Package disk is the ground the file-backed sinks stand on: a small file system interface that tests
// can make fail, and a log of checksummed frames on top of it.
//
// Guarantee: a frame that Append acknowledged is read back whole after a crash at any instant, a frame
// that it did not acknowledge is read back whole or not at all, and damage in the middle of a log is an
// error, never silence.
package disk
