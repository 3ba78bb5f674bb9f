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
	joined
	node   *plan.Join
	next   Operator
	store  state.KeyValueStore
	groups groups
	keys   [][]byte
	values [][]byte
	of     []int32 // the distinct key of each selected row, or -1
}

// NewStreamTableJoin returns the join's two inputs.
func NewStreamTableJoin(n *plan.Join, env *Env, next Operator) (left, right Operator, err error) {
	id, ok := env.Sub.StoreID(n.ID, "right")
	if !ok {
		return nil, nil, fmt.Errorf("the topology has no store for %s", n.ID)
	}
	store, err := env.Stores.KeyValue(id)
	if err != nil {
		return nil, nil, err
	}
	j := &StreamTableJoin{joined: newJoined(n.Left, n.Right, n.Out), node: n, next: next, store: store}
	return j, &joinTable{side: newJoinSide(n.Right), store: store}, nil
}

// Process takes rows of the stream.
func (j *StreamTableJoin) Process(b *vector.Batch) error {
	if err := j.lookup(b); err != nil {
		return err
	}
	j.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		table := half{}
		if at := j.of[i]; at >= 0 {
			table.data = j.values[at]
		}
		if b.NullValue.Has(r) || table.data == nil && j.node.Kind == plan.Inner {
			continue
		}
		if b.NullKey.Has(r) {
			j.out.NullKey = j.out.NullKey.Set(j.out.N)
		}
		if err := j.add(b, r, leftSide, half{b: b, row: r}, table, b.Time[r]); err != nil {
			return fmt.Errorf("join rows of %s: %w", j.node.ID, err)
		}
	}
	if j.out.N == 0 {
		return nil
	}
	return j.next.Process(&j.out)
}

// lookup reads the table's row of each distinct key of the batch, once.
func (j *StreamTableJoin) lookup(b *vector.Batch) error {
	key := j.sides[leftSide].key
	key.begin(b)
	j.groups.clear()
	j.of, j.keys, j.values = j.of[:0], j.keys[:0], j.values[:0]
	for i := range b.Rows() {
		r := b.Row(i)
		if b.NullKey.Has(r) || key.null(r) {
			j.of = append(j.of, -1)
			continue
		}
		g, _ := j.groups.find(key.key(r), 0)
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

// joinTable is the table's side: it keeps the rows.
type joinTable struct {
	side  joinSide
	store state.KeyValueStore
}

// Process implements Operator.
func (t *joinTable) Process(b *vector.Batch) error {
	t.side.key.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		op := b.Op(r)
		if op == vector.UpdateBefore {
			continue
		}
		key := t.side.key.key(r)
		var err error
		if op == vector.Delete {
			err = t.store.Delete(key)
		} else {
			err = t.store.Put(key, t.side.rows.encode(b, r))
		}
		if err != nil {
			return fmt.Errorf("store a row of the joined table: %w", err)
		}
	}
	return nil
}
