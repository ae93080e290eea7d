package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/galaxalign/galaxalign/ingest"
	"github.com/twmb/franz-go/pkg/kfake"
)

// certificate makes a self-signed one for 127.0.0.1 and its PEM file.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestTLSAndSASL(t *testing.T) {
	t.Parallel()
	cert, ca := certificate(t)
	conn := broker(t, kfake.EnableSASL(), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}),
		kfake.Superuser("PLAIN", "u", "p"), kfake.Superuser("SCRAM-SHA-256", "u2", "p"), kfake.Superuser("SCRAM-SHA-512", "u5", "p"))
	conn.TLS = TLS{CAFile: ca}
	for mechanism, user := range map[string]string{"plain": "u", "scram-sha-256": "u2", "scram-sha-512": "u5"} {
		conn.SASL = SASL{Mechanism: mechanism, User: user, Password: "p"}
		ensureTopic(t, conn, Topic{Name: mechanism})
		produce(t, conn, mechanism, "secret")
		readAll(t, open(t, config(conn, mechanism, mechanism)), "secret")
	}
}

// What is wrong with a connection is said in words, and tried rarely.
func TestRefusedConnectionsAreExplained(t *testing.T) {
	t.Parallel()
	cert, ca := certificate(t)
	_, otherCA := certificate(t)
	secure := broker(t, kfake.EnableSASL(), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}), kfake.Superuser("PLAIN", "u", "p"))
	onlySASL := broker(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "p"))
	for _, c := range []struct {
		name string
		conn Connection
		want string
	}{
		{"wrong password", Connection{Brokers: secure.Brokers, TLS: TLS{CAFile: ca}, SASL: SASL{"plain", "u", "wrong"}}, "credentials"},
		{"no credentials", Connection{Brokers: onlySASL.Brokers}, "SASL"},
		{"unknown authority", Connection{Brokers: secure.Brokers, TLS: TLS{CAFile: otherCA}, SASL: SASL{"plain", "u", "p"}}, "CA file"},
		{"no TLS", Connection{Brokers: secure.Brokers, SASL: SASL{"plain", "u", "p"}}, "broker closed the connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, config(c.conn, "g", "t"))
			p := waitAll(t, s, func(list []ingest.Progress) bool { return len(list) > 0 && list[0].Fault != "" })[0]
			if !strings.Contains(p.Fault, c.want) {
				t.Errorf("fault %q does not mention %q", p.Fault, c.want)
			}
		})
	}
}

func TestBadTLSFilesAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, files := range []TLS{{CAFile: empty}, {CAFile: "nowhere.pem"}, {CertFile: empty, KeyFile: empty}} {
		cfg := config(Connection{Brokers: []string{"127.0.0.1:1"}, TLS: files}, "g", "t")
		if s, err := New(cfg, Options{}); err == nil {
			closeSource(t, s)
			t.Errorf("%+v was taken", files)
		}
	}
}
