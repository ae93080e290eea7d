package milvus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Config says where Milvus is and how to write to it.
type Config struct {
	Address  string // host:port of the gRPC endpoint
	Database string // empty = the default database
	User     string
	Password string
	TLS      *tls.Config // nil = plain text
	// Prefix starts the names of collections and aliases: alias <prefix>_<model>, collection
	// <alias>_<first 12 digits of the model hash>.
	Prefix string
	// BatchRows bounds one upsert; 256 to 1,024 rows with one caller measured fastest. The request is
	// also kept under 32 MiB (the server refuses 64 MiB): at 512 floats a row takes about 2.6 kB, so
	// 512 rows are 1.3 MB.
	BatchRows int
	// Timeout bounds one call. A server that reloads a collection after a crash answers within it or
	// the call is tried again.
	Timeout time.Duration
}

// maxRequestBytes keeps an upsert well under the 64 MiB that a Milvus server accepts.
const maxRequestBytes = 32 << 20

var validPrefix = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// withDefaults fills what was left zero.
func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = "galaxalign"
	}
	if c.BatchRows == 0 {
		c.BatchRows = 512
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	return c
}

// Validate lists every fault.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	if c.Address == "" {
		faults = append(faults, errors.New("milvus: no address: give host:port"))
	}
	if !validPrefix.MatchString(c.Prefix) {
		faults = append(faults, fmt.Errorf("milvus: collection prefix %q: use letters, digits and underscores, at most 64", c.Prefix))
	}
	if c.BatchRows < 1 || c.BatchRows > 16_384 {
		faults = append(faults, fmt.Errorf("milvus: %d rows a batch: use 1 to 16384", c.BatchRows))
	}
	if c.Timeout < time.Second {
		faults = append(faults, fmt.Errorf("milvus: timeout %v is too short: use at least 1s", c.Timeout))
	}
	return errors.Join(faults...)
}
