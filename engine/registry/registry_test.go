package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

func open(t *testing.T) (*srfake.Registry, *Client) {
	t.Helper()
	fake := srfake.New()
	t.Cleanup(fake.Close)
	c, err := NewClient(Options{URLs: []string{fake.URL()}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return fake, c
}

// TestRegistries holds Memory and Client to the same behaviour.
func TestRegistries(t *testing.T) {
	_, client := open(t)
	for name, r := range map[string]Registry{"memory": &Memory{}, "client": client} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := r.Latest("a-value"); !errors.Is(err, ErrNotFound) {
				t.Errorf("latest of an unknown subject: %v", err)
			}
			if _, err := r.ByID(77); !errors.Is(err, ErrNotFound) {
				t.Errorf("unknown id: %v", err)
			}
			s := Schema{Kind: Avro, Text: `"int"`}
			id, err := r.Register("a-value", s)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := r.Register("a-value", s); err != nil || again != id {
				t.Errorf("registered again: %d, %v; want %d", again, err, id)
			}
			next, err := r.Register("a-value", Schema{Kind: Avro, Text: `"long"`})
			if err != nil || next == id {
				t.Fatalf("second schema: %d, %v", next, err)
			}
			if got, latest, err := r.Latest("a-value"); err != nil || got != next || latest.Text != `"long"` || latest.Kind != Avro {
				t.Errorf("latest is %d %+v, %v; want %d", got, latest, err, next)
			}
			if got, err := r.ByID(id); err != nil || got.Text != s.Text || got.Kind != Avro {
				t.Errorf("schema %d is %+v, %v", id, got, err)
			}
		})
	}
}

func TestClientReferences(t *testing.T) {
	fake, c := open(t)
	event := `syntax = "proto3"; message Event { int64 t = 1; }`
	if _, _, err := fake.RegisterSchema("event", sr.Schema{Schema: event, Type: sr.TypeProtobuf}); err != nil {
		t.Fatal(err)
	}
	main := `syntax = "proto3"; import "event.proto"; message M { Event e = 1; }`
	id, _, err := fake.RegisterSchema("m-value", sr.Schema{
		Schema: main, Type: sr.TypeProtobuf, References: []sr.SchemaReference{{Name: "event.proto", Subject: "event", Version: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.ByID(id)
	if err != nil || len(got.References) != 1 || got.References[0] != (Reference{"event.proto", event}) || got.Kind != Protobuf {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestClientOutage: a registry that is down is asked again within the time, and is no reason to call a schema missing.
func TestClientOutage(t *testing.T) {
	fake, c := open(t)
	var down atomic.Int32
	fake.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		if down.Add(-1) < 0 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	down.Store(2)
	id, err := c.Register("a-value", Schema{Kind: Avro, Text: `"int"`})
	if err != nil {
		t.Fatalf("a short outage: %v", err)
	}
	down.Store(1 << 20)
	c.timeout = 300 * time.Millisecond
	if _, err := c.ByID(id + 1); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) {
		t.Errorf("a long outage: %v", err)
	}
	if got, err := c.Register("a-value", Schema{Kind: Avro, Text: `"int"`}); err != nil || got != id {
		t.Errorf("what was registered is remembered: %d, %v", got, err)
	}
}

// TestCauseOfAnOutage: the end of the time hides nothing.
func TestCauseOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, attempts := &Client{timeout: time.Second}, 0
		err := c.try(func(ctx context.Context) error {
			if attempts++; attempts == 1 {
				return errors.New("nobody vouches for it")
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "nobody vouches") || attempts != 2 {
			t.Errorf("after %d attempts: %v", attempts, err)
		}
	})
}

// TestClientSecured: a registry behind TLS that wants a certificate of ours and a token.
func TestClientSecured(t *testing.T) {
	fake, _ := open(t)
	var tokens atomic.Int32
	proxy := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", tokens.Load()) || len(r.TLS.PeerCertificates) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Header.Del("Authorization")
		target, err := url.Parse(fake.URL())
		if err != nil {
			t.Error(err)
			return
		}
		httputil.NewSingleHostReverseProxy(target).ServeHTTP(w, r)
	}))
	proxy.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	proxy.StartTLS()
	t.Cleanup(proxy.Close)
	roots := x509.NewCertPool()
	roots.AddCert(proxy.Certificate())
	o := Options{URLs: []string{proxy.URL}, TLS: &tls.Config{RootCAs: roots, Certificates: proxy.TLS.Certificates}, Timeout: time.Minute}
	o.Token = func() (string, error) { return fmt.Sprintf("token-%d", tokens.Add(1)), nil } // each request has a token of its own
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Register("a-value", Schema{Kind: Avro, Text: `"int"`})
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := c.Has("a-value", id); !ok || err != nil || tokens.Load() < 2 {
		t.Errorf("found: %t, %v, %d tokens", ok, err, tokens.Load())
	}
	o.TLS, o.Timeout = nil, 2*time.Second
	if c, err = NewClient(o); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ByID(id); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
}
