package remote_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/remote"
)

// expected is what scikit-learn predicts, as testdata/server/train.py writes it.
type expected struct {
	Iris struct {
		Rows, Scores [][]float64
		Labels       []int64
	}
	Progress struct {
		Columns []string
		Rows    [][]float64
		Scores  []float64
	}
}

// TestRealServers: MLServer and MLflow give what scikit-learn gives. .ci/model-server starts them and says where they are.
func TestRealServers(t *testing.T) {
	file := os.Getenv("MILLRACE_MODEL_SERVERS")
	if file == "" {
		t.Skip("no model servers: make test-model-servers starts them")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want expected
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	http, grpc, flow := os.Getenv("MILLRACE_OIP_HTTP"), os.Getenv("MILLRACE_OIP_GRPC"), os.Getenv("MILLRACE_MLFLOW")
	for _, c := range []struct {
		kind        remote.Kind
		uri, hosted string
	}{{remote.OIP, "http://" + http + "/v2/models/", http}, {remote.OIPGRPC, "grpc://" + grpc + "/v2/models/", grpc}} {
		o := remote.Options{Kind: c.kind, URI: c.uri + "iris", Access: remote.Access{Hosts: []string{c.hosted}}}
		t.Run(string(c.kind)+" iris", func(t *testing.T) { iris(t, o, &want) })
		o.URI = c.uri + "progress"
		t.Run(string(c.kind)+" progress", func(t *testing.T) { progress(t, o, &want) })
	}
	o := remote.Options{Kind: remote.MLflow, URI: "http://" + flow + "/invocations", Access: remote.Access{Hosts: []string{flow}}}
	for _, name := range want.Progress.Columns {
		o.Inputs = append(o.Inputs, remote.Tensor{Name: name, Datatype: "FP64", Shape: []int64{-1, 1}})
	}
	o.Outputs = []remote.Tensor{{Name: "progress", Datatype: "FP64", Shape: []int64{-1, 1}}}
	t.Run("mlflow progress", func(t *testing.T) { progress(t, o, &want) })
}

// ask opens a model and scores rows, which its inputs share from left to right, in requests of at most 64.
func ask(t *testing.T, o remote.Options, rows [][]float64) []model.Column {
	t.Helper()
	p := remote.DefaultPolicy()
	p.Timeout, p.MaxRows = 9*time.Second, 64
	o.Policy = &p
	s, err := remote.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, f := range s.(model.Described).Facts() {
		t.Logf("%s: %s", f.Name, f.Value)
	}
	sig := s.Signature()
	in, out := make([]model.Column, len(sig.Inputs)), make([]model.Column, len(sig.Outputs))
	for _, row := range rows {
		for i, tensor := range sig.Inputs {
			in[i].Float64 = append(in[i].Float64, row[:tensor.Width()]...)
			row = row[tensor.Width():]
		}
	}
	began := time.Now()
	if err := s.Score(t.Context(), in, len(rows), out); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows in %s", len(rows), time.Since(began))
	return out
}

func same(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d scores, not %d", what, len(got), len(want))
	}
	for i, w := range want {
		if math.Abs(got[i]-w) > 1e-12*max(1, math.Abs(w)) {
			t.Fatalf("%s: score %d is %v, not %v", what, i, got[i], w)
		}
	}
}

func iris(t *testing.T, o remote.Options, want *expected) {
	out := ask(t, o, want.Iris.Rows)
	if got := fmt.Sprint(out[0].Int64); got != fmt.Sprint(want.Iris.Labels) {
		t.Errorf("labels %s, not %v", got, want.Iris.Labels)
	}
	var scores []float64
	for _, row := range want.Iris.Scores {
		scores = append(scores, row...)
	}
	same(t, "probabilities", out[1].Float64, scores)
}

func progress(t *testing.T, o remote.Options, want *expected) {
	same(t, "progress", ask(t, o, want.Progress.Rows)[0].Float64, want.Progress.Scores)
}
