// Package archive reads cutouts from files: folders, tar and tar.gz archives, length-prefixed corpora and
// single files, each item one ingest.Message, in an order that is the same in every run.
//
// Guarantee: every item is delivered, or refused to the dead letters, under the same offset in every run;
// the finished prefix of offsets is made durable in a state file, and a restart delivers exactly what
// comes after it, or says that the archive has changed and delivers nothing. Names inside archives are
// names only: nothing is ever written under them.
package archive
