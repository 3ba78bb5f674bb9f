package model

import (
	"math"
	"slices"

	"github.com/millrace/millrace/sql/types"
)

// TrialMetric is a number that the condition of a canary may name. It is nil, and SQL's NULL, as long as it is not known.
type TrialMetric struct {
	Name  string
	Type  *types.Type // BIGINT or DOUBLE
	Value any
}

// TrialMetrics are those of a canary that has done what its tally says, while the stable version did what the other one says. Seconds have
// gone by. The signature is the canary's.
func TrialMetrics(canary, stable *Tally, sig Signature, seconds int64) []TrialMetric {
	count := func(name string, n int64) TrialMetric { return TrialMetric{name, types.Bigint, n} }
	number := func(name string, v float64) TrialMetric {
		if v != v || math.IsInf(v, 0) {
			return TrialMetric{name, types.Double, nil}
		}
		return TrialMetric{name, types.Double, v}
	}
	missing, score := 0.0, sig.ScoreElement()
	for i := range canary.Inputs {
		missing = max(missing, canary.Inputs[i].MissingRate())
	}
	return []TrialMetric{
		count("ROWS", canary.Rows+canary.ShadowRows),
		count("SECONDS", seconds),
		count("ERRORS", canary.Errors),
		number("ERROR_RATE", float64(canary.Errors)/float64(canary.Batches+canary.Errors)),
		number("P50_MS", canary.CallSeconds.Quantile(0.5)*1e3),
		number("P99_MS", canary.CallSeconds.Quantile(0.99)*1e3),
		count("COMPARED", canary.Compared),
		number("AGREEMENT", float64(canary.Agreed)/float64(canary.Compared)),
		number("DIFFERENCE", canary.Difference/float64(canary.Compared)),
		number("MEAN_SCORE", meanOf(canary.Outputs, score)),
		number("STABLE_MEAN_SCORE", meanOf(stable.Outputs, score)),
		number("MISSING_RATE", missing),
		number("INPUT_DRIFT", driftOf(stable, canary, func(t *Tally) []Distribution { return t.Inputs })),
		number("SCORE_DRIFT", driftOf(stable, canary, func(t *Tally) []Distribution { return t.Outputs })),
	}
}

func meanOf(outputs []Distribution, element int) float64 {
	if element < 0 || element >= len(outputs) {
		return math.NaN()
	}
	return outputs[element].Numbers.Mean()
}

// driftOf is the largest PSI of what the canary has seen against what the stable version has.
func driftOf(stable, canary *Tally, of func(*Tally) []Distribution) float64 {
	psi := psiOf(of(stable), of(canary))
	if stable.Sampled < enoughRows || canary.Sampled < enoughRows || len(psi) == 0 {
		return math.NaN()
	}
	return slices.Max(psi)
}
