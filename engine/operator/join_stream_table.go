package operator

import (
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
)

// StreamTableJoin joins each row of a stream with the table's row of its key at that moment. The table's changes are only
// stored.
type StreamTableJoin struct {
	node   *plan.Join
	env    *Env
	next   Operator
	store  state.KeyValueStore
	key    *keyer
	table  *tableRows
	right  int // columns of the table
	groups groups
	keys   [][]byte
	values [][]byte
	of     []int32 // the distinct key of each selected row, or -1
	out    vector.Batch
}

// NewStreamTableJoin returns the join and its two inputs.
func NewStreamTableJoin(n *plan.Join, env *Env, next Operator) (left, right Operator, err error) {
	id, ok := env.Sub.StoreID(n.ID, "right")
	if !ok {
		return nil, nil, fmt.Errorf("the topology has no store for %s", n.ID)
	}
	store, err := env.Stores.KeyValue(id)
	if err != nil {
		return nil, nil, err
	}
	j := &StreamTableJoin{
		node: n, env: env, next: next, store: store,
		key: newKeyer(n.Left.Columns(), positions(n.Left.Columns(), plan.Key)), table: newTableRows(n.Right.Columns()), right: len(n.Right.Columns()),
	}
	j.out.Cols = newVectors(n.Out)
	return j, newJoinTable(n.Right, store), nil
}

// Process takes rows of the stream.
func (j *StreamTableJoin) Process(b *vector.Batch) error {
	if err := j.lookup(b); err != nil {
		return err
	}
	out := &j.out
	reset(out)
	out.Ops, out.Partition = nil, b.Partition
	for i := range b.Rows() {
		r := b.Row(i)
		var value []byte
		if at := j.of[i]; at >= 0 {
			value = j.values[at]
		}
		if b.NullValue.Has(r) || value == nil && j.node.Kind == plan.Inner {
			continue
		}
		if err := j.append(b, r, value); err != nil {
			return fmt.Errorf("join rows of %s: %w", j.node.ID, err)
		}
	}
	if out.N == 0 {
		return nil
	}
	return j.next.Process(out)
}

// lookup reads the table's row of each distinct key of the batch, once.
func (j *StreamTableJoin) lookup(b *vector.Batch) error {
	j.groups.clear()
	j.key.begin(b)
	j.of, j.keys, j.values = j.of[:0], j.keys[:0], j.values[:0]
	for i := range b.Rows() {
		r := b.Row(i)
		if b.NullKey.Has(r) || j.key.null(r) {
			j.of = append(j.of, -1)
			continue
		}
		g, _ := j.groups.find(j.key.key(r), 0)
		j.of = append(j.of, int32(g))
	}
	for g := range j.groups.len() {
		j.keys, j.values = append(j.keys, j.groups.key(g)), append(j.values, nil)
	}
	if len(j.keys) == 0 {
		return nil
	}
	if err := j.store.GetMany(j.keys, j.values); err != nil {
		return fmt.Errorf("read table of %s: %w", j.node.ID, err)
	}
	return nil
}

// append adds a joined row: the key, the stream's columns, the table's.
func (j *StreamTableJoin) append(b *vector.Batch, r int, value []byte) error {
	out := &j.out
	keys := len(out.Cols) - len(b.Cols) - j.right
	for k := range keys {
		out.Cols[k].AppendFrom(j.key.cols[k], r)
	}
	for i, v := range b.Cols {
		out.Cols[keys+i].AppendFrom(v, r)
	}
	table := out.Cols[keys+len(b.Cols):]
	if value == nil {
		appendNulls(table)
	} else if _, err := j.table.decode(value, table); err != nil {
		return err
	}
	if b.NullKey.Has(r) {
		out.NullKey = out.NullKey.Set(out.N)
	}
	if b.Headers != nil {
		out.Headers = append(out.Headers, b.Headers[r])
	}
	out.Time = append(out.Time, b.Time[r])
	out.N++
	return nil
}

// joinTable is the table's side: it keeps the rows.
type joinTable struct {
	store state.KeyValueStore
	key   *keyer
	rows  *tableRows
}

func newJoinTable(n plan.Node, store state.KeyValueStore) *joinTable {
	cols := n.Columns()
	return &joinTable{store: store, key: newKeyer(cols, positions(cols, plan.Key)), rows: newTableRows(cols)}
}

// Process implements Operator.
func (t *joinTable) Process(b *vector.Batch) error {
	t.key.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		op := b.Op(r)
		if op == vector.UpdateBefore {
			continue
		}
		key := t.key.key(r)
		var err error
		if op == vector.Delete {
			err = t.store.Delete(key)
		} else {
			err = t.store.Put(key, t.rows.encode(b, r))
		}
		if err != nil {
			return fmt.Errorf("store a row of the joined table: %w", err)
		}
	}
	return nil
}
