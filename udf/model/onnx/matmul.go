package onnx

import (
	"errors"
	"fmt"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// matMul multiplies matrices: rows by a constant matrix, as layers do, or any by any.
func matMul(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	v, w := x.inputs[0], x.inputs[1]
	if !w.batched() && len(w.shape) == 2 && len(v.shape) > 0 {
		return x.multiply(v, w, nil, false)
	}
	out, err := x.product(v, w, false)
	if err != nil {
		return err
	}
	return x.alias(out.value, out.shape)
}

// gemm multiplies two matrices and adds a third.
func gemm(x *call) error {
	if err := x.arity(2, 3); err != nil {
		return err
	}
	a, b, c := x.inputs[0], x.inputs[1], x.optional(2)
	alpha, beta := x.float("alpha", 1), x.float("beta", 1)
	transposeA, transposeB := x.int("transA", 0) != 0, x.int("transB", 0) != 0
	if len(a.shape) != 2 || len(b.shape) != 2 {
		return fmt.Errorf("operands %s and %s", shapeText(a.shape), shapeText(b.shape))
	}
	layer := !transposeA && alpha == 1 && !b.batched()
	if layer && (c == nil || beta == 1 && !c.batched() && (len(c.shape) < 2 || c.shape[0] == 1)) {
		return x.multiply(a, b, c, transposeB)
	}
	if a.kind != model.Float32 {
		return uncovered("operands of %s", a.kind)
	}
	var err error
	if transposeA {
		if a, err = x.permute(a, []int{1, 0}); err != nil {
			return err
		}
	}
	p, err := x.product(a, b, transposeB)
	if err != nil {
		return err
	}
	return x.scaledSum(p, c, alpha, beta)
}

// scaledSum defines the next output as alpha p + beta c.
func (x *call) scaledSum(p matrix, c *value, alpha, beta float32) error {
	added := p.value
	if c != nil {
		if len(c.shape) > len(p.shape) || c.kind != model.Float32 {
			return fmt.Errorf("a bias of %s %s", c.kind, shapeText(c.shape))
		}
		shape, err := broadcast(&value{shape: p.shape}, c)
		if err != nil || !slices.Equal(shape, p.shape) {
			return uncovered("a bias of shape %s", shapeText(c.shape))
		}
		if added, err = x.spread(c, p.shape); err != nil {
			return err
		}
	} else {
		beta = 0
	}
	y, err := x.output(model.Float32, p.shape)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		dst, src, add := data[float32](f, y), data[float32](f, p.value), data[float32](f, added)
		for i, v := range src {
			dst[i] = float32(alpha*v) + float32(beta*add[i%len(add)])
		}
		return nil
	})
}

// matrix is a temporary with the shape that it is to be read in.
type matrix struct {
	*value
	shape []int
}

// product multiplies any matrices, of the last two dimensions; those before are broadcast. A vector is a matrix of one row, or
// one column on the right.
func (x *call) product(a, b *value, transposeB bool) (matrix, error) {
	if a.kind != b.kind || !a.kind.IsFloat() && a.kind != model.Int64 {
		return matrix{}, uncovered("operands of %s and %s", a.kind, b.kind)
	}
	if len(a.shape) == 0 || len(b.shape) == 0 {
		return matrix{}, errors.New("a scalar")
	}
	left, right := a.shape, b.shape
	if len(left) == 1 {
		left = []int{1, left[0]}
	}
	if len(right) == 1 {
		right = []int{right[0], 1}
	}
	i, j := len(left)-2, len(right)-2
	inner, columns := right[j], right[j+1]
	if transposeB {
		inner, columns = columns, inner
	}
	if left[i+1] != inner || inner == batch {
		return matrix{}, uncovered("operands %s and %s", shapeText(a.shape), shapeText(b.shape))
	}
	outer, err := broadcast(&value{shape: left[:i]}, &value{shape: right[:j]})
	if err != nil {
		return matrix{}, err
	}
	if a, err = x.spread(&value{kind: a.kind, shape: left, reg: a.reg, rows: a.rows}, append(slices.Clone(outer), left[i:]...)); err != nil {
		return matrix{}, err
	}
	if b, err = x.spread(&value{kind: b.kind, shape: right, reg: b.reg, rows: b.rows}, append(slices.Clone(outer), right[j:]...)); err != nil {
		return matrix{}, err
	}
	m, n, shape := max(left[i], 1), max(columns, 1), slices.Clone(outer)
	if len(x.inputs[0].shape) > 1 {
		shape = append(shape, left[i])
	}
	if len(x.inputs[1].shape) > 1 {
		shape = append(shape, columns)
	}
	if err := x.charge(product(outer), m, n, inner); err != nil {
		return matrix{}, err
	}
	y, err := x.define("", a.kind, slices.Clone(shape))
	if err != nil {
		return matrix{}, err
	}
	d := productDims{m, inner, n, product(outer), transposeB}
	switch a.kind {
	case model.Float32:
		err = x.emit(productStep[float32](a, b, y, d))
	case model.Float64:
		err = x.emit(productStep[float64](a, b, y, d))
	default:
		err = x.emit(productStep[int64](a, b, y, d))
	}
	return matrix{y, shape}, err
}

// productDims are the sizes of a product: m by k times k by n, so many times a row.
type productDims struct {
	m, k, n, times int
	transposed     bool // the right is n by k
}

func productStep[T number](a, b, y *value, d productDims) step {
	return func(f *frame) error {
		p, q, dst := data[T](f, a), data[T](f, b), data[T](f, y)
		for t := 0; t*d.m*d.n < len(dst); t++ {
			left, right := t, t
			if !a.batched() {
				left = t % d.times
			}
			if !b.batched() {
				right = t % d.times
			}
			multiplyInto(dst[t*d.m*d.n:][:d.m*d.n], p[left*d.m*d.k:][:d.m*d.k], q[right*d.k*d.n:][:d.k*d.n], d)
		}
		return nil
	}
}

// multiplyInto adds up products in order of k, each rounded before it is added.
func multiplyInto[T number](dst, left, right []T, d productDims) {
	if d.transposed {
		for i := range d.m {
			row := left[i*d.k:][:d.k]
			for j := range d.n {
				var sum T
				for k, w := range right[j*d.k:][:d.k] {
					sum += T(row[k] * w)
				}
				dst[i*d.n+j] = sum
			}
		}
		return
	}
	clear(dst)
	for i := range d.m {
		out := dst[i*d.n:][:d.n]
		for k, v := range left[i*d.k:][:d.k] {
			for j, w := range right[k*d.n:][:d.n] {
				out[j] += T(v * w)
			}
		}
	}
}
