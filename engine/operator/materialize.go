package operator

import (
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
)

// Materialize stands behind a table's source: it makes changes of rows. With a store it keeps the table and tells old rows;
// without, every row is an update and every null value a delete.
type Materialize struct {
	node  *plan.Source
	next  Operator            // nil: the table is only kept
	store state.KeyValueStore // nil: not kept
	key   *keyer
	rows  *tableRows
	ops   []vector.Op
	out   vector.Batch
}

// NewMaterialize returns the operator behind the Source of a table.
func NewMaterialize(n *plan.Source, env *Env, next Operator) (*Materialize, error) {
	m := &Materialize{node: n, next: next, rows: newTableRows(n.Out)}
	id, ok := env.Sub.StoreID(n.ID, "")
	if !ok {
		return m, nil
	}
	var err error
	if m.store, err = env.Stores.KeyValue(id); err != nil {
		return nil, err
	}
	m.out.Cols = newVectors(n.Out)
	// The window of a windowed table is part of its key.
	m.key = newKeyer(n.Out, append(positions(n.Out, plan.Key), positions(n.Out, plan.WindowBound)...))
	return m, nil
}

// Process implements Operator.
func (m *Materialize) Process(b *vector.Batch) error {
	if m.store != nil {
		return m.keep(b)
	}
	m.ops = append(m.ops[:0], make([]vector.Op, b.N)...)
	for i := range b.Rows() {
		r := b.Row(i)
		m.ops[r] = vector.UpdateAfter
		if b.NullValue.Has(r) {
			m.ops[r] = vector.Delete
		}
	}
	b.Ops = m.ops
	return m.next.Process(b)
}

// keep stores the rows one by one and passes on what each changed.
func (m *Materialize) keep(b *vector.Batch) error {
	out := &m.out
	reset(out)
	m.key.begin(b)
	out.Partition = b.Partition
	for i := range b.Rows() {
		r := b.Row(i)
		key := m.key.key(r)
		old, err := m.store.Get(key)
		if err != nil {
			return fmt.Errorf("read table %s: %w", m.node.Name, err)
		}
		if m.next != nil {
			if err := m.change(b, r, old); err != nil {
				return fmt.Errorf("decode a row of table %s: %w", m.node.Name, err)
			}
		}
		if b.NullValue.Has(r) {
			err = m.store.Delete(key)
		} else {
			err = m.store.Put(key, m.rows.encode(b, r))
		}
		if err != nil {
			return fmt.Errorf("store a row of table %s: %w", m.node.Name, err)
		}
	}
	if m.next == nil || out.N == 0 {
		return nil
	}
	return m.next.Process(out)
}

// change adds to the output what row r of b changes: old is the stored row, or nil.
func (m *Materialize) change(b *vector.Batch, r int, old []byte) error {
	null := b.NullValue.Has(r)
	if old != nil {
		if _, err := m.rows.decode(old, m.out.Cols); err != nil {
			return err
		}
		if null {
			m.push(b, r, vector.Delete)
			return nil
		}
		m.push(b, r, vector.UpdateBefore)
	}
	for i, v := range b.Cols {
		m.out.Cols[i].AppendFrom(v, r)
	}
	switch {
	case null:
		m.out.NullValue = m.out.NullValue.Set(m.out.N)
		m.push(b, r, vector.Delete)
	case old == nil:
		m.push(b, r, vector.Insert)
	default:
		m.push(b, r, vector.UpdateAfter)
	}
	return nil
}

// push completes an output row whose columns were appended.
func (m *Materialize) push(b *vector.Batch, r int, op vector.Op) {
	m.out.Ops, m.out.Time = append(m.out.Ops, op), append(m.out.Time, b.Time[r])
	if b.Headers != nil {
		m.out.Headers = append(m.out.Headers, b.Headers[r])
	}
	m.out.N++
}
