package chaos

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestTrend(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for name, c := range map[string]struct {
		at    func(minute float64) float64
		grows bool
	}{
		"steady":  {func(float64) float64 { return 200 }, false},
		"noise":   {func(float64) float64 { return 200 + 40*rng.Float64() }, false},
		"warm-up": {func(m float64) float64 { return 200 - 150*math.Exp(-m) }, false},
		"saw":     {func(m float64) float64 { return 150 + 100*math.Mod(m, 1.5) }, false},
		"leak":    {func(m float64) float64 { return 200 + 10*m + 20*rng.Float64() }, true},
		"step":    {func(m float64) float64 { return 200 + 100*math.Floor(m/12) }, true},
	} {
		g := gauge{name: name, unit: 1, slack: 10}
		for at := time.Duration(0); at < 20*time.Minute; at += 5 * time.Second {
			g.values = append(g.values, sampled{at, c.at(at.Minutes())})
		}
		if tr := g.trend(5 * time.Minute); g.grows(tr) != c.grows {
			t.Errorf("%s grows: %v, want %v", g.describe(tr), g.grows(tr), c.grows)
		}
	}
}
