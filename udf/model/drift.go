package model

import (
	"maps"
	"math"
	"slices"
)

// driftGroups is the number of groups that a baseline's numbers are cut into, each with about as many rows.
const driftGroups = 10

// PSI is the population stability index: how far a distribution has moved from its baseline. Both are cut into the same groups, and
// with b and a, the shares of their rows in a group, it is the sum over the groups of (a - b) * ln(a / b). The groups are the deciles
// of the baseline's numbers, its classes, and what is missing. A share of nothing counts as half a row, or the logarithm would be
// infinite. It is 0 where nothing has changed; below 0.1 is taken for stable, above 0.25 for another population.
//
// The formula and these limits are those of N. Siddiqi, Credit Risk Scorecards, Wiley 2006, which takes deciles too.
func PSI(base, now *Distribution) float64 {
	b, a := groups(base, now)
	sum := func(counts []int64) (total float64) {
		for _, n := range counts {
			total += float64(n)
		}
		return total
	}
	nb, na, psi := sum(b), sum(a), 0.0
	if nb == 0 || na == 0 {
		return 0
	}
	for i := range b {
		if b[i] == a[i] && b[i] == 0 {
			continue
		}
		pb, pa := max(float64(b[i]), 0.5)/nb, max(float64(a[i]), 0.5)/na
		psi += (pa - pb) * math.Log(pa/pb)
	}
	return psi
}

// groups cuts two distributions into the same groups.
func groups(base, now *Distribution) (b, a []int64) {
	b, a = []int64{base.Missing, base.Other}, []int64{now.Missing, now.Other}
	keys := maps.Clone(base.Classes)
	if keys == nil {
		keys = map[string]int64{}
	}
	maps.Copy(keys, now.Classes)
	for _, c := range slices.Sorted(maps.Keys(keys)) {
		b, a = append(b, base.Classes[c]), append(a, now.Classes[c])
	}
	nb, na := deciles(&base.Numbers, &now.Numbers)
	return append(b, nb...), append(a, na...)
}

// deciles cuts the numbers of two histograms where the first one has had another tenth of its rows, or at the next end of a bin.
func deciles(base, now *Histogram) (b, a []int64) {
	if base.Count == 0 {
		return []int64{0}, []int64{now.Count}
	}
	b, a = make([]int64, 1, driftGroups), make([]int64, 1, driftGroups)
	seen, due, next := int64(0), int64(1), 0
	for _, bin := range base.Bins {
		if seen*driftGroups >= base.Count*due && bin.Count > 0 {
			b, a = append(b, 0), append(a, 0)
			due = seen*driftGroups/base.Count + 1 // a bin may hold several tenths
		}
		last := len(b) - 1
		b[last] += bin.Count
		seen += bin.Count
		for ; next < len(now.Bins) && now.Bins[next].Key <= bin.Key; next++ {
			a[last] += now.Bins[next].Count
		}
	}
	for ; next < len(now.Bins); next++ {
		a[len(a)-1] += now.Bins[next].Count
	}
	return b, a
}

const (
	baselineRows = 1000 // sampled ones, of which the baseline is made
	windowRows   = 5000 // sampled ones, after which a window is full
	enoughRows   = 500  // sampled ones: of fewer, chance alone would look like drift
)

// drift compares the rows of late with the first ones. Those of late are the last one to two windows.
type drift struct {
	baseline, before, now portrait
}

// portrait is a part of the sampled rows.
type portrait struct {
	inputs, outputs []Distribution
	sampled         int64
}

func (p *portrait) add(t *Tally) {
	p.inputs, p.outputs = mergeAll(p.inputs, t.Inputs), mergeAll(p.outputs, t.Outputs)
	p.sampled += t.Sampled
}

func (d *drift) add(t *Tally) {
	if d.baseline.sampled < baselineRows {
		d.baseline.add(t)
		return
	}
	d.now.add(t)
	if d.now.sampled >= windowRows {
		d.before, d.now = d.now, portrait{}
	}
}

// measure gives the PSI of each distribution; nil if there are too few rows.
func (d *drift) measure() (inputs, outputs []float64) {
	if d.baseline.sampled < baselineRows || d.before.sampled+d.now.sampled < enoughRows {
		return nil, nil
	}
	compare := func(base, before, now []Distribution) []float64 {
		late := mergeAll(mergeAll(nil, before), now)
		return psiOf(base, late)
	}
	return compare(d.baseline.inputs, d.before.inputs, d.now.inputs), compare(d.baseline.outputs, d.before.outputs, d.now.outputs)
}

// psiOf compares distributions one by one.
func psiOf(base, now []Distribution) []float64 {
	out := make([]float64, min(len(base), len(now)))
	for i := range out {
		out[i] = PSI(&base[i], &now[i])
	}
	return out
}
