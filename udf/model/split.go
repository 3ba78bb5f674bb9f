package model

import (
	"encoding/binary"
	"math"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// splitter decides which version scores a row: by a hash of a column or of the record's key, so that a user or a device always
// meets the same version. The hash depends on the model's name and on values, never on how they are typed (INT or BIGINT) nor on
// the query. The versions share the range of the hash in ascending order: when the last one's share grows, the rows that it has
// stay with it.
type splitter struct {
	rollout *catalog.Rollout
	seed    uint64
	by      []int // columns of the batch
}

// percents is the range of the hash.
const percents = 100

// newSplitter finds the columns of a split: the one that the rollout names, or the key.
func newSplitter(model string, r *catalog.Rollout, columns []plan.OutColumn) (*splitter, error) {
	s := &splitter{rollout: r, seed: hashBytes(offset64, []byte(model))}
	if r.Traffic == nil {
		return s, nil
	}
	if r.By != "" {
		i := plan.Find(columns, r.By)
		if i < 0 {
			return nil, &SplitError{Model: model, Column: r.By}
		}
		s.by = []int{i}
		return s, nil
	}
	for i := range columns {
		if columns[i].Role == plan.Key {
			s.by = append(s.by, i)
		}
	}
	return s, nil
}

// SplitError says that a query cannot follow a split by a column that does not reach its PREDICT.
type SplitError struct{ Model, Column string }

func (e *SplitError) Error() string {
	return "model " + e.Model + " is split by " + e.Column + ", which is not among the columns that PREDICT stands over"
}

// version is the one that scores a row of a batch. A row without a key is spread by its place in the topic, or, where it has none, goes
// to the active version.
func (s *splitter) version(b *vector.Batch, row int) int {
	r := s.rollout
	if r.Traffic == nil {
		return r.Active
	}
	h, known := s.seed, false
	for _, c := range s.by {
		if !b.Cols[c].IsNull(row) {
			known = true
		}
		h = hashValue(h, b.Cols[c], row)
	}
	if !known {
		if len(b.Offset) <= row {
			return r.Active
		}
		h = hashInt(hashInt(s.seed, int64(b.Partition)), b.Offset[row])
	}
	point := int(finish(h) % percents)
	for _, share := range r.Traffic {
		if point -= share.Percent; point < 0 {
			return share.Version
		}
	}
	return r.Active
}

// FNV-1a, 64 bits.
const (
	offset64 = 14695981039346656037
	prime64  = 1099511628211
)

func hashBytes(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * prime64
	}
	return (h ^ 0xff) * prime64 // ends the value: "a", "b" is not "ab"
}

func hashInt(h uint64, v int64) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	return hashBytes(h, b[:])
}

// finish spreads the hash's bits, of which FNV's low ones are weak (the finalizer of MurmurHash3).
func finish(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func hashValue(h uint64, v *vector.Vector, row int) uint64 {
	if v.IsNull(row) {
		return hashBytes(h, nil)
	}
	i := v.At(row)
	switch v.Type.Kind {
	case types.KindBoolean:
		if v.Bool[i] {
			return hashInt(h, 1)
		}
		return hashInt(h, 0)
	case types.KindInt, types.KindDate, types.KindTime:
		return hashInt(h, int64(v.I32[i]))
	case types.KindBigint, types.KindTimestamp:
		return hashInt(h, v.I64[i])
	case types.KindDouble:
		return hashInt(h, int64(math.Float64bits(v.F64[i])))
	case types.KindString, types.KindBytes:
		return hashBytes(h, v.Str(row))
	}
	return hashBytes(h, []byte(plan.FormatLiteral(v.Value(row), v.Type)))
}
