package model

import (
	"golang.org/x/sys/cpu"

	"github.com/millrace/millrace/sql/vector"
)

var useVector = cpu.X86.HasAVX2

// interleave8 writes blocks of four rows of eight columns to dst, where rows begin stride bytes apart. There must be a block.
//
//go:noescape
func interleave8(dst *float32, stride int, columns *[blockColumns]*float64, blocks int)

// interleave4 does so with the first four columns.
//
//go:noescape
func interleave4(dst *float32, stride int, columns *[blockColumns]*float64, blocks int)

// interleaveRows moves the first rows of a block of columns, or of half a one, to where rows begin stride elements apart. There are some,
// and they are whole blocks.
func interleaveRows(dst []float32, stride int, columns []*vector.Vector, rows int) {
	_ = dst[(rows-1)*stride+len(columns)-1]
	var from [blockColumns]*float64
	for k, v := range columns {
		from[k] = &v.F64[:rows][0]
	}
	if len(columns) == blockColumns {
		interleave8(&dst[0], 4*stride, &from, rows/blockRows)
	} else {
		interleave4(&dst[0], 4*stride, &from, rows/blockRows)
	}
}
