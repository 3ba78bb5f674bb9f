// Package remotetest is a model server for tests: one model, with the inputs x (two numbers) and name (a text), whose score is
// x[0] + 10*x[1], plus 1000 where the name is "vip". It speaks every protocol that package remote does, by the protocols' documents and with
// none of that package's code.
package remotetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Server is the model server.
type Server struct {
	*httptest.Server
	// Binary says that the server has the extension for binary tensors.
	Binary bool
	// Token, if it is not "", must come with each request.
	Token string

	requests, most, running atomic.Int64
	mu                      sync.Mutex
	before                  func(n int64, w http.ResponseWriter, r *http.Request) bool
	rows                    []int
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	s := &Server{Binary: true}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2", s.serverMetadata)
	mux.HandleFunc("GET /v2/models/line", s.modelMetadata)
	mux.HandleFunc("POST /v2/models/line/infer", s.score(s.oip))
	mux.HandleFunc("GET /v1/models/line/metadata", s.tfMetadata)
	mux.HandleFunc("POST /v1/models/line:predict", s.score(s.predict))
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "3.1.0") })
	mux.HandleFunc("POST /invocations", s.score(s.invocations))
	mux.HandleFunc("POST /inference.GRPCInferenceService/{method}", s.grpc)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Token != "" && r.Header.Get("Authorization") != "Bearer "+s.Token {
			http.Error(w, `{"error": "who are you? not `+r.Header.Get("Authorization")+`"}`, http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Server.Start()
	t.Cleanup(func() {
		s.CloseClientConnections() // Close alone waits seconds for those that were opened and not used
		s.Close()
	})
	return s
}

// Host is where the server listens.
func (s *Server) Host() string { return strings.TrimPrefix(s.URL, "http://") }

// Before has f called with each request for scores, numbered from 1: if it returns true it has answered.
func (s *Server) Before(f func(n int64, w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Requests counts the requests for scores.
func (s *Server) Requests() int64 { return s.requests.Load() }

// Most is how many of them there were at once.
func (s *Server) Most() int64 { return s.most.Load() }

// Rows are the numbers of rows of the requests that were scored.
func (s *Server) Rows() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows
}

// score counts requests around a handler.
func (s *Server) score(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, running := s.requests.Add(1), s.running.Add(1)
		defer s.running.Add(-1)
		for most := s.most.Load(); running > most && !s.most.CompareAndSwap(most, running); most = s.most.Load() {
		}
		s.mu.Lock()
		before := s.before
		s.mu.Unlock()
		if before != nil && before(n, w, r) {
			return
		}
		handle(w, r)
	}
}

// line is the model.
func (s *Server) line(x []float64, names []string) []float64 {
	s.mu.Lock()
	s.rows = append(s.rows, len(names))
	s.mu.Unlock()
	scores := make([]float64, len(names))
	for i, name := range names {
		scores[i] = x[2*i] + 10*x[2*i+1]
		if name == "vip" {
			scores[i] += 1000
		}
	}
	return scores
}

func (s *Server) serverMetadata(w http.ResponseWriter, _ *http.Request) {
	extensions := `[]`
	if s.Binary {
		extensions = `["classification", "binary_tensor_data"]`
	}
	_, _ = fmt.Fprintf(w, `{"name": "test server", "version": "1.2", "extensions": %s}`, extensions)
}

func (s *Server) modelMetadata(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"name": "line", "versions": ["7"], "platform": "none",
		"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 2]}, {"name": "name", "datatype": "BYTES", "shape": [-1, 1]}],
		"outputs": [{"name": "score", "datatype": "FP64", "shape": [-1, 1]}]}`)
}

func (s *Server) tfMetadata(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"model_spec": {"name": "line", "signature_name": "", "version": "7"},
		"metadata": {"signature_def": {"signature_def": {"serving_default": {
			"inputs": {
				"x": {"dtype": "DT_DOUBLE", "tensor_shape": {"dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}], "unknown_rank": false}, "name": "x:0"},
				"name": {"dtype": "DT_STRING", "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": false}, "name": "name:0"}},
			"outputs": {"score": {"dtype": "DT_DOUBLE", "tensor_shape": {"dim": [{"size": "-1", "name": ""}, {"size": "1", "name": ""}], "unknown_rank": false}, "name": "StatefulPartitionedCall:0"}},
			"method_name": "tensorflow/serving/predict"}}}}}`)
}

// predict answers TensorFlow Serving's columnar format.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Inputs struct {
			X    [][]float64
			Name []string
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(w, `{"error": "JSON Parse error"}`, http.StatusBadRequest)
		return
	}
	var x []float64
	for _, row := range q.Inputs.X {
		x = append(x, row...)
	}
	var out [][]float64
	for _, v := range s.line(x, q.Inputs.Name) {
		out = append(out, []float64{v})
	}
	reply(w, map[string]any{"outputs": out})
}

// invocations answers MLflow's scoring server.
func (s *Server) invocations(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Frame struct {
			Columns []string
			Data    [][]any
		} `json:"dataframe_split"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || fmt.Sprint(q.Frame.Columns) != "[a b name]" {
		http.Error(w, `{"error_code": "BAD_REQUEST", "message": "Failed to enforce schema of data"}`, http.StatusBadRequest)
		return
	}
	var x []float64
	var names []string
	for _, row := range q.Frame.Data {
		x = append(x, row[0].(float64), row[1].(float64))
		names = append(names, row[2].(string))
	}
	reply(w, map[string]any{"predictions": s.line(x, names)})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
