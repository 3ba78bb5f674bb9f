package ort

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unsafe"

	"github.com/millrace/millrace/udf/model"
)

// probe finds out how rows are given to a model and what its outputs are like, by running it: files need not tell the shapes of
// outputs, nor the keys of maps.
//
// Where the first dimension of every input is open, rows are stacked there, provided that the model then gives as many rows
// and that none has to do with its neighbours. Otherwise, as for a sequence whose second dimension is the batch, each row is a
// call of its own.
func (s *session) probe() error {
	if len(s.inputs) == 0 {
		return unsupported("a model without inputs")
	}
	s.batched = true
	for _, p := range s.inputs {
		if p.maps {
			return unsupported("input %s, a sequence", p.name)
		}
		if p.open() > 1 {
			return unsupported("input %s of shape %v: only one dimension may be open", p.name, p.dims)
		}
		if p.open() == 0 || p.dims[0] >= 0 {
			s.batched = false
		}
		if err := p.shaped(p.dims); err != nil {
			return err
		}
	}
	batched := s.batched
	var err error
	for _, integer := range []int64{0, 1} { // one divides by nothing, the other is beyond the end of something
		if s.batched = batched; s.batched && s.probeRows(integer) == nil {
			return nil
		}
		s.batched = false
		if err = s.probeOne(integer); err == nil {
			return nil
		}
	}
	return fmt.Errorf("try it on a row: %w", err)
}

// probeRows tries two rows and then the same with a third.
func (s *session) probeRows(integer int64) error {
	in := s.sample(3, integer)
	two, err := s.try(in, 2)
	if err != nil {
		return err
	}
	three, err := s.try(in, 3)
	if err != nil {
		return err
	}
	for i, p := range s.outputs {
		n := 2 * p.width
		if err := same(p, two[i], three[i], n, closeTo); err != nil {
			return err
		}
	}
	return nil
}

// probeOne tries one row, twice: a model that throws dice would give other scores when a record is read again.
func (s *session) probeOne(integer int64) error {
	in := s.sample(1, integer)
	first, err := s.try(in, 1)
	if err != nil {
		return err
	}
	again, err := s.try(in, 1)
	if err != nil {
		return err
	}
	for i, p := range s.outputs {
		if same(p, first[i], again[i], p.width, identical) != nil {
			return unsupported("output %s, which differs from run to run", p.name)
		}
	}
	return nil
}

// sample makes rows that most models take: numbers between 0 and 1, one integer, empty texts.
func (s *session) sample(rows int, integer int64) []model.Column {
	in := make([]model.Column, len(s.inputs))
	for i, p := range s.inputs {
		c, kind := &in[i], elements[p.elem].as
		c.Resize(kind, rows*p.width)
		const golden = 0.618034
		for k := range c.Float32 {
			_, f := math.Modf(float64(k+1) * golden)
			c.Float32[k] = float32(f)
		}
		for k := range c.Float64 {
			_, c.Float64[k] = math.Modf(float64(k+1) * golden)
		}
		for k := range c.Int64 {
			c.Int64[k] = integer
		}
	}
	return in
}

// try runs rows, notes what the outputs are like, and returns them.
func (s *session) try(in []model.Column, rows int) ([]model.Column, error) {
	c := newCall(s)
	defer c.release()
	if err := c.run(context.Background(), in, 0, rows); err != nil {
		return nil, err
	}
	out := make([]model.Column, len(s.outputs))
	for i, p := range s.outputs {
		if err := s.learn(p, c.out[i], rows); err != nil {
			return nil, fmt.Errorf("output %s: %w", p.name, err)
		}
		out[i].Resize(elements[p.elem].as, rows*p.width)
		if err := c.read(i, &out[i], 0, rows); err != nil {
			return nil, fmt.Errorf("output %s: %w", p.name, err)
		}
	}
	return out, nil
}

// learn notes what an output of so many rows is like.
func (s *session) learn(p *port, v handle, rows int) error {
	if p.maps {
		return s.learnMaps(p, v, rows)
	}
	elem, dims, err := s.tensorShape(v)
	if err != nil {
		return err
	}
	p.elem = elem
	if s.batched {
		if len(dims) == 0 || dims[0] != int64(rows) {
			return fmt.Errorf("shape %v for %d rows", dims, rows)
		}
		dims = append([]int64{1}, dims[1:]...)
	}
	return p.shaped(dims)
}

// learnMaps notes the keys of the first map.
func (s *session) learnMaps(p *port, v handle, rows int) error {
	var kind int32
	return s.entry(v, 0, func(m handle) error {
		if err := s.call(getValueType, uintptr(m), uintptr(unsafe.Pointer(&kind))); err != nil {
			return err
		}
		if kind != mapValue {
			return unsupported("a sequence of other things than maps")
		}
		if err := s.entry(m, mapValues, func(values handle) (err error) {
			p.elem, _, err = s.tensorShape(values)
			return err
		}); err != nil {
			return err
		}
		if _, ok := elements[p.elem]; !ok {
			return unsupported("maps of other things than numbers")
		}
		err := s.entry(m, mapKeys, func(keys handle) (err error) {
			p.keys, err = s.keys(keys)
			return err
		})
		if err != nil {
			return err
		}
		return p.shaped([]int64{1, int64(len(p.keys))})
	})
}

// keys reads those of a map, integers or texts.
func (s *session) keys(v handle) ([]string, error) {
	elem, dims, err := s.tensorShape(v)
	if err != nil {
		return nil, err
	}
	var col model.Column
	n := int(product(dims))
	col.Resize(elements[elem].as, n)
	if err := newCall(s).readTensor(v, elem, &col, 0, n); err != nil {
		return nil, err
	}
	for _, k := range col.Int64 {
		col.String = append(col.String, strconv.FormatInt(k, 10))
	}
	return col.String, nil
}

// same compares the first n elements of an output.
func same(p *port, a, b model.Column, n int, equal func(a, b float64) bool) error {
	for i := range n {
		ok := true
		switch elements[p.elem].as {
		case model.Float32:
			ok = equal(float64(a.Float32[i]), float64(b.Float32[i]))
		case model.Float64:
			ok = equal(a.Float64[i], b.Float64[i])
		case model.Int64, model.Int32:
			ok = a.Int64[i] == b.Int64[i]
		case model.Bool:
			ok = a.Bool[i] == b.Bool[i]
		case model.String:
			ok = a.String[i] == b.String[i]
		}
		if !ok {
			return errors.New("the rows depend on each other")
		}
	}
	return nil
}

func identical(a, b float64) bool { return a == b || a != a && b != b }

// closeTo is what rounding leaves alike.
func closeTo(a, b float64) bool {
	return identical(a, b) || math.Abs(a-b) <= 1e-5+1e-3*max(math.Abs(a), math.Abs(b))
}

// signature is the model's, after probe.
func (s *session) signature() model.Signature {
	var sig model.Signature
	for _, p := range s.inputs {
		sig.Inputs = append(sig.Inputs, p.input())
	}
	for _, p := range s.outputs {
		sig.Outputs = append(sig.Outputs, p.output(s.batched))
	}
	return sig
}
