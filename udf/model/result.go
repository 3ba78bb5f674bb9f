package model

import "github.com/millrace/millrace/sql/vector"

// emit scatters the scored rows over n rows of out. Selected rows that were not scored are NULL, and so, for want of
// anything better, are those outside the selection.
func (b *Binding) emit(s *scratch, n int, out *vector.Vector) {
	if len(s.rows) < n {
		next := 0
		for r := range n {
			if next < len(s.rows) && int(s.rows[next]) == r {
				next++
			} else {
				out.Nulls = out.Nulls.Set(r)
			}
		}
	}
	if b.single {
		b.outputs[0].emit(s, n, out)
		return
	}
	fields := out.Nest(n, 1, nil).Parts
	for i := range b.outputs {
		b.outputs[i].emit(s, n, fields[i])
	}
}

// emit gives an empty vector n rows: the scored ones have the output's elements, and the others unspecified ones.
func (o *output) emit(s *scratch, n int, out *vector.Vector) {
	if o.width != 1 || o.keys != nil {
		out = out.Nest(n, o.width, o.keys).Parts[0]
	}
	c, w := &s.out[o.number], o.width
	switch o.tensor.Type {
	case Float32:
		out.F64 = resize(out.F64, n*w)
		scatter(out.F64, s.rows, n, w, c.Float32)
	case Float64:
		out.F64 = resize(out.F64, n*w)
		scatter(out.F64, s.rows, n, w, c.Float64)
	case Int64, Int32:
		out.I64 = resize(out.I64, n*w)
		scatter(out.I64, s.rows, n, w, c.Int64)
	case Bool:
		out.Bool = resize(out.Bool, n*w)
		for i, r := range s.rows {
			copy(out.Bool[int(r)*w:][:w], c.Bool[i*w:])
		}
	case String:
		for i, r := range s.rows {
			out.PadTo(int(r) * w)
			for _, text := range c.String[i*w:][:w] {
				out.AppendString(text)
			}
		}
		out.PadTo(n * w)
	}
}

// scatter writes the w elements of row i of src to row rows[i] of dst, which has n.
func scatter[D, S number](dst []D, rows []int32, n, w int, src []S) {
	if len(rows) == n {
		src = src[:len(dst)]
		for i := range dst {
			dst[i] = D(src[i])
		}
		return
	}
	for i, r := range rows {
		to := dst[int(r)*w:][:w]
		for k, v := range src[i*w:][:w] {
			to[k] = D(v)
		}
	}
}
