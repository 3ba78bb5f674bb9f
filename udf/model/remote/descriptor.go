package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// Options say which model to ask, and how.
type Options struct {
	Kind   Kind
	URI    string // see Kind
	Access Access
	Policy *Policy // nil: DefaultPolicy
	// Inputs and Outputs are declared where the server tells none.
	Inputs, Outputs []Tensor
}

// Descriptor is a model on a server as Describe found it. It is immutable.
type Descriptor struct {
	Backend Kind
	URI     string
	Server  string `json:",omitempty"` // what the server says it is
	Version string `json:",omitempty"` // of the model, as the server names it: one, or those that it has; "": it names none
	// Binary says that tensors go in binary.
	Binary          bool `json:",omitempty"`
	Inputs, Outputs []Tensor
	Policy          Policy
}

// Describe asks the server about the model.
func Describe(ctx context.Context, o Options) (*Descriptor, error) {
	d := &Descriptor{Backend: o.Kind, URI: o.URI, Policy: DefaultPolicy()}
	if o.Policy != nil {
		d.Policy = *o.Policy
	}
	p, err := d.protocol(&o.Access)
	if err != nil {
		return nil, err
	}
	defer p.close()
	ctx, cancel := context.WithTimeout(ctx, model.MaxWait)
	defer cancel()
	if err := newCaller(d.Policy).do(ctx, func(ctx context.Context) error {
		d.Inputs, d.Outputs = nil, nil
		return p.describe(ctx)
	}); err != nil {
		return nil, fmt.Errorf("ask %s about the model: %w", o.URI, err)
	}
	if err := d.declare(o.Inputs, o.Outputs); err != nil {
		return nil, err
	}
	if p.at.version != "" {
		d.Version = p.at.version
	}
	return d, d.check()
}

// declare takes what a statement declares where the server tells nothing.
func (d *Descriptor) declare(inputs, outputs []Tensor) error {
	for _, side := range []struct {
		word     string
		told     *[]Tensor
		declared []Tensor
	}{{"INPUT", &d.Inputs, inputs}, {"OUTPUT", &d.Outputs, outputs}} {
		switch {
		case len(*side.told) == 0 && len(side.declared) == 0:
			return fmt.Errorf("the server does not tell the model's inputs and outputs: declare them, with %s (name TYPE, ...) before WITH", side.word)
		case len(*side.told) == 0:
			*side.told = side.declared
		case len(side.declared) > 0:
			return fmt.Errorf("the server tells the model's inputs and outputs itself: leave %s out", side.word)
		}
	}
	return nil
}

// maxTensors bounds the inputs and the outputs of a model.
const maxTensors = 4096

// check refuses a signature that cannot be scored, and a descriptor that Describe would not have made.
func (d *Descriptor) check() error {
	if err := d.Policy.check(); err != nil {
		return err
	}
	if len(d.Inputs) == 0 || len(d.Outputs) == 0 || len(d.Inputs) > maxTensors || len(d.Outputs) > maxTensors {
		return fmt.Errorf("a model has 1 to %d inputs and outputs, not %d and %d", maxTensors, len(d.Inputs), len(d.Outputs))
	}
	for i, list := range [][]Tensor{d.Inputs, d.Outputs} {
		names := map[string]bool{}
		for _, t := range list {
			if err := t.check(i == 0); err != nil {
				return err
			}
			if names[t.Name] {
				return fmt.Errorf("two tensors are called %s", t.Name)
			}
			names[t.Name] = true
		}
	}
	return nil
}

// Encode makes the artifact of the model.
func (d *Descriptor) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write a model's descriptor: %w", err)
	}
	return b, nil
}

// decodeDescriptor reads an artifact.
func decodeDescriptor(b []byte) (*Descriptor, error) {
	d := &Descriptor{}
	r := json.NewDecoder(bytes.NewReader(b))
	r.DisallowUnknownFields()
	if err := r.Decode(d); err != nil {
		return nil, fmt.Errorf("read a model's descriptor: %w", err)
	}
	return d, d.check()
}

// batch is the part of rows that one request is about: lo to hi of the columns.
type batch struct {
	in, out []model.Column
	lo, hi  int
	limit   int64 // bytes of the answer
}

// wire is a protocol over its connection. Its methods are safe for concurrent use but for describe, which sets the descriptor's fields.
type wire struct {
	at *endpoint
	protocol
	close func()
}

// protocol is what a kind of server speaks. Errors are callErrors; others are answers that make no sense.
type protocol interface {
	describe(ctx context.Context) error
	// infer asks about a batch and sets its rows of the output columns, which are there.
	infer(ctx context.Context, st *stats, b *batch) error
}

var errBackend = errors.New("there is no such backend")

// protocol connects the descriptor's kind with its server, if that may be asked.
func (d *Descriptor) protocol(a *Access) (*wire, error) {
	if !slices.Contains(Kinds(), d.Backend) {
		return nil, fmt.Errorf("%q: %w", d.Backend, errBackend)
	}
	at, err := parseEndpoint(d.Backend, d.URI)
	if err != nil {
		return nil, err
	}
	if err := a.check(at.url); err != nil {
		return nil, err
	}
	client := a.client(at.url, d.Backend == OIPGRPC, d.Policy.Concurrency)
	w := &wire{at: at, close: client.CloseIdleConnections}
	switch d.Backend {
	case OIP:
		w.protocol = &oip{web{client}, at, d}
	case OIPGRPC:
		w.protocol = &oipGRPC{client, at, d}
	case TFServing:
		w.protocol = &tfserving{web{client}, at, d}
	case MLflow:
		w.protocol = &mlflow{web{client}, at, d}
	}
	return w, nil
}
