package operator

import (
	"fmt"
	"math"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/udf"
)

// DefaultMaxGroups and maxBytes bound the accumulators that an aggregate holds in memory between batches, by number and by their
// stored size as far as it was seen. Past them they are written and dropped.
const (
	DefaultMaxGroups = 1 << 15
	maxBytes         = 32 << 20
)

// noTime is the stream time of an operator that has seen no row.
const noTime = math.MinInt64

// Aggregate groups rows by key, and by time window if it has one, and keeps one accumulator a group and function.
//
// A batch is grouped in one pass over key bytes; each function then folds it in one call. Accumulators stay in memory between
// batches and are written to the store once a commit, so a hot key costs one read and one write however many rows it
// has. In exact mode every row yields an update at once; else a changed group yields one a commit.
//
// Over a table, rows that were replaced or deleted are taken back (udf.Fold.Undo).
type Aggregate struct {
	debt
	node    *plan.Aggregate
	env     *Env
	next    Operator
	key     *keyer
	calls   []call
	store   groupStore
	window  *timeWindow   // nil: not windowed
	old     bool          // the reader wants old values
	table   bool          // the input is a table
	columns []*udf.Column // the state columns of all calls

	groups  groups
	keys    []*vector.Vector // key columns of each group
	times   []int64          // timestamp of each group's aggregate
	exists  []bool           // the group had an aggregate before the first fold
	dirtyAt []int32          // position in dirty + 1, or 0
	dirty   []int32          // groups to write
	began   []bool           // dirty[i] had an aggregate when it became dirty

	fold   udf.Fold
	out    vector.Batch
	em     emission
	accept admission

	rows, closed []int32 // of EMIT FINAL: the rows of a batch, the windows that were read back

	streamTime, seq int64
}

// call is one aggregate function with its state.
type call struct {
	agg    udf.Aggregate
	args   []Evaluator
	vecs   []*vector.Vector
	state  udf.State
	before *vector.Vector // results of dirty groups before their first change (coalesced), or of a batch's groups (exact)
	after  *vector.Vector // results after each row (exact)
}

// NewAggregate returns the operator of an Aggregate node without window or with a TUMBLING or HOPPING one.
func NewAggregate(n *plan.Aggregate, env *Env, next Operator) (*Aggregate, error) {
	a := &Aggregate{
		node: n, env: env, next: next, table: n.Input.IsTable(), old: env.Sub.WantsOld(n),
		key: newKeyer(n.Input.Columns(), positions(n.Input.Columns(), plan.Key)), streamTime: noTime,
	}
	for _, at := range a.key.at {
		a.keys = append(a.keys, vector.New(n.Input.Columns()[at].Type))
	}
	var err error
	if a.calls, err = newCalls(n, env); err != nil {
		return nil, err
	}
	for i := range a.calls {
		a.columns = append(a.columns, a.calls[i].state...)
	}
	a.out.Cols = newVectors(n.Out)
	if a.store, err = openGroupStore(n, env); err != nil {
		return nil, err
	}
	if n.Window != nil {
		a.window = newTimeWindow(n.Window)
		a.keep = a.store.win.Keep
	}
	return a, nil
}

func newCalls(n *plan.Aggregate, env *Env) ([]call, error) {
	calls := make([]call, len(n.Calls))
	for i := range n.Calls {
		agg, err := env.Functions.Aggregate(&n.Calls[i], env.UDF)
		if err != nil {
			return nil, fmt.Errorf("find aggregate function %s: %w", n.Calls[i].Name, err)
		}
		args, err := env.compileAll(n, n.Calls[i].Args)
		if err != nil {
			return nil, err
		}
		calls[i] = call{
			agg: agg, args: args, vecs: make([]*vector.Vector, len(args)), state: udf.NewState(agg.State()),
			before: vector.New(agg.Returns()), after: vector.New(agg.Returns()),
		}
	}
	return calls, nil
}

// Process implements Operator.
func (a *Aggregate) Process(b *vector.Batch) error {
	if a.groups.len() > a.env.MaxGroups || a.store.bytes > maxBytes {
		if err := a.Flush(); err != nil {
			return err
		}
		a.forget()
	}
	if err := evalArgs(a.calls, b); err != nil {
		return err
	}
	if b = a.accept.accepted(a.env, b); b == nil {
		return nil
	}
	if a.node.Final {
		return a.processFinal(b)
	}
	if err := a.add(b); err != nil {
		return err
	}
	if !a.env.Exact {
		return nil
	}
	return a.emitRows(b)
}

// add folds the rows of a batch into their groups.
func (a *Aggregate) add(b *vector.Batch) error {
	known := a.groups.len()
	a.collect(b)
	if len(a.fold.Rows) == 0 {
		return nil
	}
	if err := a.load(known); err != nil {
		return err
	}
	if a.table {
		a.dropOrphans()
	}
	a.mark(b)
	a.fold.Seq = a.seq
	a.seq += int64(len(a.fold.Rows))
	for i := range a.calls {
		if err := a.calls[i].run(&a.fold, a.env.Exact && !a.node.Final); err != nil {
			return fmt.Errorf("aggregate rows of %s: %w", a.node.ID, err)
		}
	}
	return nil
}

// evalArgs computes the arguments of all functions for a batch.
func evalArgs(calls []call, b *vector.Batch) error {
	for i := range calls {
		c := &calls[i]
		for k, e := range c.args {
			v, err := e.Eval(b)
			if err != nil {
				return err
			}
			c.vecs[k] = v
		}
	}
	return nil
}

// run folds the rows into one function's state.
func (c *call) run(f *udf.Fold, exact bool) error {
	f.Args = c.vecs
	if !exact {
		return c.agg.Fold(c.state, f, nil)
	}
	c.after.Reset()
	return c.agg.Fold(c.state, f, c.after)
}

// collect finds the group, or the windows' groups, of each row: fold.Rows, fold.Group and fold.Undo.
func (a *Aggregate) collect(b *vector.Batch) {
	f := &a.fold
	f.Rows, f.Group, f.Undo = f.Rows[:0], f.Group[:0], f.Undo[:0]
	a.key.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		if !a.accepts(b, r) {
			continue
		}
		key := a.key.key(r)
		if a.window == nil {
			a.take(b, r, key, 0)
			continue
		}
		t := b.Time[r]
		a.streamTime = max(a.streamTime, t)
		start, last := a.window.first(t), t
		for ; start <= last; start += a.window.advance {
			if start+a.window.size <= a.streamTime-a.window.grace {
				a.env.Count.LateRows++
				continue
			}
			a.take(b, r, key, start)
		}
	}
	if !a.table {
		f.Undo = nil
	}
}

// accepts says whether a row counts: neither its group nor its value may be null.
func (a *Aggregate) accepts(b *vector.Batch, r int) bool {
	if b.NullValue.Has(r) {
		return false
	}
	if b.NullKey.Has(r) || a.key.null(r) {
		a.env.logRow(a.node.ID, b, r, RecordProcessing, "group-by column is null: the row is left out", nil)
		a.env.Count.BadRows++
		return false
	}
	return true
}

// take adds a row to the group of a key in a window.
func (a *Aggregate) take(b *vector.Batch, r int, key []byte, start int64) {
	g, fresh := a.groups.find(key, start)
	if fresh {
		for k, at := range a.key.at {
			a.keys[k].AppendFrom(b.Cols[at], r)
		}
	}
	f := &a.fold
	f.Rows, f.Group = append(f.Rows, int32(r)), append(f.Group, int32(g))
	if a.table {
		op := b.Op(r)
		f.Undo = append(f.Undo, op == vector.UpdateBefore || op == vector.Delete)
	}
}

// load fills the state of the groups from number known on, which were not in memory.
func (a *Aggregate) load(known int) error {
	if err := a.store.read(&a.groups, known); err != nil {
		return fmt.Errorf("read state of %s: %w", a.node.ID, err)
	}
	for g := known; g < a.groups.len(); g++ {
		value := a.store.values[g-known]
		a.store.bytes += len(value)
		t := int64(noTime)
		if value == nil {
			for i := range a.calls {
				a.calls[i].agg.Init(a.calls[i].state)
			}
		} else {
			var err error
			if t, err = appendState(a.columns, value); err != nil {
				return fmt.Errorf("decode state of %s: %w", a.node.ID, err)
			}
		}
		a.times = append(a.times, t)
		a.exists = append(a.exists, value != nil)
		a.dirtyAt = append(a.dirtyAt, 0)
	}
	return nil
}

// dropOrphans leaves out rows that would be taken back from a group that has no aggregate.
func (a *Aggregate) dropOrphans() {
	f, n := &a.fold, 0
	var added map[int32]bool
	for i, g := range f.Group {
		if f.Undo[i] && !a.exists[g] && !added[g] {
			continue
		}
		if !a.exists[g] && !added[g] {
			if added == nil {
				added = map[int32]bool{}
			}
			added[g] = true
		}
		f.Rows[n], f.Group[n], f.Undo[n] = f.Rows[i], g, f.Undo[i]
		n++
	}
	f.Rows, f.Group, f.Undo = f.Rows[:n], f.Group[:n], f.Undo[:n]
}

// mark notes which groups change, what they were before, and their new timestamps.
func (a *Aggregate) mark(b *vector.Batch) {
	known := len(a.dirty)
	for _, g := range a.fold.Group {
		if a.dirtyAt[g] == 0 {
			a.dirty, a.began = append(a.dirty, g), append(a.began, a.exists[g])
			a.dirtyAt[g] = int32(len(a.dirty))
		}
	}
	if a.env.Exact {
		a.em.prepare(a, b)
	} else {
		if a.old {
			for i := range a.calls {
				c := &a.calls[i]
				c.agg.Result(c.state, a.dirty[known:], c.before)
			}
		}
		for i, g := range a.fold.Group {
			a.times[g] = max(a.times[g], b.Time[a.fold.Rows[i]])
		}
	}
	for _, g := range a.fold.Group {
		a.exists[g] = true
	}
}

// Flush implements Stateful.
func (a *Aggregate) Flush() error {
	if len(a.dirty) == 0 {
		return nil
	}
	if err := a.store.write(a); err != nil {
		return fmt.Errorf("write state of %s: %w", a.node.ID, err)
	}
	if !a.env.Exact && !a.node.Final {
		if err := a.emitDirty(); err != nil {
			return err
		}
	}
	for _, g := range a.dirty {
		a.dirtyAt[g] = 0
	}
	a.dirty, a.began = a.dirty[:0], a.began[:0]
	for i := range a.calls {
		a.calls[i].before.Reset()
	}
	return nil
}

// forget drops all accumulators from memory.
func (a *Aggregate) forget() {
	a.groups.clear()
	for _, k := range a.keys {
		k.Reset()
	}
	for i := range a.calls {
		a.calls[i].state.Reset()
		a.calls[i].before.Reset()
	}
	a.times, a.exists, a.dirtyAt = a.times[:0], a.exists[:0], a.dirtyAt[:0]
	a.dirty, a.began = a.dirty[:0], a.began[:0]
	a.store.bytes = 0
	a.em.forget()
}

// A group takes groupBytes in memory beside its key and what was stored of it, and columnBytes a column of keys and state.
const (
	groupBytes  = 64
	columnBytes = 16
)

// HeldBytes implements Holder. What is stored takes about twice as much in columns.
func (a *Aggregate) HeldBytes() int {
	n := a.groups.len()
	return n*(groupBytes+columnBytes*(len(a.keys)+len(a.columns))) + len(a.groups.arena) + 2*a.store.bytes
}

// Release implements Holder.
func (a *Aggregate) Release() error {
	if err := a.Flush(); err != nil {
		return err
	}
	a.forget()
	a.groups = groups{}
	for k, v := range a.keys {
		a.keys[k] = vector.New(v.Type)
	}
	for _, c := range a.columns {
		*c = udf.Column{Type: c.Type}
	}
	for i := range a.calls {
		c := &a.calls[i]
		c.before, c.after = vector.New(c.before.Type), vector.New(c.after.Type)
	}
	a.times, a.exists, a.dirtyAt, a.dirty, a.began = nil, nil, nil, nil, nil
	a.fold, a.em = udf.Fold{}, emission{}
	return nil
}

// Reset implements Stateful.
func (a *Aggregate) Reset() {
	a.forget()
	a.forgive()
	a.streamTime, a.seq = noTime, 0
	if a.window != nil {
		a.window.lastClose = noTime
	}
}

// Marks implements Stateful: stream time, row counter and the last window close that EMIT FINAL has seen.
func (a *Aggregate) Marks() []int64 {
	m := []int64{a.streamTime, a.seq, noTime}
	if a.window != nil {
		m[2] = a.window.lastClose
	}
	return m
}

// SetMarks implements Stateful.
func (a *Aggregate) SetMarks(m []int64) {
	a.streamTime, a.seq = m[0], m[1]
	if a.window != nil {
		a.window.lastClose = m[2]
	}
}

// groupStore reads and writes accumulators by group.
type groupStore struct {
	kv     state.KeyValueStore
	win    state.WindowStore
	keys   [][]byte
	values [][]byte
	buf    []byte
	bytes  int // read and written since the accumulators in memory were dropped
}

func openGroupStore(n *plan.Aggregate, env *Env) (groupStore, error) {
	id, ok := env.Sub.StoreID(n.ID, "")
	if !ok {
		return groupStore{}, fmt.Errorf("the topology has no store for %s", n.ID)
	}
	var s groupStore
	var err error
	if n.Window == nil {
		s.kv, err = env.Stores.KeyValue(id)
	} else {
		s.win, err = env.Stores.Window(id)
	}
	return s, err
}

// read sets values to the stored accumulators of the groups from number known on, nil where there is none.
func (s *groupStore) read(g *groups, known int) error {
	s.keys, s.values = s.keys[:0], s.values[:0]
	for i := known; i < g.len(); i++ {
		s.keys, s.values = append(s.keys, g.key(i)), append(s.values, nil)
	}
	if len(s.keys) == 0 {
		return nil
	}
	if s.win != nil {
		return s.win.GetMany(g.starts[known:], s.keys, s.values)
	}
	return s.kv.GetMany(s.keys, s.values)
}

// write stores the dirty groups.
func (s *groupStore) write(a *Aggregate) error {
	for _, g := range a.dirty {
		s.buf = encodeState(s.buf[:0], a.times[g], a.columns, int(g))
		s.bytes += len(s.buf)
		if s.win == nil {
			if err := s.kv.Put(a.groups.key(int(g)), s.buf); err != nil {
				return err
			}
			continue
		}
		// A window that has meanwhile passed its retention is kept no more; that is not an error.
		if _, err := s.win.Put(a.groups.starts[g], a.groups.key(int(g)), s.buf); err != nil {
			return err
		}
	}
	return nil
}
