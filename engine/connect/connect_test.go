package connect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// open returns a client of a server that answers with f.
func open(t *testing.T, o Options, f http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	o.URL = s.URL + "/under/"
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c.between = time.Millisecond
	return c
}

func TestCreate(t *testing.T) {
	c := open(t, Options{User: "ann", Password: "secret"}, func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Name   string
			Config map[string]string
		}
		user, password, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.URL.Path != "/under/connectors" || user != "ann" || password != "secret" {
			t.Errorf("%s %s as %s", r.Method, r.URL, user)
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.Name != "C" || in.Config["connector.class"] != "x" {
			t.Errorf("%+v %v", in, err)
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"name":"C","config":{"connector.class":"x"},"tasks":[{"connector":"C","task":0}],"type":"source"}`))
	})
	got, err := c.Create(t.Context(), "C", map[string]string{"connector.class": "x"})
	if err != nil || got.Type != "source" || !slices.Equal(got.Tasks, []Task{{"C", 0}}) {
		t.Errorf("%+v %v", got, err)
	}
}

// TestNamesAreOneStep: whatever a name holds, it does not lead elsewhere.
func TestNamesAreOneStep(t *testing.T) {
	for _, name := range []string{"a/../b", "..", ".", "x?y=1#z", "plain", "ü %2F", "a\nb"} {
		c := open(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			rest, ok := strings.CutPrefix(r.URL.Path, "/under/connectors/")
			if !ok || rest != name || r.URL.RawQuery != "" {
				t.Errorf("%q asks for %q", name, r.RequestURI)
			}
			w.WriteHeader(http.StatusNoContent)
		})
		if err := c.Delete(t.Context(), name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   error
		words  string
	}{
		{404, `{"error_code":404,"message":"Connector C not found"}`, ErrNotFound, "Connector C not found"},
		{409, `{"error_code":409,"message":"Connector C already exists"}`, ErrExists, "already exists"},
		{400, `{"error_code":400,"message":"` + strings.Repeat("x", 10_000) + `"}`, ErrRefused, "..."},
		{401, ``, ErrRefused, "Unauthorized"},
		{500, `<html>`, ErrRefused, "500"},
		{503, ``, ErrUnavailable, "503"},
		{302, ``, ErrRefused, "302"},
		{200, `<html>`, ErrUnavailable, "not what Kafka Connect answers"},
		{200, `"` + strings.Repeat("x", maxAnswer) + `"`, ErrUnavailable, "longer than"},
	} {
		cl := open(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		})
		_, err := cl.Create(t.Context(), "C", map[string]string{"password": "secret"})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.words) || len(err.Error()) > maxMessage+200 || strings.Contains(err.Error(), "secret") {
			t.Errorf("status %d: %.300v", c.status, err)
		}
	}
}

// TestRebalance: a cluster that is busy with itself is asked again, until the time is up.
func TestRebalance(t *testing.T) {
	left := 3
	busy := func(w http.ResponseWriter, _ *http.Request) {
		if left--; left >= 0 {
			w.WriteHeader(http.StatusConflict)
			_, _ = fmt.Fprint(w, `{"error_code":409,"message":"conflicting operation (e.g. worker rebalance)"}`)
			return
		}
		_, _ = fmt.Fprint(w, `[{"class":"x","type":"sink","version":"1"}]`)
	}
	got, err := open(t, Options{}, busy).Plugins(t.Context())
	if err != nil || len(got) != 1 || got[0] != (Plugin{"x", "sink", "1"}) {
		t.Errorf("%v %v", got, err)
	}
	left = 1 << 30
	if _, err := open(t, Options{Timeout: 50 * time.Millisecond}, busy).Plugins(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("busy for ever: %v", err)
	}
}

func TestSilence(t *testing.T) {
	release := make(chan struct{})
	c := open(t, Options{Timeout: 50 * time.Millisecond}, func(http.ResponseWriter, *http.Request) { <-release })
	_, err := c.List(t.Context())
	close(release)
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cluster that says nothing: %v", err)
	}
}

func TestURLs(t *testing.T) {
	for _, u := range []string{"", "host:8083", "ftp://host", "http://", "http://ann:secret@host", "http://ho st:secret"} {
		if _, err := New(Options{URL: u}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", u, err)
		}
	}
}
