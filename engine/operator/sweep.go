package operator

import (
	"bytes"
	"math"
	"slices"

	"github.com/millrace/millrace/sql/vector"
)

// DefaultPiece is how many results of what one record ends are emitted at a time, and pieceBytes how much stored state they may be made of.
const (
	DefaultPiece = emitChunk
	pieceBytes   = 1 << 20
)

// Sweeper is what a Stateful is too that may owe results of rows which it has taken: they are emitted piece by piece, in as many
// transactions as that takes, so that however many there are they need not fit into memory together.
type Sweeper interface {
	// Sweep emits the next piece of what is owed, and says whether there was one. The task calls it until there is none before it
	// gives the operators more rows.
	Sweep() (swept bool, err error)
	// Owed is what is yet to be emitted, first things first, which is committed beside the Marks; nil: nothing. SetOwed, called after
	// SetMarks, restores it.
	Owed() []Sweep
	SetOwed(owed []Sweep)
}

// Sweep is a stretch of windows that stream time has closed and EMIT FINAL has yet to emit, or of rows of an outer join that have waited for a
// match in vain. They lie in the store, and change no more.
type Sweep struct {
	// From and To bound the windows' starts, the sessions' ends, or the rows' times.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Start and Key tell which of those at From is the next: of a session its start, of a window and a session the key, of a row
	// the key in the store. No key: the first.
	Start   int64           `json:"start,omitempty"`
	Key     []byte          `json:"key,omitempty"`
	Headers []vector.Header `json:"headers,omitempty"` // of the record that ended them

	// Of a join: the sides of which a row was met that waits on, and how many rows wait in line until this is done.
	Open   [2]bool `json:"open,omitzero"`
	Queued int     `json:"queued,omitempty"`
}

// maxOwedHeaders and maxOwedKey bound what a task's state holds, since it is one record.
const (
	maxOwedHeaders = 16 << 10
	maxOwedKey     = 128 << 10
)

// debt is what an operator owes.
type debt struct {
	owed    []Sweep
	headers int              // bytes of headers in owed
	keep    func(from int64) // tells the store from where on windows must stay; nil: it removes nothing by itself
}

// owe adds windows that lie behind those that are owed already. What needs no sweep of its own goes into the last one.
func (d *debt) owe(s Sweep) {
	if s.From > s.To {
		return
	}
	if n := len(d.owed); n > 0 && d.owed[n-1].Headers == nil && s.Headers == nil && d.owed[n-1].To+1 == s.From {
		d.owed[n-1].To = s.To
		return
	}
	s.Headers = cloneHeaders(s.Headers) // the record's bytes are gone when its batch is
	d.owed = append(d.owed, s)
	d.headers += headerBytes(s.Headers)
	d.hold()
}

// relieve sweeps while the headers would make the task's state too large.
func (d *debt) relieve(sweep func() (bool, error)) error {
	for d.headers > maxOwedHeaders {
		if _, err := sweep(); err != nil {
			return err
		}
	}
	return nil
}

// pay takes the first sweep away.
func (d *debt) pay() {
	d.headers -= headerBytes(d.owed[0].Headers)
	d.owed = slices.Delete(d.owed, 0, 1)
	d.hold()
}

// goOn lets the first sweep begin later.
func (d *debt) goOn(from, start int64, key []byte) {
	s := &d.owed[0]
	s.From, s.Start, s.Key = from, start, bytes.Clone(key)
	d.hold()
}

func (d *debt) hold() {
	switch {
	case d.keep == nil:
	case len(d.owed) == 0:
		d.keep(math.MaxInt64)
	default:
		d.keep(d.owed[0].From)
	}
}

func (d *debt) forgive() { d.SetOwed(nil) }

// Owed implements Sweeper.
func (d *debt) Owed() []Sweep { return slices.Clone(d.owed) }

// SetOwed implements Sweeper.
func (d *debt) SetOwed(owed []Sweep) {
	d.owed, d.headers = slices.Clone(owed), 0
	for _, s := range owed {
		d.headers += headerBytes(s.Headers)
	}
	d.hold()
}

func headerBytes(hs []vector.Header) (n int) {
	for _, h := range hs {
		n += recordBytes + len(h.Key) + len(h.Value)
	}
	return n
}

func cloneHeaders(hs []vector.Header) []vector.Header {
	own := slices.Clone(hs)
	for i := range own {
		own[i].Value = bytes.Clone(own[i].Value)
	}
	return own
}

// piece counts what is emitted at a time.
type piece struct{ rows, size, limit int }

// full says whether the piece takes no more, and the next one begins at the key, which is then part of the task's state.
func (p *piece) full(key []byte) bool {
	return (p.rows >= p.limit || p.size >= pieceBytes) && len(key) <= maxOwedKey
}

func (p *piece) add(value []byte) { p.rows, p.size = p.rows+1, p.size+len(value) }
