package model

import (
	"math"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// near is how far numbers may be apart that agree, as a share of the larger one.
const near = 0.01

// compare counts how far two versions agree on rows: on the labels of their results or, where these have none, on the numbers.
func (t *Tally) compare(got, other *vector.Vector, sel []int32) {
	stride := strideOf(len(sel))
	for i := 0; i < len(sel); i += stride {
		c := contrast{same: true, close: true}
		c.values(got.Value(int(sel[i])), other.Value(int(sel[i])))
		n := int64(min(stride, len(sel)-i))
		t.Compared += n
		t.Difference += c.apart * float64(n)
		if c.labels && c.same || !c.labels && c.close {
			t.Agreed += n
		}
	}
}

// contrast is what two results of a row have in common.
type contrast struct {
	labels, same bool    // there are labels, and they are equal
	close        bool    // so are the numbers, about
	apart        float64 // of the numbers: the largest difference
}

// values compares two SQL values of one type.
func (c *contrast) values(a, b any) {
	if a == nil || b == nil {
		if a != nil || b != nil {
			c.same, c.close = false, false
		}
		return
	}
	switch a := a.(type) {
	case float64:
		c.numbers(a, b.(float64))
	case []any:
		other := b.([]any)
		for i := range min(len(a), len(other)) {
			c.values(a[i], other[i])
		}
	case types.Map:
		c.maps(a, b.(types.Map))
	default:
		c.labels = true
		c.same = c.same && a == b
	}
}

func (c *contrast) numbers(a, b float64) {
	if a == b || a != a && b != b {
		return
	}
	d := math.Abs(a - b)
	if !(d <= near*max(math.Abs(a), math.Abs(b))) {
		c.close = false
	}
	if d <= farthest {
		c.apart = max(c.apart, d)
	}
}

// maps compares what both maps have, by key.
func (c *contrast) maps(a, b types.Map) {
	for i := range a {
		for k := range b {
			if a[i].Key == b[k].Key {
				c.values(a[i].Value, b[k].Value)
				break
			}
		}
	}
}
