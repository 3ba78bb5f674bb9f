package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// load applies a file's settings under a command line.
func load(t *testing.T, text string, args ...string) (serverOptions, []string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "server.properties")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var o serverOptions
	cmd := &cobra.Command{}
	o.flags(cmd.Flags())
	if err := cmd.Flags().Parse(args); err != nil {
		t.Fatal(err)
	}
	s, err := readSettings(file)
	if err == nil {
		err = s.apply(&o, cmd.Flags())
	}
	if err != nil {
		return o, nil, err
	}
	return o, s.unknown(), nil
}

// certificate writes a certificate with its key, as a PEM file.
func certificate(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	file := filepath.Join(t.TempDir(), name+".pem")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestSettingsOfKsqlDB: a ksqlDB server's own file works as it is, but for stores that are not PEM.
func TestSettingsOfKsqlDB(t *testing.T) {
	t.Setenv("KAFKA_SECRET", `pa"ss`)
	ca, client := certificate(t, "ca"), certificate(t, "client")
	secret := filepath.Join(t.TempDir(), "registry.properties")
	if err := os.WriteFile(secret, []byte("info = reader:of:schemas\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, unknown, err := load(t, `
# a comment
bootstrap.servers=kafka-1:9092,kafka-2:9092
listeners = http://0.0.0.0:8088,https://0.0.0.0:8443
ksql.service.id: shop_
ksql.streams.processing.guarantee=EXACTLY_ONCE_V2
ksql.streams.commit.interval.ms=250
ksql.streams.auto.offset.reset=earliest
ksql.schema.registry.url=https://registry:8081
ksql.schema.registry.basic.auth.user.info=${file:`+secret+`:info}
ksql.schema.registry.ssl.truststore.location=`+ca+`
ksql.schema.registry.ssl.truststore.type=PEM
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
   username="shop" password="it\\"s";
ssl.truststore.type=PEM
ssl.truststore.location=`+ca+`
ssl.keystore.type=PEM
ssl.keystore.location=`+client+`
ksql.internal.topic.replicas=3
`, "--commit-interval", "50ms")
	if err != nil {
		t.Fatal(err)
	}
	e := o.engine
	if !reflect.DeepEqual(e.Bootstrap, []string{"kafka-1:9092", "kafka-2:9092"}) || o.listen != "0.0.0.0:8088" || e.Service != "shop_" {
		t.Errorf("brokers %v, listen %s, service %s", e.Bootstrap, o.listen, e.Service)
	}
	if e.Guarantee != "exactly_once_v2" || e.CommitInterval != 50*time.Millisecond {
		t.Errorf("guarantee %s; commits every %s, but the command line says 50ms", e.Guarantee, e.CommitInterval)
	}
	if o.properties["ksql.streams.auto.offset.reset"] != "earliest" {
		t.Errorf("properties %v", o.properties)
	}
	if e.TLS == nil || e.TLS.RootCAs == nil || e.TLS.GetClientCertificate == nil || e.TLS.InsecureSkipVerify {
		t.Errorf("TLS %+v", e.TLS)
	}
	if s := e.SASL; s == nil || s.Mechanism != "SCRAM-SHA-512" || s.User != "shop" || s.Password != `it"s` {
		t.Error("the login is not the file's")
	}
	if r := e.SchemaRegistry; r.User != "reader" || r.Password != "of:schemas" || r.TLS == nil || r.TLS.RootCAs == nil || r.Token != nil {
		t.Error("the registry's login is not the file's")
	}
	if want := []string{"ksql.internal.topic.replicas"}; !reflect.DeepEqual(unknown, want) {
		t.Errorf("passed over: %v, want %v", unknown, want)
	}
}

// TestSettingsOfLibrdkafka: the other family of clients' names, a token from a file, any name in the certificate.
func TestSettingsOfLibrdkafka(t *testing.T) {
	ca, client := certificate(t, "ca"), certificate(t, "client")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o, unknown, err := load(t, `
security.protocol=sasl_ssl
sasl.mechanisms=oauthbearer
sasl.oauthbearer.token.file=`+token+`
ssl.ca.location=`+ca+`
ssl.certificate.location=`+client+`
ssl.key.location=`+client+`
ssl.endpoint.identification.algorithm=none
`)
	if err != nil || len(unknown) > 0 {
		t.Fatal(err, unknown)
	}
	if !o.engine.TLS.InsecureSkipVerify || o.engine.TLS.VerifyConnection == nil {
		t.Error("any name is accepted only with the chain checked")
	}
	if got, err := o.engine.SASL.Token(); got != "abc" || err != nil || o.engine.SASL.Mechanism != "OAUTHBEARER" {
		t.Errorf("%s with token %q, %v", o.engine.SASL.Mechanism, got, err)
	}
}

// TestSettingsThatAreWrong: the error names the file, the setting and the way out, and never a secret.
func TestSettingsThatAreWrong(t *testing.T) {
	t.Setenv("SECRET", "hush")
	jks := filepath.Join(t.TempDir(), "store.jks")
	if err := os.WriteFile(jks, []byte("\xFE\xED\xFE\xED hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"security.protocol=TLS": "none of PLAINTEXT",
		"security.protocol=SASL_SSL\nsasl.username=u\nsasl.password=hush":     "sasl.mechanism is missing",
		"sasl.password=${env:MISSING_VARIABLE}":                               "MISSING_VARIABLE",
		"sasl.password=${file:/does/not/exist:x}":                             "/does/not/exist",
		"security.protocol=SSL\nssl.truststore.location=" + jks:               "keytool -importkeystore",
		"security.protocol=SSL\nssl.truststore.type=JKS":                      "PEM can",
		"security.protocol=SSL\nssl.key.password=${env:SECRET}":               "openssl pkey",
		"security.protocol=SSL\nssl.key.location=/k":                          "without a certificate",
		"ksql.streams.commit.interval.ms=soon":                                "soon",
		"sasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=h:1": "client.id",
	} {
		_, _, err := load(t, text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "server.properties") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s\ngave %v\nwant %q with the file's name and no secret", text, err, want)
		}
	}
}
