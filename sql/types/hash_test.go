package types

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A set finds what comparing one by one finds, few or many values.
func TestSet(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, c := range []struct {
		t *Type
		v func(n int) any
	}{
		{Int, func(n int) any { return int32(n) }},
		{String, func(n int) any { return string(rune('a' + n)) }},
		{Bytes, func(n int) any { return []byte{byte(n)} }},
		{Double, func(n int) any {
			return []float64{float64(n), math.NaN(), -math.NaN(), 0, math.Copysign(0, -1)}[n%5]
		}},
		{DecimalOf(9, 2), func(n int) any { return NewDecimal(int64(n/2*10), n%2+1).SetScale(1, Down) }},
		{ArrayOf(Int), func(n int) any { return []any{int32(n), nil} }},
	} {
		s := Set{Type: c.t}
		var all []any
		for range 200 {
			v := c.v(r.IntN(50))
			if r.IntN(20) == 0 {
				v = nil
			}
			want := -1
			for i, old := range all {
				if EqualValues(old, v, c.t) {
					want = i
					break
				}
			}
			if got := s.Find(v); got != want {
				t.Fatalf("%s: %v found at %d, want %d", c.t, v, got, want)
			}
			if _, isNew := s.Add(v); isNew != (want < 0) {
				t.Fatalf("%s: %v new: %v", c.t, v, isNew)
			}
			if want < 0 {
				all = append(all, v)
			}
		}
	}
}
