package sink

import "errors"

// ErrNotFound says that no record has the id asked for.
var ErrNotFound = errors.New("no such record")
