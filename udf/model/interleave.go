package model

import "github.com/millrace/millrace/sql/vector"

// Columns are moved to their rows in blocks: so many of them, or half as many, at once.
const (
	blockColumns = 8
	halfBlock    = blockColumns / 2
	blockRows    = 4
)

// whole says whether an argument is n DOUBLEs, at least one, as most are. Where it is NULL its numbers mean nothing.
func whole(v *vector.Vector, n int) bool { return len(v.F64) == n }

// interleave moves arguments from the k-th on to their elements of the rows of dst, up to the first one that is not whole, and returns
// their number and whether there are NULLs among them.
func interleave[D float32 | float64](dst []D, args []*vector.Vector, k, n int) (moved int, nulls bool) {
	if to, ok := any(dst).([]float32); ok && useVector && n >= blockRows {
		return interleaveBlocks(to, args, k, n)
	}
	some := 0
	for i := k; i < len(args); i++ {
		v := args[i]
		if !whole(v, n) {
			return i - k, some != 0
		}
		some |= len(v.Nulls)
		at := uint(i)
		for _, x := range v.F64 {
			if at < uint(len(dst)) { // always: spares a call to panic
				dst[at] = D(x)
			}
			at += uint(len(args))
		}
	}
	return len(args) - k, some != 0
}

// interleaveBlocks is interleave where there are vectors, and rows for them.
func interleaveBlocks(dst []float32, args []*vector.Vector, k, n int) (moved int, nulls bool) {
	end := k
	for ; end < len(args) && whole(args[end], n); end++ {
		nulls = nulls || len(args[end].Nulls) > 0
	}
	rows := 0
	if end-k >= halfBlock {
		rows = n &^ (blockRows - 1)
	}
	for at := k; at < end && rows > 0; {
		size := blockColumns
		if end-at < size {
			size, at = halfBlock, min(at, end-halfBlock) // the last ones with some of those before, once more
		}
		interleaveRows(dst[at:], len(args), args[at:at+size], rows)
		at += size
	}
	for i, v := range args[k:end] {
		for r, x := range v.F64[rows:n] {
			dst[(rows+r)*len(args)+k+i] = float32(x)
		}
	}
	return end - k, nulls
}
