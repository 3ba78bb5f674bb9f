package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// mlflow speaks to MLflow's scoring server: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally
// It tells nothing of its model, so the statement declares inputs and outputs: they are columns of a data frame.
type mlflow struct {
	web web
	at  *endpoint
	d   *Descriptor
}

// describe implements protocol: it asks whether the server is there, and for MLflow's own version.
func (p *mlflow) describe(ctx context.Context) error {
	a, err := p.web.get(ctx, p.at.at("version"))
	if err != nil {
		return err
	}
	if len(a.body) > 40 || message(a.body) == "a web page" {
		return errors.New("the server does not tell MLflow's version")
	}
	p.d.Server = "MLflow " + strings.Trim(message(a.body), `"`)
	return nil
}

// infer implements protocol.
func (p *mlflow) infer(ctx context.Context, _ *stats, b *batch) error {
	body := []byte(`{"dataframe_split":{"columns":[`)
	for i, t := range p.d.Inputs {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendText(body, t.Name)
	}
	body = append(body, `],"data":[`...)
	for row := b.lo; row < b.hi; row++ {
		if row > b.lo {
			body = append(body, ',')
		}
		body = append(body, '[')
		for i, t := range p.d.Inputs {
			if i > 0 {
				body = append(body, ',')
			}
			var err error
			if body, err = appendElement(body, t.elem(), &b.in[i], row, words{nan: "null"}); err != nil {
				return fault(refused, "%w", err)
			}
		}
		body = append(body, ']')
	}
	body = append(body, "]}}"...)
	a, err := p.web.do(ctx, http.MethodPost, p.at.at("invocations"), jsonHeader(), body, b.limit)
	if err != nil {
		return err
	}
	return p.response(b, a.body)
}

// response reads predictions: one for each row.
func (p *mlflow) response(b *batch, body []byte) error {
	row, found := b.lo, false
	err := decode(body, func(s *scanner, key string) error {
		if key != "predictions" {
			return s.skip()
		}
		if found {
			return errTwice
		}
		found = true
		return s.array(func() error {
			if row == b.hi {
				return fmt.Errorf("it has more than %d predictions", b.hi-b.lo)
			}
			row++
			return p.prediction(s, b, row-1)
		})
	})
	switch {
	case err != nil:
		return err
	case row < b.hi:
		return wrongAnswer(fmt.Errorf("it has %d predictions, not %d", row-b.lo, b.hi-b.lo))
	}
	return nil
}

// prediction reads that of one row: a data frame's row by names, or values in the order of the outputs.
func (p *mlflow) prediction(s *scanner, b *batch, row int) error {
	n := 0
	value := func(i int) error {
		t := p.d.Outputs[i]
		n++
		if err := s.row(t, &b.out[i], row*t.width(), t.width()); err != nil {
			return fmt.Errorf("output %s: %w", t.Name, err)
		}
		return nil
	}
	var err error
	switch c := s.peek(); {
	case c == '{':
		all := p.d.outputs()
		err = s.object(func(name string) error {
			i, ok, err := all.named(name)
			if err != nil {
				return err
			}
			if !ok {
				return s.skip()
			}
			return value(i)
		})
	case c == '[' && len(p.d.Outputs) > 1:
		err = s.array(func() error {
			if n == len(p.d.Outputs) {
				return fmt.Errorf("a prediction has more than %d values", n)
			}
			return value(n)
		})
	default:
		err = value(0)
	}
	if err == nil && n < len(p.d.Outputs) {
		err = fmt.Errorf("a prediction has %d of %d outputs", n, len(p.d.Outputs))
	}
	return err
}
