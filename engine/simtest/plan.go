package simtest

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Way is how a request fails.
type Way string

// The ways. Not every point has all of them.
const (
	Fine      Way = ""
	Refused   Way = "refused"     // not done, and said so
	Lost      Way = "lost"        // not done, and not known
	Told      Way = "told"        // done, and not known
	Fenced    Way = "fenced"      // not done; the answer is that another owner is there
	FencedToo Way = "fenced too"  // done; a repetition's answer is that another owner is there
	Torn      Way = "torn"        // half done, and said to have failed
	DieBefore Way = "die before"  // the process ends, nothing is done
	DieAfter  Way = "die after"   // the process ends, it is done
	DieTorn   Way = "die halfway" // the process ends, half is done
	Late      Way = "late"        // done after a second
)

// Plan decides a history: how long requests take, and which of them fail. All servers of a history share one.
type Plan struct {
	mu    sync.Mutex
	rng   *rand.Rand
	rate  int // one request of so many fails; 0: none
	limit int // how many may
	at    int // this request fails
	way   int // in this of its ways
	count int
	quiet bool
	// Points are the requests so far, each with the number of its ways, and what was injected.
	Points   []Point
	Injected []string
}

// Point is a request where something could fail.
type Point struct {
	Name string
	Ways int
}

// Calm is a plan without failures.
func Calm(seed uint64) *Plan { return &Plan{rng: rand.New(rand.NewPCG(seed, 1)), at: -1} }

// Once is a plan in which one request fails in one way. The history before it is that of Calm with the same seed.
func Once(seed uint64, request, way int) *Plan {
	p := Calm(seed)
	p.at, p.way = request, way
	return p
}

// Often is a plan in which one request of rate fails, up to limit.
func Often(seed uint64, rate, limit int) *Plan {
	p := Calm(seed)
	p.rate, p.limit = rate, limit
	return p
}

// next is called for each request: what becomes of it.
func (p *Plan) next(point string, ways ...Way) Way {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.Points)
	p.Points = append(p.Points, Point{point, len(ways)})
	if p.quiet || len(ways) == 0 {
		return Fine
	}
	way := Fine
	switch {
	case n == p.at:
		way = ways[p.way%len(ways)]
	case p.rate > 0 && p.count < p.limit && p.rng.IntN(p.rate) == 0:
		way = ways[p.rng.IntN(len(ways))]
	default:
		return Fine
	}
	p.count++
	p.Injected = append(p.Injected, point+": "+string(way))
	return way
}

// calm ends the injection of failures.
func (p *Plan) calm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = true
}

// intn is a random number below n.
func (p *Plan) intn(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rng.IntN(n)
}

// pass lets a request's time go by. Two requests end in the same nanosecond about never.
func (p *Plan) pass() { time.Sleep(time.Microsecond + time.Duration(p.intn(300_000))) }
