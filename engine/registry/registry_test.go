package registry

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

func open(t *testing.T) (*srfake.Registry, *Client) {
	t.Helper()
	fake := srfake.New()
	t.Cleanup(fake.Close)
	c, err := NewClient(Options{URLs: []string{fake.URL()}, Timeout: 2 * time.Second})
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
	if _, err := c.ByID(id + 1); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) {
		t.Errorf("a long outage: %v", err)
	}
	if got, err := c.Register("a-value", Schema{Kind: Avro, Text: `"int"`}); err != nil || got != id {
		t.Errorf("what was registered is remembered: %d, %v", got, err)
	}
}
