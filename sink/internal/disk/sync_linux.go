package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync calls fdatasync, which writes the data and the length of the file but not its times. It is
// repeated when a signal interrupts it.
func datasync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
