package onnx

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace/millrace/udf/model"
)

// step computes one node over the rows of a frame. It reads and writes registers and keeps nothing.
type step func(f *frame) error

// frame holds the registers of one run over n rows. Each register uses the slice of its kind alone.
type frame struct {
	n   int
	f32 [][]float32
	f64 [][]float64
	i64 [][]int64
	bln [][]bool
	str [][]string

	items []int32 // scratch of any length
	texts int     // bytes of the texts made for these rows
	text  []byte  // what fold made of them
}

// add appends a register with room for n elements of the kind.
func (f *frame) add(kind model.ElemType, n int) {
	reg := len(f.f32)
	f.f32, f.f64, f.i64 = append(f.f32, nil), append(f.f64, nil), append(f.i64, nil)
	f.bln, f.str = append(f.bln, nil), append(f.str, nil)
	if n == 0 {
		return
	}
	var c model.Column
	c.Resize(kind, n)
	f.set(kind, reg, c)
}

// set points a register at a column.
func (f *frame) set(kind model.ElemType, reg int, c model.Column) {
	switch kind {
	case model.Float32:
		f.f32[reg] = c.Float32
	case model.Float64:
		f.f64[reg] = c.Float64
	case model.Int64, model.Int32:
		f.i64[reg] = c.Int64
	case model.Bool:
		f.bln[reg] = c.Bool
	case model.String:
		f.str[reg] = c.String
	}
}

// element is a Go type that registers hold.
type element interface {
	float32 | float64 | int64 | bool | string
}

// bank is the registers of one element type.
func bank[T element](f *frame) [][]T {
	var p any
	switch any(*new(T)).(type) {
	case float32:
		p = &f.f32
	case float64:
		p = &f.f64
	case int64:
		p = &f.i64
	case bool:
		p = &f.bln
	case string:
		p = &f.str
	}
	return *p.(*[][]T)
}

// data is the elements of v for the rows of the frame.
func data[T element](f *frame, v *value) []T { return bank[T](f)[v.reg][:v.elems(f.n)] }

// program is a compiled model. It is immutable; every run takes a frame of its own.
type program struct {
	signature model.Signature
	inputs    []*value
	outputs   []*value
	steps     []step
	block     int  // rows a frame holds: longer batches run block by block
	work      int  // steps that a row takes, at most
	texts     bool // some output is a text, which the caller keeps
	frames    sync.Pool
}

var _ model.Scorer = (*program)(nil)

const (
	maxBlock      = 256
	frameElements = 1 << 19 // aimed at: registers of a frame stay within the second-level cache or so
)

func (c *compiler) finish(inputs, outputs []*value) *program {
	p := &program{inputs: inputs, outputs: outputs, steps: c.steps, work: max(c.work, 1)}
	for _, v := range inputs {
		p.signature.Inputs = append(p.signature.Inputs, describe(v))
	}
	for _, v := range outputs {
		p.signature.Outputs = append(p.signature.Outputs, describe(v))
		p.texts = p.texts || v.kind == model.String
	}
	total := 0
	for _, n := range c.sizes {
		total += n
	}
	p.block = max(1, min(frameElements/max(total, 1), maxBlock, maxWork/p.work)) // between blocks a query may end
	p.frames.New = func() any { return c.newFrame(p) }
	return p
}

// newFrame shares the constants and allocates the rest, but for the inputs, which point at the caller's columns.
func (c *compiler) newFrame(p *program) *frame {
	f := &frame{
		f32: append([][]float32(nil), c.consts.f32...), f64: append([][]float64(nil), c.consts.f64...),
		i64: append([][]int64(nil), c.consts.i64...), bln: append([][]bool(nil), c.consts.bln...),
		str: append([][]string(nil), c.consts.str...),
	}
	for reg := len(p.inputs); reg < len(c.kinds); reg++ {
		if n := p.block*c.sizes[reg] + c.fixed[reg]; n > 0 {
			var col model.Column
			col.Resize(c.kinds[reg], n)
			f.set(c.kinds[reg], reg, col)
		}
	}
	return f
}

func describe(v *value) model.Tensor {
	t := model.Tensor{Name: v.name, Type: v.kind, Keys: v.keys}
	for _, d := range v.shape {
		t.Shape = append(t.Shape, int64(d))
	}
	return t
}

// Signature returns the inputs and outputs that the file declares.
func (p *program) Signature() model.Signature { return p.signature }

// Close has nothing to release.
func (p *program) Close() error { return nil }

// Score implements model.Scorer.
func (p *program) Score(ctx context.Context, in []model.Column, rows int, out []model.Column) error {
	if len(in) != len(p.inputs) || len(out) != len(p.outputs) {
		return fmt.Errorf("score: %d inputs and %d outputs, want %d and %d", len(in), len(out), len(p.inputs), len(p.outputs))
	}
	for i, v := range p.inputs {
		if got, want := in[i].Len(v.kind), rows*v.size(); got != want {
			return fmt.Errorf("score: input %s has %d elements, want %d", v.name, got, want)
		}
	}
	for i, v := range p.outputs {
		out[i].Resize(v.kind, rows*v.size())
	}
	f := p.frames.Get().(*frame)
	defer p.frames.Put(f)
	for first := 0; first < rows; first += p.block {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("score: %w", err)
		}
		f.n = min(p.block, rows-first)
		f.forget(p.texts)
		for i, v := range p.inputs {
			f.load(v, in[i], first)
		}
		for _, s := range p.steps {
			if err := s(f); err != nil {
				return fmt.Errorf("score: %w", err)
			}
		}
		for i, v := range p.outputs {
			f.store(v, out[i], first)
		}
	}
	for _, v := range p.inputs {
		f.set(v.kind, v.reg, model.Column{}) // the pool must not hold on to the caller's memory
	}
	return nil
}

// load points the register of an input at the caller's rows.
func (f *frame) load(v *value, c model.Column, first int) {
	from, to := first*v.size(), (first+f.n)*v.size()
	switch v.kind {
	case model.Float32:
		f.f32[v.reg] = c.Float32[from:to]
	case model.Float64:
		f.f64[v.reg] = c.Float64[from:to]
	case model.Int64, model.Int32:
		f.i64[v.reg] = c.Int64[from:to]
	case model.Bool:
		f.bln[v.reg] = c.Bool[from:to]
	case model.String:
		f.str[v.reg] = c.String[from:to]
	}
}

// store copies an output into the caller's column.
func (f *frame) store(v *value, c model.Column, first int) {
	from, to := first*v.size(), (first+f.n)*v.size()
	switch v.kind {
	case model.Float32:
		repeat(c.Float32[from:to], data[float32](f, v))
	case model.Float64:
		repeat(c.Float64[from:to], data[float64](f, v))
	case model.Int64, model.Int32:
		repeat(c.Int64[from:to], data[int64](f, v))
	case model.Bool:
		repeat(c.Bool[from:to], data[bool](f, v))
	case model.String:
		repeat(c.String[from:to], data[string](f, v))
	}
}

// repeat fills dst with src, which is as long, or a constant that all rows share.
func repeat[T element](dst, src []T) {
	for len(dst) > 0 {
		dst = dst[copy(dst, src):]
	}
}
