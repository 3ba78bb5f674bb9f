package shell

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/millrace/millrace/shell/client"
)

// fakeServer answers requests by the statement in them and remembers what it was asked.
type fakeServer struct {
	answers map[string]string // statement to body; a body that begins with { is an error
	asked   []map[string]any
	hold    chan struct{} // set: a query's answer ends when its client leaves, and closes hold
}

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/info":
		fmt.Fprint(w, `{"KsqlServerInfo":{"version":"1","kafkaClusterId":"c","ksqlServiceId":"default_","serverStatus":"RUNNING"}}`)
		return
	case strings.HasPrefix(r.URL.Path, "/is_valid_property/"):
		if !strings.HasSuffix(r.URL.Path, "auto.offset.reset") {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"@type":"generic_error","error_code":40000,"message":"there is no such property"}`)
		}
		return
	}
	body, _ := io.ReadAll(r.Body)
	var q map[string]any
	if err := json.Unmarshal(body, &q); err != nil {
		panic(err)
	}
	f.asked = append(f.asked, q)
	answer, ok := f.answers[q["ksql"].(string)]
	if !ok {
		answer = `{"@type":"statement_error","error_code":40001,"message":"line 1:1: what?\n    x\n    ^\nhint: none","rule":"syntax","entities":[]}`
	}
	w.Header().Set("Content-Type", "application/vnd.ksql.v1+json")
	if strings.HasPrefix(answer, "{") {
		w.WriteHeader(http.StatusBadRequest)
	}
	fmt.Fprint(w, answer)
	if f.hold != nil && r.URL.Path == "/query" {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(f.hold)
	}
}

// newTestShell returns a shell on a fake server, and what it writes.
func newTestShell(t *testing.T, f *fakeServer, output string) (s *Shell, out, errs *strings.Builder) {
	t.Helper()
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	out, errs = &strings.Builder{}, &strings.Builder{}
	s, err = New(Config{Client: c, Out: out, Err: errs, Output: output})
	if err != nil {
		t.Fatal(err)
	}
	return s, out, errs
}

// typed is a person who types lines and then leaves.
type typed struct {
	lines   []string
	prompts []string
	history []string
}

func (p *typed) Line(prompt string) (string, error) {
	p.prompts = append(p.prompts, prompt)
	if len(p.lines) == 0 {
		return "", io.EOF
	}
	line := p.lines[0]
	p.lines = p.lines[1:]
	if line == "^C" {
		return "", ErrInterrupt
	}
	return line, nil
}

func (p *typed) Remember(s string) { p.history = append(p.history, s) }
func (p *typed) History() []string { return p.history }
