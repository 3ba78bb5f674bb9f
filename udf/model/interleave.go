package model

import "github.com/millrace/millrace/sql/vector"

// interleaved is the number of columns that are moved to their rows at once.
const interleaved = 8

// columns are DOUBLE columns that lie side by side in a tensor.
type columns struct {
	of [interleaved][]float64
	n  int
}

// plain says whether an argument is n DOUBLEs, at least one and none of them NULL, as most are.
func plain(v *vector.Vector, n int) bool {
	return len(v.F64) == n && n > 0 && !v.Const && len(v.Nulls) == 0
}

// interleaveFrom moves an argument that is plain, and those behind it that are, as many as are moved at once; it returns their number.
func interleaveFrom[D float32 | float64](dst []D, in *input, args []*vector.Vector, first, n int) int {
	var c columns
	for _, a := range in.args[first:min(first+interleaved, len(in.args))] {
		if !plain(args[a], n) {
			break
		}
		c.of[c.n] = args[a].F64
		c.n++
	}
	interleave(dst, in.width, &c)
	return c.n
}

// interleave writes the columns to dst, where a row has stride elements, of which theirs are the first.
func interleave[D float32 | float64](dst []D, stride int, c *columns) {
	done := 0
	if d, ok := any(dst).([]float32); ok {
		done = interleaveBlocks(d, stride, c)
	}
	for k := range c.n {
		column, at := c.of[k][done:], uint(done*stride+k)
		for _, v := range column {
			if at < uint(len(dst)) { // always: spares a call to panic
				dst[at] = D(v)
			}
			at += uint(stride)
		}
	}
}
