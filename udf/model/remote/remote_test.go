package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/remote"
	"github.com/millrace/millrace/udf/model/remote/remotetest"
)

// options are those of the test server's model.
func options(s *remotetest.Server, kind remote.Kind) remote.Options {
	p := remote.DefaultPolicy()
	p.Timeout = 5 * time.Second // a slow machine must not fail a test that is not about time
	o := remote.Options{Kind: kind, Access: remote.Access{Hosts: []string{s.Host()}}, Policy: &p}
	switch kind {
	case remote.OIP:
		o.URI = s.URL + "/v2/models/line"
	case remote.OIPGRPC:
		o.URI = "grpc://" + s.Host() + "/v2/models/line"
	case remote.TFServing:
		o.URI = s.URL + "/v1/models/line"
	case remote.MLflow:
		o.URI = s.URL + "/invocations"
		column := func(name, datatype string) remote.Tensor {
			return remote.Tensor{Name: name, Datatype: datatype, Shape: []int64{-1, 1}}
		}
		o.Inputs = []remote.Tensor{column("a", "FP64"), column("b", "FP64"), column("name", "BYTES")}
		o.Outputs = []remote.Tensor{column("score", "FP64")}
	}
	return o
}

// columns are rows for a scorer of the test model: row i scores 21i, and 1000 more where it is divisible by 3.
func columns(s model.Scorer, rows int) (in, out []model.Column, want []float64) {
	sig := s.Signature()
	in, out = make([]model.Column, len(sig.Inputs)), make([]model.Column, len(sig.Outputs))
	for r := range rows {
		x, name := []float64{float64(r), 2 * float64(r)}, "någon \"x\""
		want = append(want, 21*float64(r))
		if r%3 == 0 {
			name = "vip"
			want[r] += 1000
		}
		for i, t := range sig.Inputs {
			switch {
			case t.Type == model.String:
				in[i].String = append(in[i].String, name)
			case t.Width() == 2:
				in[i].Float64 = append(in[i].Float64, x...)
			default:
				in[i].Float64 = append(in[i].Float64, x[i])
			}
		}
	}
	return in, out, want
}

// TestContract: each protocol gives the scores of its server, in the order of the rows, in requests that are as large as they may be.
func TestContract(t *testing.T) {
	for _, kind := range remote.Kinds() {
		for _, binary := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s binary=%v", kind, binary), func(t *testing.T) {
				server := remotetest.Start(t)
				server.Binary = binary
				o := options(server, kind)
				o.Policy.MaxRows, o.Policy.Concurrency = 100, 3
				s, err := remote.Open(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				for _, rows := range []int{1, 250, 0} {
					in, out, want := columns(s, rows)
					if err := s.Score(t.Context(), in, rows, out); err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(out[0].Float64, want) {
						t.Fatalf("%d rows: got %v, want %v", rows, out[0].Float64, want)
					}
				}
				if sent := slices.Sorted(slices.Values(server.Rows())); !slices.Equal(sent, []int{1, 50, 100, 100}) {
					t.Errorf("requests had %v rows", sent)
				}
				if most := server.Most(); most > 3 {
					t.Errorf("%d requests at once, 3 are allowed", most)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestSignature: what the server tells is what DESCRIBE shows, by the version that it names.
func TestSignature(t *testing.T) {
	server := remotetest.Start(t)
	for kind, want := range map[remote.Kind]string{
		remote.OIP:       "x: double[?,2] name: string[?,1] -> score: double[?,1], version 7 of test server 1.2",
		remote.OIPGRPC:   "x: double[?,2] name: string[?,1] -> score: double[?,1], version 7 of test server 1.2",
		remote.TFServing: "name: string[?] x: double[?,2] -> score: double[?,1], version 7 of TensorFlow Serving",
		remote.MLflow:    "a: double[?,1] b: double[?,1] name: string[?,1] -> score: double[?,1], version  of MLflow 3.1.0",
	} {
		s, err := remote.Open(t.Context(), options(server, kind))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, in := range s.Signature().Inputs {
			got += in.String() + " "
		}
		facts := map[string]string{}
		for _, f := range s.(model.Described).Facts() {
			facts[f.Name] = f.Value
		}
		got += "-> " + s.Signature().Outputs[0].String() + ", version " + facts["server's version"] + " of " + facts["server is"]
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", kind, got, want)
		}
	}
}

// TestArtifact: what Describe found is enough to score by, without asking again; another kind of backend does not take it.
func TestArtifact(t *testing.T) {
	server := remotetest.Start(t)
	o := options(server, remote.OIP)
	d, err := remote.Describe(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	backends := remote.Backends(&o.Access)
	v, err := model.Load(t.Context(), backends, model.NewArtifact("line", b), model.Options{Backend: "OIP"})
	if err != nil {
		t.Fatal(err)
	}
	in, out, want := columns(v.Scorer, 5)
	if err := v.Scorer.Score(t.Context(), in, 5, out); err != nil || !slices.Equal(out[0].Float64, want) {
		t.Errorf("got %v, %v", out[0].Float64, err)
	}
	for name, refused := range map[string]struct {
		artifact, backend string
		access            remote.Access
	}{
		"no backend named":      {string(b), "", o.Access},
		"another kind":          {string(b), "mlflow", o.Access},
		"a host not allowed":    {string(b), "oip", remote.Access{Hosts: []string{"elsewhere"}}},
		"a file":                {"ONNX", "oip", o.Access},
		"an unknown field":      {strings.Replace(string(b), `"URI"`, `"Token": "x", "URI"`, 1), "oip", o.Access},
		"a gigantic shape":      {strings.Replace(string(b), "2\n", "4294967296\n", 1), "oip", o.Access},
		"a policy without ends": {strings.Replace(string(b), `"Concurrency": 8`, `"Concurrency": 1000000`, 1), "oip", o.Access},
	} {
		_, err := model.Load(t.Context(), remote.Backends(&refused.access), model.NewArtifact("line", []byte(refused.artifact)), model.Options{Backend: refused.backend})
		if err == nil {
			t.Errorf("%s was loaded", name)
		}
	}
}

// failing answers the first n requests with a status.
func failing(n int64, status int) func(int64, http.ResponseWriter, *http.Request) bool {
	return func(i int64, w http.ResponseWriter, _ *http.Request) bool {
		if i > n {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"error": "not  now\n"}`)
		return true
	}
}

// TestRetries: what may pass is asked again, what may not is not.
func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		before   func(int64, http.ResponseWriter, *http.Request) bool
		requests int64
		err      string // "": none
		away     bool
	}{
		"busy once":     {failing(1, http.StatusServiceUnavailable), 2, "", false},
		"busy always":   {failing(99, http.StatusTooManyRequests), 3, "429 Too Many Requests: not now (asked 3 times)", true},
		"wrong rows":    {failing(99, http.StatusBadRequest), 1, "400 Bad Request: not now", false},
		"broken inside": {failing(99, http.StatusInternalServerError), 1, "500 Internal Server Error: not now", false},
		"cut off once": {func(n int64, w http.ResponseWriter, _ *http.Request) bool {
			if n == 1 {
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, `{"model_name"`)
			}
			return n == 1
		}, 2, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := remotetest.Start(t)
			s, err := remote.Open(t.Context(), options(server, remote.OIP))
			if err != nil {
				t.Fatal(err)
			}
			server.Before(c.before)
			in, out, _ := columns(s, 2)
			err = s.Score(t.Context(), in, 2, out)
			switch {
			case c.err == "" && err != nil, c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("error %v, want %q", err, c.err)
			case errors.Is(err, model.ErrUnavailable) != c.away:
				t.Errorf("error %v: away is %v", err, !c.away)
			}
			if n := server.Requests(); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
		})
	}
}

// TestSlow: a server that answers by drops has no more than the time of a request, and one that is asked no longer is let go at once.
func TestSlow(t *testing.T) {
	server := remotetest.Start(t)
	asked := make(chan struct{}, 10)
	server.Before(func(_ int64, w http.ResponseWriter, r *http.Request) bool {
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the client went
		for {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return true
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	for _, kind := range []remote.Kind{remote.OIP, remote.TFServing} {
		o := options(server, kind)
		o.Policy.Timeout, o.Policy.Retries = 200*time.Millisecond, 0
		s, err := remote.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		in, out, _ := columns(s, 1)
		err = s.Score(t.Context(), in, 1, out)
		if err == nil || !strings.Contains(err.Error(), "no answer within 200ms") || !errors.Is(err, model.ErrUnavailable) {
			t.Errorf("%s: %v", kind, err)
		}
		<-asked
	}
	o := options(server, remote.OIP)
	o.Policy.Timeout = model.MaxWait
	s, err := remote.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	in, out, _ := columns(s, 1)
	if err := s.Score(ctx, in, 1, out); err == nil {
		t.Error("a request that was given up succeeded")
	}
	if n := s.(*remote.Scorer).Statistics().Circuit; n != remote.CircuitClosed {
		t.Error("who gives up says nothing of the server")
	}
}

// TestAccess: hosts, redirects, tokens.
func TestAccess(t *testing.T) {
	const secret = "s3cr3t-token"
	server := remotetest.Start(t)
	server.Token = secret
	token := func() (string, error) { return secret, nil }
	with := func(change func(*remote.Options)) error {
		o := options(server, remote.OIP)
		o.Access.Tokens = map[string]func() (string, error){server.Host(): token}
		change(&o)
		s, err := remote.Open(t.Context(), o)
		if err != nil {
			return err
		}
		in, out, _ := columns(s, 1)
		return s.Score(t.Context(), in, 1, out)
	}
	for name, c := range map[string]struct {
		change func(*remote.Options)
		err    string
	}{
		"the token": {func(*remote.Options) {}, ""},
		"no token":  {func(o *remote.Options) { o.Access.Tokens = nil }, "401"},
		"a wrong one": {func(o *remote.Options) {
			o.Access.Tokens[server.Host()] = func() (string, error) { return "0ther", nil }
		}, "401 Unauthorized: who are you? not Bearer ..."},
		"a host not allowed": {func(o *remote.Options) { o.Access.Hosts = []string{"other"} }, "not among those"},
		"a password in it":   {func(o *remote.Options) { o.URI = "http://me:pw@" + server.Host() + "/v2/models/line" }, "password"},
		"a query":            {func(o *remote.Options) { o.URI += "?a=b" }, "is http://host:port/v2/models/NAME"},
		"a way out":          {func(o *remote.Options) { o.URI = server.URL + "/v2/models/../x/y" }, "is http://host:port/v2/models/NAME"},
		"a token in the clear": {func(o *remote.Options) {
			o.URI, o.Access.Hosts = "http://models.example/v2/models/line", []string{"models.example"}
			o.Access.Tokens = map[string]func() (string, error){"models.example": token}
		}, "https only"},
	} {
		err := with(c.change)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
		if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "0ther")) {
			t.Errorf("%s: the token is in %v", name, err)
		}
	}
	elsewhere := remotetest.Start(t)
	server.Before(func(_ int64, w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	})
	if err := with(func(*remote.Options) {}); err == nil || !strings.Contains(err.Error(), "redirects are not followed") {
		t.Errorf("redirect: %v", err)
	}
	if elsewhere.Requests() > 0 {
		t.Error("the redirect was followed")
	}
}

// TestParts: requests have no more bytes than they may, and a row that is larger than that is refused.
func TestParts(t *testing.T) {
	server := remotetest.Start(t)
	o := options(server, remote.OIP)
	o.Policy.MaxBytes = 1 << 10
	s, err := remote.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	in, out, want := columns(s, 100)
	if err := s.Score(t.Context(), in, 100, out); err != nil || !slices.Equal(out[0].Float64, want) {
		t.Fatalf("got %v, %v", out[0].Float64, err)
	}
	if n := len(server.Rows()); n < 3 || n > 5 {
		t.Errorf("about 3 kB went in %d requests", n)
	}
	in[1].String[50] = strings.Repeat("x", 1<<10)
	if err := s.Score(t.Context(), in, 100, out); err == nil || !strings.Contains(err.Error(), "a request at most 1024") {
		t.Errorf("a row too large: %v", err)
	}
}

// TestNotNumbers: NaN goes and comes by each protocol that can carry it.
func TestNotNumbers(t *testing.T) {
	for kind, carries := range map[remote.Kind]bool{remote.OIP: true, remote.OIPGRPC: true, remote.TFServing: false} {
		server := remotetest.Start(t)
		s, err := remote.Open(t.Context(), options(server, kind))
		if err != nil {
			t.Fatal(err)
		}
		in, out, _ := columns(s, 2)
		for i, c := range in {
			if c.Float64 != nil {
				in[i].Float64[0] = math.NaN()
			}
		}
		err = s.Score(t.Context(), in, 2, out)
		if carries && (err != nil || !math.IsNaN(out[0].Float64[0]) || out[0].Float64[1] != 21) {
			t.Errorf("%s: %v, %v", kind, out[0].Float64, err)
		}
		if !carries && (err == nil || !strings.Contains(err.Error(), "400")) { // the test's server takes strict JSON
			t.Errorf("%s: %v", kind, err)
		}
	}
}
