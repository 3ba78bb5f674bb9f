package operator

import "github.com/millrace/millrace/sql/vector"

// admission leaves rows out of batches. A stream's row just goes. A table's is as if it were not there: its change becomes a delete
// where the row was there before, and an insert where it was not. It has the buffers of one operator.
type admission struct {
	sel []int32
	ops []vector.Op
	out vector.Batch
}

// of returns the batch with the rows for which pass is true. It is valid until the next call. Paired says that a table's old rows are
// told, so that a new one alone had none that passed; else nobody asked for them.
func (a *admission) of(b *vector.Batch, paired bool, pass func(row int) bool) *vector.Batch {
	a.sel = a.sel[:0]
	a.out = *b
	if b.Ops == nil {
		for i := range b.Rows() {
			if r := b.Row(i); pass(r) {
				a.sel = append(a.sel, int32(r))
			}
		}
		a.out.Sel = a.sel
		return &a.out
	}
	a.ops = append(a.ops[:0], make([]vector.Op, b.N)...)
	before := int32(-1) // the row of a pending UpdateBefore
	for i := range b.Rows() {
		r := b.Row(i)
		switch op := b.Op(r); op {
		case vector.UpdateBefore:
			before = int32(r)
			continue
		case vector.UpdateAfter:
			a.update(pass, paired, before, r)
		case vector.Insert, vector.Delete:
			if pass(r) {
				a.keep(r, op)
			}
		}
		before = -1
	}
	a.out.Sel, a.out.Ops = a.sel, a.ops
	return &a.out
}

func (a *admission) update(pass func(row int) bool, paired bool, before int32, after int) {
	is := pass(after)
	if before < 0 && !paired {
		op := vector.UpdateAfter
		if !is {
			op = vector.Delete
		}
		a.keep(after, op)
		return
	}
	was := before >= 0 && pass(int(before))
	switch {
	case was && is:
		a.keep(int(before), vector.UpdateBefore)
		a.keep(after, vector.UpdateAfter)
	case was:
		a.keep(int(before), vector.Delete)
	case is:
		a.keep(after, vector.Insert)
	}
}

func (a *admission) keep(row int, op vector.Op) {
	a.sel = append(a.sel, int32(row))
	a.ops[row] = op
}

// Reject says that a row of the batch that is being evaluated must not go on. It reports false if that was said before.
func (e *Env) Reject(row int) bool {
	if e.rejected.Has(row) {
		return false
	}
	e.rejected = e.rejected.Set(row)
	e.rejects = true
	return true
}

// accepted leaves out the rows that were rejected since its last call. Operators call it behind their evaluators; nil says that no row is
// left.
func (a *admission) accepted(e *Env, b *vector.Batch) *vector.Batch {
	if !e.rejects {
		return b
	}
	e.rejects = false
	out := a.of(b, false, func(row int) bool { return !e.rejected.Has(row) })
	for i := range b.Rows() {
		if r := b.Row(i); e.rejected.Has(r) && b.Op(r) != vector.UpdateBefore && b.Op(r) != vector.Delete {
			e.Count.BadRows++
		}
	}
	clear(e.rejected)
	if len(a.sel) == 0 {
		return nil
	}
	return out
}
