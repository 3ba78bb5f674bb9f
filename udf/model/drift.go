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

// Drift compares the rows of late with the first ones. Those of late are the last one to two windows. It can be added up with that of other
// servers: the first rows of each are the baseline then.
type Drift struct {
	Baseline Portrait `json:"baseline"`
	Before   Portrait `json:"before"` // the window before this one
	Now      Portrait `json:"now"`
}

// Portrait is a part of the sampled rows.
type Portrait struct {
	Inputs  []Distribution `json:"inputs,omitempty"`
	Outputs []Distribution `json:"outputs,omitempty"`
	Sampled int64          `json:"sampled"`
}

func (p *Portrait) merge(o *Portrait) { p.add(o.Inputs, o.Outputs, o.Sampled) }

func (p *Portrait) add(inputs, outputs []Distribution, sampled int64) {
	p.Inputs, p.Outputs = mergeAll(p.Inputs, inputs), mergeAll(p.Outputs, outputs)
	p.Sampled += sampled
}

func (d *Drift) add(t *Tally) {
	if d.Baseline.Sampled < baselineRows {
		d.Baseline.add(t.Inputs, t.Outputs, t.Sampled)
		return
	}
	d.Now.add(t.Inputs, t.Outputs, t.Sampled)
	if d.Now.Sampled >= windowRows {
		d.Before, d.Now = d.Now, Portrait{}
	}
}

// Merge adds what another server has seen.
func (d *Drift) Merge(o *Drift) {
	d.Baseline.merge(&o.Baseline)
	d.Before.merge(&o.Before)
	d.Now.merge(&o.Now)
}

// Measure gives the PSI of each distribution; nil as long as there are too few rows.
func (d *Drift) Measure() (inputs, outputs []float64) {
	if d.Baseline.Sampled < baselineRows || d.Before.Sampled+d.Now.Sampled < enoughRows {
		return nil, nil
	}
	var late Portrait
	late.merge(&d.Before)
	late.merge(&d.Now)
	return psiOf(d.Baseline.Inputs, late.Inputs), psiOf(d.Baseline.Outputs, late.Outputs)
}

// psiOf compares distributions one by one.
func psiOf(base, now []Distribution) []float64 {
	out := make([]float64, min(len(base), len(now)))
	for i := range out {
		out[i] = PSI(&base[i], &now[i])
	}
	return out
}
