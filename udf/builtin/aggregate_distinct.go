package builtin

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

// The sketch of COUNT_DISTINCT is a sorted list of 8-byte hashes, which counts exactly, until it has maxHashes; then it is the
// registers of HyperLogLog (Flajolet et al. 2007) with a standard error of 1.6%. Its length tells which it is.
const (
	maxHashes     = 256
	registerBits  = 12
	registerCount = 1 << registerBits
)

func distinctFunctions() []udf.Function {
	return []udf.Function{{
		Name:        "COUNT_DISTINCT",
		Description: "The number of different values that are not NULL: exact up to 256, then an estimate that is off by about 1.6%.",
		Overloads: []udf.Overload{{Signature: "value T -> BIGINT", Aggregate: func(c *udf.Call) (udf.Aggregate, error) {
			t := c.Params[0]
			return &udf.Boxed{
				Name: "COUNT_DISTINCT", StateType: types.Bytes, Out: types.Bigint, Zero: []byte{},
				Add: func(acc any, args []any, _ int64) (any, error) {
					if args[0] == nil {
						return acc, nil
					}
					return addHash(acc.([]byte), xxhash.Sum64(appendSQLValue(nil, args[0], t))), nil
				},
				Join:   func(into, from any) (any, error) { return joinSketches(into.([]byte), from.([]byte)), nil },
				Finish: func(acc any) (any, error) { return countSketch(acc.([]byte)), nil },
			}, nil
		}}},
	}}
}

func dense(s []byte) bool { return len(s) == registerCount }

// addHash returns the sketch with a hash; the old one is left as it was.
func addHash(s []byte, h uint64) []byte {
	if dense(s) {
		if i, rank := register(h); s[i] < rank {
			s = slices.Clone(s)
			s[i] = rank
		}
		return s
	}
	hashes := hashesOf(s)
	at, found := slices.BinarySearch(hashes, h)
	if found {
		return s
	}
	hashes = slices.Insert(hashes, at, h)
	if len(hashes) <= maxHashes {
		out := make([]byte, 0, 8*len(hashes))
		for _, x := range hashes {
			out = binary.BigEndian.AppendUint64(out, x)
		}
		return out
	}
	return registersOf(hashes)
}

func hashesOf(s []byte) []uint64 {
	out := make([]uint64, 0, len(s)/8+1)
	for ; len(s) >= 8; s = s[8:] {
		out = append(out, binary.BigEndian.Uint64(s))
	}
	return out
}

func registersOf(hashes []uint64) []byte {
	out := make([]byte, registerCount)
	for _, h := range hashes {
		i, rank := register(h)
		out[i] = max(out[i], rank)
	}
	return out
}

// register picks a register by the first bits of a hash; its rank is the position of the first 1 in the others.
func register(h uint64) (i int, rank byte) {
	return int(h >> (64 - registerBits)), byte(bits.LeadingZeros64(h<<registerBits|1<<(registerBits-1)) + 1)
}

func joinSketches(a, b []byte) []byte {
	if !dense(b) {
		for _, h := range hashesOf(b) {
			a = addHash(a, h)
		}
		return a
	}
	if !dense(a) {
		return joinSketches(b, a)
	}
	out := slices.Clone(a)
	for i, r := range b {
		out[i] = max(out[i], r)
	}
	return out
}

func countSketch(s []byte) int64 {
	if !dense(s) {
		return int64(len(s) / 8)
	}
	sum, zeros := 0.0, 0
	for _, r := range s {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			zeros++
		}
	}
	const m = float64(registerCount)
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && zeros > 0 {
		estimate = m * math.Log(m/float64(zeros)) // few values: count the empty registers instead
	}
	return int64(math.Round(estimate))
}
