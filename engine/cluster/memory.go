package cluster

import "sync/atomic"

// pool is memory that is shared without being divided: while there is enough of it nobody is limited, however much one holds; once it
// has run out, those give way who hold the average or more. So one busy task among hundreds of idle ones has all of it, and hundreds of
// busy ones have equal parts. It counts, and owns nothing.
type pool struct {
	limit         int64
	used, holders atomic.Int64
}

// share is what one holder has of a pool. It belongs to the holder's goroutine. The zero share of a pool is empty.
type share struct {
	of    *pool
	bytes int64
}

// set says how much the holder has now.
func (s *share) set(bytes int) {
	n := int64(bytes)
	s.of.used.Add(n - s.bytes)
	switch {
	case s.bytes == 0 && n > 0:
		s.of.holders.Add(1)
	case s.bytes > 0 && n == 0:
		s.of.holders.Add(-1)
	}
	s.bytes = n
}

// over says that it is this holder's turn to give way.
func (s *share) over() bool {
	used := s.of.used.Load()
	return used > s.of.limit && s.bytes*s.of.holders.Load() >= used
}

// full says that there is more in use than there should be.
func (p *pool) full() bool { return p.used.Load() > p.limit }

// memory is what a server's tasks may hold.
type memory struct {
	inputs  pool // records that wait in tasks
	outputs pool // what running transactions have changed and will write, by slot
	state   pool // committed state

	operators pool // what operators keep at hand
	unsaved   pool // the part of it that no flush has begun to write
}

// unsavedPart of the memory for state is filled before it is flushed; the rest fills while the flush runs.
const unsavedPart = 2

func (m *memory) limit(c *Config) {
	m.inputs.limit, m.outputs.limit = int64(c.InputBytes), int64(c.TransactionBytes)
	m.operators.limit = int64(c.OperatorBytes)
	m.state.limit, m.unsaved.limit = int64(c.FlushBytes), int64(c.FlushBytes/unsavedPart)
}

// holdings are one task's shares.
type holdings struct {
	inputs, state, unsaved, operators share
	flushing                          int // bytes that the running flush writes
}

func (m *memory) holdings() holdings {
	return holdings{inputs: share{of: &m.inputs}, state: share{of: &m.state}, unsaved: share{of: &m.unsaved}, operators: share{of: &m.operators}}
}

// hold notes how much committed state the task has.
func (h *holdings) hold(bytes int) {
	h.state.set(bytes)
	h.unsaved.set(max(bytes-h.flushing, 0))
}

func (h *holdings) release() {
	h.flushing = 0
	h.hold(0)
	h.inputs.set(0)
	h.operators.set(0)
}
