package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// gauge is a figure of a server that must not grow while the load is steady.
type gauge struct {
	name string
	unit float64 // what it is divided by when it is shown
	// slack is how much it may grow from one half of a run to the other, or a tenth, whichever is more.
	slack  float64
	values []sampled
}

// sampled is a gauge's value at a time since the start.
type sampled struct {
	at    time.Duration
	value float64
}

// trend is what became of a gauge after warm-up.
type trend struct {
	first, second float64 // medians of the two halves
	slope         float64 // per hour: the median of the slopes between samples of the two halves
}

// trend compares the two halves of what was sampled from a time on. Medians, since collections and compactions make peaks.
func (g *gauge) trend(from time.Duration) trend {
	var kept []sampled
	for _, s := range g.values {
		if s.at >= from {
			kept = append(kept, s)
		}
	}
	first, second := kept[:len(kept)/2], kept[len(kept)/2:]
	var slopes []float64
	for _, a := range first {
		for _, b := range second {
			slopes = append(slopes, (b.value-a.value)/(b.at-a.at).Hours())
		}
	}
	value := func(s sampled) float64 { return s.value }
	return trend{medianOf(first, value), medianOf(second, value), medianOf(slopes, func(f float64) float64 { return f })}
}

// medianOf is the middle of some values; 0 if there are none.
func medianOf[T any](list []T, of func(T) float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(list), func(a, b T) int { return cmp.Compare(of(a), of(b)) })
	return of(sorted[len(sorted)/2])
}

// grows says whether a trend is more than noise.
func (g *gauge) grows(t trend) bool { return t.second-t.first > max(g.slack, t.first/10) }

// String tells the gauge's last value.
func (g *gauge) String() string {
	if len(g.values) == 0 {
		return g.name + " ?"
	}
	return fmt.Sprintf("%s %.0f", g.name, g.values[len(g.values)-1].value/g.unit)
}

// describe tells a trend in the gauge's unit.
func (g *gauge) describe(t trend) string {
	return fmt.Sprintf("%-19s first half %8.1f, second half %8.1f, slope %+8.1f an hour, bound %+8.1f",
		g.name, t.first/g.unit, t.second/g.unit, t.slope/g.unit, max(g.slack, t.first/10)/g.unit)
}
