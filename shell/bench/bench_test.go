package bench

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/child"
	"github.com/millrace/millrace/engine/kafka"
)

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		sorted  []float64
		q, want float64
	}{
		{nil, 0.5, 0},
		{[]float64{3}, 0.99, 3},
		{[]float64{1, 2, 3, 4}, 0, 1},
		{[]float64{1, 2, 3, 4}, 0.5, 2.5},
		{[]float64{1, 2, 3, 4}, 1, 4},
	} {
		if got := quantile(c.sorted, c.q); got != c.want {
			t.Errorf("quantile %g of %v is %g, want %g", c.q, c.sorted, got, c.want)
		}
	}
}

func TestHistogramCountsOnlyWhatCameBetween(t *testing.T) {
	before := child.Scrape{`x_bucket{le="1"}`: 100, `x_bucket{le="2"}`: 100, `x_bucket{le="4"}`: 100, `x_bucket{le="+Inf"}`: 100}
	after := child.Scrape{`x_bucket{le="1"}`: 100, `x_bucket{le="2"}`: 110, `x_bucket{le="4"}`: 118, `x_bucket{le="+Inf"}`: 120, "x_count": 120}
	h, err := histogramOf("x", before, after)
	if err != nil {
		t.Fatal(err)
	}
	for q, want := range map[float64]float64{0.25: 1.5, 0.5: 2, 0.7: 3, 1: 4} {
		if got := h.quantile(q); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
	if _, err := histogramOf("y", before, after); err == nil {
		t.Error("a metric that is not there has a histogram")
	}
}

func TestArrivalsTakeTheFirstResultThatTells(t *testing.T) {
	a := &arrivals{began: time.Now().Add(-time.Second), waiting: map[int64][]int64{}}
	first, second, other := a.send(1), a.send(1), a.send(2)
	if second <= first {
		t.Errorf("two records of a group were sent at %d and %d: they cannot be told apart", first, second)
	}
	a.see(1, first)
	a.see(1, first)
	if a.missing() != 2 || len(a.took) != 1 {
		t.Errorf("after one result %d are missing and %d were measured, want 2 and 1", a.missing(), len(a.took))
	}
	a.see(1, second+5)
	a.see(2, other)
	if a.missing() != 0 || len(a.took) != 3 || slices.Min(a.took) < 0 {
		t.Errorf("after all results %d are missing, and %v was measured", a.missing(), a.took)
	}
	a.warm = time.Hour
	a.see(3, a.send(3))
	if a.missing() != 0 || len(a.took) != 3 {
		t.Error("a record of the warm-up was measured")
	}
}

func TestKeysOf(t *testing.T) {
	for p, key := range keysOf(32) {
		if got := kafka.PartitionFor(key, 32); got != int32(p) {
			t.Errorf("the key for partition %d belongs to %d", p, got)
		}
	}
}
