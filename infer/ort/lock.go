package ort

import (
	"context"
	"fmt"
	"os"
	"time"
)

// lockPoll is how often a waiting process looks whether the lock is free: the system's lock has no way
// of waiting that a context can end.
const lockPoll = 100 * time.Millisecond

// lockFile takes the exclusive lock of a file, which the system frees should the process die.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for {
		locked, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if locked {
			return func() { f.Close() }, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
		}
	}
}
