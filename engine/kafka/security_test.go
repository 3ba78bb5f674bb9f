package kafka_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/secure"
)

// secured are the listeners of .ci/kafka that want TLS, and the files that go with them.
type secured struct {
	login, certificate string // addresses: one wants a login, one a certificate
	files              string
}

func findSecured(t *testing.T) secured {
	addrs, ctl := os.Getenv("MILLRACE_KAFKA"), os.Getenv("MILLRACE_KAFKA_CTL")
	if addrs == "" || ctl == "" {
		t.Skip("MILLRACE_KAFKA and MILLRACE_KAFKA_CTL are not set: connections with TLS and logins were not tested ('make test-kafka' does)")
	}
	host, port, err := net.SplitHostPort(strings.Split(addrs, ",")[0])
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	at := func(offset int) string { return net.JoinHostPort(host, strconv.Itoa(n+offset)) }
	return secured{at(400), at(500), filepath.Join(filepath.Dir(filepath.Dir(ctl)), ".cache", "kafka", "tls")}
}

func (s secured) config(t *testing.T, files secure.TLS, sasl *kafka.SASL) kafka.Config {
	t.Helper()
	c, err := files.Config()
	if err != nil {
		t.Fatal(err)
	}
	addr := s.login
	if sasl == nil {
		addr = s.certificate
	}
	return kafka.Config{Brokers: []string{addr}, TLS: c, SASL: sasl, DialTimeout: 2 * time.Second}
}

func (s secured) ca() secure.TLS { return secure.TLS{CA: filepath.Join(s.files, "ca.pem")} }

func (s secured) client() secure.TLS {
	return secure.TLS{CA: filepath.Join(s.files, "ca.pem"), Cert: filepath.Join(s.files, "client.pem"), Key: filepath.Join(s.files, "client.key")}
}

// provider is an identity provider whose tokens are not signed; it counts how often it was asked.
func provider(t *testing.T, life time.Duration) (*httptest.Server, *atomic.Int32) {
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, secret, ok := r.BasicAuth(); !ok || id != "millrace" || secret != "s3cret" || r.FormValue("scope") != "kafka" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"error":"invalid_client","echo":%q}`, secret)
			return
		}
		asked.Add(1)
		now := time.Now()
		part := func(v any) string {
			b, _ := json.Marshal(v)
			return base64.RawURLEncoding.EncodeToString(b)
		}
		token := part(map[string]string{"alg": "none"}) + "." + part(map[string]any{"sub": "millrace", "iat": now.Unix(), "exp": now.Add(life).Unix()}) + "."
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "bearer", "expires_in": int(life.Seconds())})
	}))
	t.Cleanup(srv.Close)
	return srv, &asked
}

// TestSecured runs the parts of the suite that open every kind of connection over each way to log in.
func TestSecured(t *testing.T) {
	s := findSecured(t)
	idp, asked := provider(t, time.Hour)
	token := secure.Client{Endpoint: idp.URL, ID: "millrace", Secret: "s3cret", Scopes: []string{"kafka"}}.Token()
	for name, cfg := range map[string]kafka.Config{
		"plain":  s.config(t, s.ca(), &kafka.SASL{Mechanism: kafka.Plain, User: "millrace", Password: "millrace-secret"}),
		"scram1": s.config(t, s.ca(), &kafka.SASL{Mechanism: kafka.ScramSHA256, User: "millrace", Password: "millrace-secret"}),
		"scram2": s.config(t, s.ca(), &kafka.SASL{Mechanism: kafka.ScramSHA512, User: "millrace", Password: "millrace-secret"}),
		"oauth":  s.config(t, s.ca(), &kafka.SASL{Mechanism: kafka.OAuthBearer, Token: token}),
		"mtls":   s.config(t, s.client(), nil),
	} {
		for part, f := range map[string]func(*rig){"transactions": testRoundTrip, "admin": testAdmin, "group": testInstanceTaken} {
			t.Run(name+" "+part, func(t *testing.T) {
				t.Parallel()
				run(t, f, &rig{cfg: cfg, real: true})
			})
		}
	}
	t.Cleanup(func() {
		if n := asked.Load(); n != 1 {
			t.Errorf("the identity provider was asked %d times for a token that lasts an hour", n)
		}
	})
}

// TestRefusedLogin: what is wrong is said, and secrets are not.
func TestRefusedLogin(t *testing.T) {
	s := findSecured(t)
	idp, _ := provider(t, time.Hour)
	wrong := secure.Client{Endpoint: idp.URL, ID: "millrace", Secret: "hush-hush", Scopes: []string{"kafka"}}.Token()
	nobody := s.config(t, s.ca(), nil)
	plain := kafka.Config{Brokers: []string{s.login}, DialTimeout: 2 * time.Second}
	for name, tc := range map[string]struct {
		cfg  kafka.Config
		want string
	}{
		"password":       {s.config(t, s.ca(), &kafka.SASL{Mechanism: kafka.Plain, User: "millrace", Password: "hush-hush"}), "refuses the login"},
		"scram password": {s.config(t, s.ca(), &kafka.SASL{Mechanism: kafka.ScramSHA512, User: "millrace", Password: "hush-hush"}), "refuses the login"},
		"client secret":  {s.config(t, s.ca(), &kafka.SASL{Mechanism: kafka.OAuthBearer, Token: wrong}), "invalid_client"},
		"authority":      {s.config(t, secure.TLS{}, &kafka.SASL{Mechanism: kafka.Plain, User: "millrace", Password: "hush-hush"}), "ssl.ca.location"},
		"no certificate": {nobody, "wants one"},
		"no TLS":         {plain, "security.protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := kafka.Open(tc.cfg)
			if err == nil {
				t.Fatal("it is let in", c.Close())
			}
			var unreachable *kafka.UnreachableError
			if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("the error should say %q, and no secret: %v", tc.want, err)
			}
		})
	}
}

// TestSASLThatIsIncomplete needs no broker.
func TestSASLThatIsIncomplete(t *testing.T) {
	for want, sasl := range map[string]kafka.SASL{
		"unknown SASL mechanism": {Mechanism: "GSSAPI"},
		"user name":              {Mechanism: kafka.Plain, User: "u"},
		"needs a token":          {Mechanism: kafka.OAuthBearer},
	} {
		if _, err := kafka.Open(kafka.Config{Brokers: []string{"127.0.0.1:1"}, SASL: &sasl}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", sasl, err)
		}
	}
}
