package simtest

import (
	"hash/fnv"
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
	Late      Way = "late"        // done after a while
)

// Plan decides a history: how long requests take, and which of them fail. All servers of a history share one.
//
// Each kind of request on each object of each process draws from a random sequence of its own: goroutines that are ready at the same
// moment may then come in any order.
type Plan struct {
	mu    sync.Mutex
	seed  uint64
	draws map[string]*rand.Rand
	conns int
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
func Calm(seed uint64) *Plan { return &Plan{seed: seed, draws: map[string]*rand.Rand{}, at: -1} }

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
func (p *Plan) next(who, point string, ways ...Way) Way {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.quiet {
		return Fine
	}
	rng := p.sequence(who)
	n := len(p.Points)
	p.Points = append(p.Points, Point{point, len(ways)})
	if len(ways) == 0 {
		return Fine
	}
	var way Way
	switch {
	case n == p.at:
		way = ways[p.way%len(ways)]
	case p.rate > 0 && p.count < p.limit && rng.IntN(p.rate) == 0:
		way = ways[rng.IntN(len(ways))]
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

func (p *Plan) sequence(who string) *rand.Rand {
	if p.draws[who] == nil {
		h := fnv.New64a()
		_, _ = h.Write([]byte(who)) // never fails
		p.draws[who] = rand.New(rand.NewPCG(p.seed, h.Sum64()))
	}
	return p.draws[who]
}

// intn is a random number below n.
func (p *Plan) intn(who string, n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sequence(who).IntN(n)
}

// pass lets a request's time go by. Two requests end in the same nanosecond about never.
func (p *Plan) pass(who string) {
	time.Sleep(time.Microsecond + time.Duration(p.intn(who, 300_000)))
}
