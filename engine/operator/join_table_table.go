package operator

import (
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
)

// TableTableJoin joins two tables on their keys. Each side is kept; a change of one side is joined with the present row of the
// other, and says what it makes of the joined row.
type TableTableJoin struct {
	joined
	node   *plan.Join
	env    *Env
	next   Operator
	stores [2]state.KeyValueStore
	result state.KeyValueStore // nil: pull queries do not read it
	rows   *tableRows          // of the result
	// keeps[s]: rows of side s are in the result without a match.
	keeps [2]bool
	old   bool
	was   []byte
}

// NewTableTableJoin returns the join's two inputs.
func NewTableTableJoin(n *plan.Join, env *Env, next Operator) (left, right Operator, err error) {
	j := &TableTableJoin{joined: newJoined(n.Left, n.Right, n.Out), node: n, env: env, next: next, old: env.Sub.WantsOld(n)}
	j.keeps = [2]bool{n.Kind == plan.Left || n.Kind == plan.Full, n.Kind == plan.Right || n.Kind == plan.Full}
	for side, role := range []string{"left", "right"} {
		if j.stores[side], err = openKeyValue(env, n.ID, role); err != nil {
			return nil, nil, err
		}
	}
	if _, ok := env.Sub.StoreID(n.ID, ""); ok {
		j.rows = newTableRows(n.Out)
		if j.result, err = openKeyValue(env, n.ID, ""); err != nil {
			return nil, nil, err
		}
	}
	return sideInput{leftSide, j}, sideInput{rightSide, j}, nil
}

func (j *TableTableJoin) process(side int, b *vector.Batch) error {
	j.begin(b)
	j.sides[side].key.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		if b.Op(r) == vector.UpdateBefore || b.NullKey.Has(r) || j.sides[side].key.null(r) {
			continue
		}
		if err := j.change(side, b, r); err != nil {
			return fmt.Errorf("join rows of %s: %w", j.node.ID, err)
		}
	}
	if j.out.N == 0 {
		return nil
	}
	return j.next.Process(&j.out)
}

// change stores one side's new row and tells what becomes of the joined row.
func (j *TableTableJoin) change(side int, b *vector.Batch, r int) error {
	s := &j.sides[side]
	key := s.key.key(r)
	was, err := j.stores[side].Get(key)
	if err != nil {
		return err
	}
	j.was = append(j.was[:0], was...)
	other, err := j.stores[1-side].Get(key)
	if err != nil {
		return err
	}
	now := half{}
	if b.Op(r) == vector.Delete {
		err = j.stores[side].Delete(key)
	} else {
		now.b, now.row = b, r
		err = j.stores[side].Put(key, s.rows.encode(b, r))
	}
	if err != nil {
		return err
	}
	before := half{}
	if was != nil {
		before.data = j.was
	}
	return j.tell(side, b, r, before, now, half{data: other})
}

// tell adds the change of the joined row, if there is one to speak of.
func (j *TableTableJoin) tell(side int, b *vector.Batch, r int, before, now, other half) error {
	exists := func(h half) bool { return h.b != nil || h.data != nil }
	result := func(own half) bool {
		switch {
		case exists(own) && exists(other):
			return true
		case exists(own):
			return j.keeps[side]
		}
		return exists(other) && j.keeps[1-side]
	}
	if !exists(other) && (!j.keeps[side] || !exists(before) && !exists(now)) {
		return nil
	}
	t := b.Time[r]
	if exists(other) {
		t = max(t, timeOf(other.data))
	}
	had, has := result(before), result(now)
	if err := j.report(side, b, r, before, now, other, had, has, t); err != nil || j.result == nil {
		return err
	}
	key := j.sides[side].key.key(r)
	if !has {
		return j.result.Delete(key)
	}
	return j.result.Put(key, j.rows.encode(&j.out, j.out.N-1))
}

// report adds the rows that tell of the change.
func (j *TableTableJoin) report(side int, b *vector.Batch, r int, before, now, other half, had, has bool, t int64) error {
	switch {
	case has && had && j.old:
		if err := j.push(side, b, r, before, other, vector.UpdateBefore, t); err != nil {
			return err
		}
		return j.push(side, b, r, now, other, vector.UpdateAfter, t)
	case has && had:
		return j.push(side, b, r, now, other, vector.UpdateAfter, t)
	case has:
		return j.push(side, b, r, now, other, vector.Insert, t)
	case had && j.old:
		return j.push(side, b, r, before, other, vector.Delete, t)
	}
	j.out.NullValue = j.out.NullValue.Set(j.out.N)
	return j.push(side, b, r, half{}, half{}, vector.Delete, t)
}

func (j *TableTableJoin) push(side int, b *vector.Batch, r int, own, other half, op vector.Op, t int64) error {
	for len(j.out.Ops) < j.out.N {
		j.out.Ops = append(j.out.Ops, vector.Insert)
	}
	j.out.Ops = append(j.out.Ops, op)
	if side == leftSide {
		return j.add(b, r, side, own, other, t)
	}
	return j.add(b, r, side, other, own, t)
}
