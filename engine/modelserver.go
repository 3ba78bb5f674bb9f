package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/remote"
)

// A model may be on a server: BACKEND names the protocol, URI the model there. What CREATE MODEL stores is what the server said then, see
// [remote.Descriptor].

// modelAccess says which model servers may be asked.
func (e *Engine) modelAccess() *remote.Access {
	a := &remote.Access{Hosts: e.opts.ModelHosts, TLS: e.opts.ModelTLS, Tokens: map[string]func() (string, error){}}
	for host, token := range e.opts.ModelTokens {
		a.Tokens[host] = token
	}
	return a
}

// serverKind is the protocol that a backend's name stands for; false: none, models of the backend are files.
func serverKind(backend string) (remote.Kind, bool) {
	k := remote.Kind(strings.ToLower(backend))
	return k, slices.Contains(remote.Kinds(), k)
}

// modelServer says how the server of a statement's model is asked; nil: the model is a file.
func (e *Engine) modelServer(st *ast.CreateModel, props map[string]string) (*remote.Options, error) {
	if st.With == nil {
		return nil, nil
	}
	kind, ok := serverKind(props["BACKEND"])
	policy := remote.DefaultPolicy()
	for _, p := range st.With.Items {
		name := strings.ToUpper(p.Name.Name)
		setting := slices.Contains(remote.Properties(), name)
		switch {
		case setting && !ok:
			return nil, &ast.Error{Code: "with.unknown", Span: p.Span(), Message: name + " is for models on servers", Hint: "BACKEND names the server's protocol"}
		case setting:
			if err := policy.Set(name, props[name]); err != nil {
				return nil, &ast.Error{Code: "with.value", Span: p.Span(), Message: err.Error()}
			}
		case ok && (name == "SHA256" || name == "TOPIC" || name == "KEY"):
			return nil, &ast.Error{Code: "with.unknown", Span: p.Span(), Message: name + " is for models that are files"}
		}
	}
	if !ok {
		if st.Input != nil || st.Output != nil {
			return nil, &ast.Error{
				Code: "model.columns", Span: st.Span(), Message: "INPUT and OUTPUT are for models on servers that do not tell theirs: a file has its own",
			}
		}
		return nil, nil
	}
	o := &remote.Options{Kind: kind, URI: props["URI"], Policy: &policy, Access: *e.modelAccess()}
	var err error
	if o.Inputs, err = declaredTensors(st.Input); err != nil {
		return nil, err
	}
	o.Outputs, err = declaredTensors(st.Output)
	return o, err
}

// declaredTypes are the tensors' types by those of columns.
var declaredTypes = map[string]string{
	"DOUBLE": "FP64", "BIGINT": "INT64", "INT": "INT32", "INTEGER": "INT32", "BOOLEAN": "BOOL", "STRING": "BYTES", "VARCHAR": "BYTES",
}

// declaredTensors are the columns of INPUT or OUTPUT, each a tensor of one element a row.
func declaredTensors(columns []*ast.Element) ([]remote.Tensor, error) {
	var list []remote.Tensor
	for _, c := range columns {
		t := remote.Tensor{Name: c.Name.Name, Datatype: declaredTypes[strings.ToUpper(c.Type.String())], Shape: []int64{-1, 1}}
		if t.Datatype == "" {
			return nil, &ast.Error{
				Code: "model.columns", Span: c.Span(), Message: fmt.Sprintf("column %s of a model cannot be %s", c.Name, c.Type),
				Hint: "DOUBLE, BIGINT, INT, BOOLEAN and STRING can be sent",
			}
		}
		list = append(list, t)
	}
	return list, nil
}

// describeServer asks a model's server, and makes of what it says the bytes that the version has.
func describeServer(ctx context.Context, o *remote.Options) ([]byte, error) {
	d, err := remote.Describe(ctx, *o)
	if err != nil {
		return nil, err
	}
	return d.Encode()
}

// checkModelServers refuses a query that takes scores of a server back: rows of tables come again with their old values, and what the server
// said the first time is not known any more.
func checkModelServers(cat *catalog.Catalog, t *topology.Topology) error {
	var refused error
	onOldRows(t, func(x plan.Expr) {
		if p, ok := x.(*plan.Predict); ok && refused == nil && onServer(cat, p) {
			refused = &ast.Error{
				Code: "model.server", Message: "model " + p.Model + " is on a server, which may score a row otherwise when it comes again to be taken back",
				Hint: "score the rows in a stream first, and aggregate or join its result",
			}
		}
	})
	return refused
}

// onServer says whether a call is, or may be, scored by a server.
func onServer(cat *catalog.Catalog, p *plan.Predict) bool {
	m, ok := cat.Model(p.Model)
	if !ok {
		return false
	}
	numbers := []int{p.Version}
	if p.Version == 0 {
		numbers = m.Rollout().Versions()
	}
	return slices.ContainsFunc(numbers, func(n int) bool {
		v := m.Version(n)
		if v == nil {
			return false
		}
		_, server := serverKind(v.Backend)
		return server
	})
}

// serverMetrics are what a version on a server has asked, and the rows of any version that got NULL or a default.
func serverMetrics(labels map[string]string, s model.Scorer) []Metric {
	var out []Metric
	if t, ok := s.(model.Tolerant); ok {
		out = append(out, Metric{Name: "millrace_model_unscored_rows_total", Help: "rows that could not be scored and got what ON_ERROR says", Labels: labels, Value: float64(t.Failed())})
		s = t.Unwrap()
	}
	r, ok := s.(*remote.Scorer)
	if !ok {
		return out
	}
	n := r.Statistics()
	return append(out,
		Metric{Name: "millrace_model_requests_total", Help: "requests to the model's server", Labels: labels, Value: float64(n.Requests)},
		Metric{Name: "millrace_model_request_retries_total", Help: "of these, repetitions", Labels: labels, Value: float64(n.Retries)},
		Metric{Name: "millrace_model_request_refusals_total", Help: "requests that the server did not take, whose rows are at fault", Labels: labels, Value: float64(n.Refusals)},
		Metric{Name: "millrace_model_request_failures_total", Help: "requests without an answer that makes sense", Labels: labels, Value: float64(n.Failures)},
		Metric{Name: "millrace_model_circuit", Help: "0 while the server is asked, 1 while a request tries it, 2 while it is left alone", Labels: labels, Value: float64(n.Circuit)},
		Metric{
			Name: "millrace_model_request_seconds", Help: "how long requests took", Labels: labels,
			Histogram: &Histogram{Buckets: n.Buckets, Count: uint64(n.Requests), Sum: n.Seconds},
		})
}
