package bench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/engine/child"
)

// quantile is the value below which the part q of sorted values lies, between neighbours by proportion; 0 of no values.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// histogram is what a Prometheus histogram counted between two moments.
type histogram []bucket

type bucket struct {
	bound float64 // the upper one
	count float64 // of this bucket and those before it
}

func histogramOf(name string, before, after child.Scrape) (histogram, error) {
	var h histogram
	for series, v := range after {
		label, ok := strings.CutPrefix(series, name+`_bucket{le="`)
		if !ok {
			continue
		}
		bound, err := strconv.ParseFloat(strings.TrimSuffix(label, `"}`), 64)
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", series, err)
		}
		h = append(h, bucket{bound, v - before[series]})
	}
	if len(h) == 0 {
		return nil, fmt.Errorf("metric %s: the server has none", name)
	}
	slices.SortFunc(h, func(a, b bucket) int { return int(math.Copysign(1, a.bound-b.bound)) })
	return h, nil
}

// quantile is the value below which the part q of the samples lies, as if those of a bucket were spread evenly over it. Of the last
// bucket, which has no end, it is the beginning.
func (h histogram) quantile(q float64) float64 {
	want := q * h[len(h)-1].count
	var low bucket
	for _, b := range h {
		if b.count >= want && b.count > low.count {
			if math.IsInf(b.bound, 1) {
				return low.bound
			}
			return low.bound + (b.bound-low.bound)*(want-low.count)/(b.count-low.count)
		}
		low = b
	}
	return 0
}
