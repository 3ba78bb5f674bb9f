package secure

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS says which certificates a connection is opened with. The zero value trusts what the system trusts and shows no certificate.
type TLS struct {
	// CA is a file of PEM certificates that are trusted instead of the system's.
	CA string
	// Cert and Key are the PEM files of the certificate to show (mTLS). They may be one file. They are read for each connection, so that
	// a renewed certificate needs no restart.
	Cert, Key string
	// AnyName trusts a certificate whatever host it was made for. Its chain is checked all the same.
	AnyName bool
}

var errNoPEM = errors.New("there is no PEM certificate in it")

// Config reads the files. Errors name the file.
func (t TLS) Config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pool, err := readPool(t.CA)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if t.Key != "" && t.Cert == "" {
		return nil, fmt.Errorf("a key without a certificate: %s", t.Key)
	}
	if t.Cert != "" {
		if _, err := t.pair(); err != nil {
			return nil, err // now, and not at the first connection
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.pair() }
	}
	if t.AnyName {
		// The standard library checks the name with the chain or neither; the chain is checked here instead.
		c.InsecureSkipVerify = true //nolint:gosec // VerifyConnection below checks the chain
		c.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, c.RootCAs) }
	}
	return c, nil
}

func (t TLS) pair() (*tls.Certificate, error) {
	key := t.Key
	if key == "" {
		key = t.Cert
	}
	pair, err := tls.LoadX509KeyPair(t.Cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", t.Cert, key, explained(err, t.Cert, key))
	}
	return &pair, nil
}

func readPool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("trusted certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("trusted certificates %s: %w", file, explained(errNoPEM, file))
	}
	return pool, nil
}

// explained adds how to make PEM of Java's key stores, where one of the files is such a store.
func explained(err error, files ...string) error {
	for _, f := range files {
		text, readErr := os.ReadFile(f)
		if readErr != nil {
			continue
		}
		switch {
		case bytes.HasPrefix(text, []byte{0xFE, 0xED, 0xFE, 0xED}):
			return fmt.Errorf("%w; it is a JKS store (hint: keytool -importkeystore -srckeystore %s -destkeystore store.p12 -deststoretype PKCS12, "+
				"then openssl pkcs12 -in store.p12 -nodes -out store.pem)", err, f)
		case bytes.HasPrefix(text, []byte{0x30, 0x82}):
			return fmt.Errorf("%w; it may be a PKCS12 store (hint: openssl pkcs12 -in %s -nodes -out store.pem)", err, f)
		case bytes.Contains(text, []byte("ENCRYPTED PRIVATE KEY")):
			return fmt.Errorf("%w; the key is encrypted (hint: openssl pkey -in %s -out plain.key)", err, f)
		}
	}
	return err
}

func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server showed no certificate")
	}
	opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(opts)
	return err
}
