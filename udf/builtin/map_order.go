package builtin

import (
	"cmp"
	"math/bits"
	"slices"
	"unicode/utf16"

	"github.com/millrace/millrace/sql/types"
)

// visitOrder gives the entries of a map in the order in which ksqlDB visits them, which is that of Java's HashMap: by bucket, then
// by insertion. A MAP has no order of its own, but a REDUCE whose lambda is not commutative shows one, and statements rely
// on the results that they had.
func visitOrder(m types.Map) types.Map {
	buckets := uint32(1)
	if len(m) > 1 {
		buckets = 1 << bits.Len32(uint32(len(m)-1))
	}
	if 4*len(m) > 3*int(buckets) {
		buckets *= 2
	}
	out := slices.Clone(m)
	slices.SortStableFunc(out, func(x, y types.MapEntry) int {
		return cmp.Compare(javaHash(x.Key)&(buckets-1), javaHash(y.Key)&(buckets-1))
	})
	return out
}

// javaHash is a key's hash as HashMap spreads it; keys that are no STRING stay in their order.
func javaHash(key any) uint32 {
	s, ok := key.(string)
	if !ok {
		return 0
	}
	h := uint32(0)
	for _, u := range utf16.Encode([]rune(s)) {
		h = 31*h + uint32(u)
	}
	return h ^ h>>16
}
