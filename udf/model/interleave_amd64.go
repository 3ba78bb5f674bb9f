package model

import "golang.org/x/sys/cpu"

var useVector = cpu.X86.HasAVX2

// interleave8 writes blocks of eight rows of eight columns to dst, where rows begin stride bytes apart. Of a row, only those columns are
// written whose mask is -1.
//
//go:noescape
func interleave8(dst *float32, stride int, columns *[interleaved]*float64, mask *[interleaved]int32, blocks int)

// interleaveBlocks moves as many rows as there are in whole blocks, and returns their number.
func interleaveBlocks(dst []float32, stride int, c *columns) int {
	if !useVector || c.n < 2 || len(c.of[0]) < interleaved {
		return 0
	}
	rows := len(c.of[0]) &^ (interleaved - 1)
	_ = dst[(rows-1)*stride+c.n-1]
	var from [interleaved]*float64
	var mask [interleaved]int32
	for k := range from {
		from[k] = &c.of[0][0]
		if k < c.n {
			from[k], mask[k] = &c.of[k][:rows][0], -1
		}
	}
	interleave8(&dst[0], 4*stride, &from, &mask, rows/interleaved)
	return rows
}
