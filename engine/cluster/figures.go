package cluster

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/state"
)

// Figures are how fast a task works, how far it is as of its last commit, and what it holds.
type Figures struct {
	InRate, OutRate float64   // committed records of sources, and of a sink, a second, lately
	StreamTime      int64     // math.MinInt64: no record yet
	LastCommit      time.Time // zero: none since the task was opened
	Memory          Memory
}

// Committed counts records of a query's tasks here that commits have passed: those of sources, and those written to a sink.
type Committed struct{ In, Out atomic.Int64 }

// Memory is where a task's bytes are.
type Memory struct {
	Open      int // changed and written since the last commit
	Committed int // state that is not on disk yet
	Operators int // kept at hand by operators
	Waiting   int // records that wait to be processed
}

// tally counts a task's committed records. It is counted once a fetch and once a commit, never once a record.
type tally struct {
	taken   int64 // records of sources that came in and are not committed
	letters int64 // dead letters that the last commit knew of
	figures Figures
	in, out meter
}

// begin is called with m.mu held.
func (t *tally) begin(now time.Time) {
	t.in.add(now, 0)
	t.out.add(now, 0)
}

// live are the sizes that change between commits. The slot's goroutine writes them once a turn, anybody reads them.
type live struct{ open, operators, waiting atomic.Int64 }

// count notes what the commit that has just succeeded has done, before its outputs are forgotten.
func (m *member) count(now time.Time) {
	t := &m.tally
	waiting := int64(0)
	for _, in := range m.sub.Inputs {
		if !in.Internal {
			n, _ := m.task.Buffered(in.Topic)
			waiting += int64(n)
		}
	}
	in, out := t.taken-waiting, int64(0)
	letters := m.task.Counters().DeadLetters
	if m.sub.Output != "" && m.sub.OutputPartitions == 0 {
		out = int64(len(m.task.Outputs())) - (letters - t.letters)
	}
	t.taken, t.letters = waiting, letters
	m.records.In.Add(in)
	m.records.Out.Add(out)
	m.mu.Lock()
	defer m.mu.Unlock()
	t.figures.LastCommit = now
	t.in.add(now, in)
	t.out.add(now, out)
}

// measure notes what the task holds.
func (m *member) measure() {
	m.live.open.Store(int64(m.open()))
	m.live.operators.Store(int64(m.task.HeldBytes()))
	m.live.waiting.Store(m.holdings.inputs.bytes)
}

// show sums up. m.mu is held.
func (m *member) show(now time.Time) Figures {
	f := m.tally.figures
	f.InRate, f.OutRate = m.tally.in.read(now), m.tally.out.read(now)
	f.Memory = Memory{
		Open: int(m.live.open.Load()), Committed: m.bytes, Operators: int(m.live.operators.Load()), Waiting: int(m.live.waiting.Load()),
	}
	return f
}

// meterSpan is how far back a meter looks: what lies so far back weighs 1/e.
const meterSpan = 10 * time.Second

// meter tells how many events there are in a second. Those that it is told of together lie evenly between that time and the time before, so a
// steady stream is told as it is, however long the meter has run. Its zero value begins at the first add, whose events it cannot place.
type meter struct {
	rate, weight float64 // what all seconds since the beginning weigh together is weight: 1 in the end
	at           time.Time
}

func (m *meter) add(now time.Time, n int64) {
	if !m.at.IsZero() {
		passed := max(now.Sub(m.at), time.Millisecond)
		kept := decay(passed)
		m.rate = m.rate*kept + float64(n)/passed.Seconds()*(1-kept)
		m.weight = m.weight*kept + 1 - kept
	}
	m.at = now
}

// read tells the rate, with nothing since the last add.
func (m *meter) read(now time.Time) float64 {
	kept := decay(max(now.Sub(m.at), 0))
	weight := m.weight*kept + 1 - kept
	if m.weight == 0 || weight == 0 {
		return 0
	}
	return m.rate * kept / weight
}

func decay(d time.Duration) float64 { return math.Exp(-d.Seconds() / meterSpan.Seconds()) }

// DiskBytes is about how many bytes of the local store's files belong to each query's tasks here, by incarnation.
func (s *Service) DiskBytes() map[string]int64 {
	var stores []state.StorePartition
	var owners []string
	s.mu.Lock()
	for _, sl := range s.slots {
		sl.mu.Lock()
		for _, m := range sl.order {
			cfg := m.stateConfig()
			for _, st := range m.sub.Stores {
				stores = append(stores, state.StorePartition{Store: cfg.StoreName(st.Spec), Partition: m.id.Partition})
				owners = append(owners, m.id.Query)
			}
		}
		sl.mu.Unlock()
	}
	s.mu.Unlock()
	bytes := map[string]int64{}
	for i, n := range s.cfg.Store.DiskBytes(stores) {
		bytes[owners[i]] += n
	}
	return bytes
}
