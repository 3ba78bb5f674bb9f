package remote

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/udf/model"
)

// Scorer asks a server for scores. It implements [model.Scorer], but that a server may score a row otherwise the next time.
type Scorer struct {
	d      *Descriptor
	wire   *wire
	caller *caller
	sig    model.Signature
}

// Open asks the server about a model and returns what scores it.
func Open(ctx context.Context, o Options) (model.Scorer, error) {
	d, err := Describe(ctx, o)
	if err != nil {
		return nil, err
	}
	return open(d, &o.Access)
}

func open(d *Descriptor, a *Access) (*Scorer, error) {
	w, err := d.protocol(a)
	if err != nil {
		return nil, err
	}
	s := &Scorer{d: d, wire: w, caller: newCaller(d.Policy)}
	for _, t := range d.Inputs {
		s.sig.Inputs = append(s.sig.Inputs, t.tensor())
	}
	for _, t := range d.Outputs {
		s.sig.Outputs = append(s.sig.Outputs, t.tensor())
	}
	return s, nil
}

// Signature implements model.Scorer.
func (s *Scorer) Signature() model.Signature { return s.sig }

// Close implements model.Scorer.
func (s *Scorer) Close() error {
	s.wire.close()
	return nil
}

// Score implements model.Scorer. It takes at most [model.MaxWait]. An error that wraps [model.ErrUnavailable] says that the server does not answer,
// any other that it does not take these rows.
func (s *Scorer) Score(ctx context.Context, in []model.Column, rows int, out []model.Column) error {
	for i, t := range s.sig.Outputs {
		out[i].Resize(t.Type, rows*t.Width())
	}
	if rows == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, model.MaxWait)
	defer cancel()
	parts, err := s.split(in, rows)
	if err != nil {
		return err
	}
	for i := range parts {
		parts[i].in, parts[i].out = in, out
	}
	if len(parts) == 1 {
		return s.ask(ctx, &parts[0])
	}
	return s.askAll(ctx, parts)
}

// askAll asks about parts at the same time, as many as the policy allows. The first failure ends it.
func (s *Scorer) askAll(ctx context.Context, parts []batch) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	var first error
	next := 0
	take := func() *batch {
		mu.Lock()
		defer mu.Unlock()
		if next == len(parts) || first != nil {
			return nil
		}
		next++
		return &parts[next-1]
	}
	var wg sync.WaitGroup
	for range min(len(parts), s.d.Policy.Concurrency) {
		wg.Go(func() {
			for b := take(); b != nil; b = take() {
				if err := s.ask(ctx, b); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
					cancel()
				}
			}
		})
	}
	wg.Wait()
	return first
}

func (s *Scorer) ask(ctx context.Context, b *batch) error {
	b.limit = s.answerLimit(b.hi - b.lo)
	err := s.caller.do(ctx, func(ctx context.Context) error { return s.wire.infer(ctx, &s.caller.stats, b) })
	if err != nil {
		return fmt.Errorf("model server %s: %w", s.wire.at.url.Host, err)
	}
	return nil
}

// split cuts rows into parts that have no more rows and bytes than a request may have.
func (s *Scorer) split(in []model.Column, rows int) ([]batch, error) {
	fixed := 0
	var texts []int
	for i, t := range s.d.Inputs {
		if t.elem() == model.String {
			texts = append(texts, i)
		}
		fixed += (datatypes[t.Datatype].size + 1) * t.width()
	}
	var parts []batch
	lo, bytes := 0, 0
	for row := range rows {
		n := fixed
		for _, i := range texts {
			w := s.d.Inputs[i].width()
			for _, v := range in[i].String[row*w : (row+1)*w] {
				n += len(v) + 4
			}
		}
		if n > s.d.Policy.MaxBytes {
			return nil, fmt.Errorf("model server %s: a row has %d bytes, and a request at most %d", s.wire.at.url.Host, n, s.d.Policy.MaxBytes)
		}
		if row-lo == s.d.Policy.MaxRows || bytes+n > s.d.Policy.MaxBytes {
			parts = append(parts, batch{lo: lo, hi: row})
			lo, bytes = row, 0
		}
		bytes += n
	}
	return append(parts, batch{lo: lo, hi: rows}), nil
}

// The bytes of an answer: what every answer may have, an element that is a number (JSON takes up to 25 and a comma), and one that is a text.
const (
	answerBytes = 64 << 10
	numberBytes = 32
	textBytes   = 4 << 10
	largest     = 64 << 20
)

// answerLimit bounds the answer about so many rows.
func (s *Scorer) answerLimit(rows int) int64 {
	n := int64(answerBytes)
	for _, t := range s.d.Outputs {
		each := int64(numberBytes)
		if t.elem() == model.String {
			each = textBytes
		}
		n += each * int64(t.width()) * int64(rows)
	}
	return min(n, largest)
}

// Statistics are what the scorer has done.
func (s *Scorer) Statistics() Statistics { return s.caller.statistics() }

// Facts tell people whom the scorer asks, and how.
func (s *Scorer) Facts() []model.Fact {
	facts := []model.Fact{{Name: "server", Value: s.d.URI}}
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, model.Fact{Name: name, Value: value})
		}
	}
	add("server is", s.d.Server)
	add("server's version", s.d.Version)
	if v := s.caller.stats.answering.Load(); v != nil && *v != s.d.Version {
		add("version that answered last", *v)
	}
	form := "JSON"
	if s.d.Binary {
		form = "binary"
	}
	add("tensors", form)
	add("limits", s.d.Policy.String())
	return facts
}
