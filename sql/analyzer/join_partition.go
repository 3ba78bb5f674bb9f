package analyzer

import (
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
)

// partition brings both sides to the join key in one key format, so that equal keys lie in equal partitions.
func (j *joining) partition() error {
	leftAnew, rightAnew := j.rekeys(j.left, j.on.left), j.rekeys(j.right, j.on.right)
	for _, s := range []struct {
		side *joined
		anew bool
	}{{j.left, leftAnew}, {j.right, rightAnew}} {
		if s.anew && s.side.window != nil {
			return fail("join.repartition-windowed", j.x.Span(), "%s is windowed and would have to be partitioned anew by %s", s.side.label, j.on.on)
		}
	}
	j.keyFormat = j.chooseFormat(leftAnew, rightAnew)
	if err := j.prepare(j.left, j.on.left, j.lkey, leftAnew); err != nil {
		return err
	}
	return j.prepare(j.right, j.on.right, j.rkey, rightAnew)
}

// rekeys says whether the side must be partitioned by e first. Tables never are: e is their key.
func (j *joining) rekeys(side *joined, e ast.Expr) bool {
	return !j.table(side) && (len(side.keys) != 1 || !side.keys[0].is(e))
}

// chooseFormat takes the left side's key format, unless it alone has to be partitioned anew.
func (j *joining) chooseFormat(leftAnew, rightAnew bool) plan.Format {
	f := j.left.keyFormat
	if leftAnew && !rightAnew || f.Name == formatNone {
		f = j.right.keyFormat
	}
	if j.left.window != nil && j.right.window != nil && j.left.keyFormat.Name == j.right.keyFormat.Name {
		return f // windowed sources cannot be partitioned anew, so they must do as they are
	}
	return internalKey(f, []plan.OutColumn{{Name: "KEY", Type: j.lkey.Type(), Role: plan.Key}})
}

// prepare puts the key in front where the side is partitioned anew, and a Repartition where key or format differ.
func (j *joining) prepare(side *joined, e ast.Expr, key plan.Expr, anew bool) error {
	if !anew && side.keyFormat.Name == j.keyFormat.Name {
		return nil
	}
	r := *side.relation
	if anew {
		r = j.rekeyed(side, e, key)
	}
	n := &plan.Repartition{Base: j.id("repartition"), Input: r.node, KeyFormat: j.keyFormat, ValueFormat: internalValue}
	n.Out = r.cols()
	r.node = n
	side.relation = &r
	if side.window != nil {
		return fail("join.repartition-windowed", j.x.Span(), "%s is windowed and would have to be partitioned anew in key format %s", side.label, j.keyFormat.Name)
	}
	return nil
}

// rekeyed projects the key expression in front of all columns.
func (j *joining) rekeyed(side *joined, e ast.Expr, key plan.Expr) relation {
	name := "ROWKEY"
	if c, ok := key.(*plan.Column); ok {
		name = c.Name
	}
	items := []plan.Item{{Name: name, Role: plan.Key, Expr: key}}
	r := relation{names: []columnName{{}}, keys: []keyColumn{keyOf(e, 0)}}
	for i, c := range side.cols() {
		items = append(items, plan.Item{Name: c.Name, Expr: side.column(i)})
		r.names = append(r.names, side.names[i])
	}
	r.node = project(j.id("project"), side.node, items)
	return r
}

// foreignKeyJoin joins tables where an expression over the left one names the key of the right one.
func (j *joining) foreignKeyJoin() (*joined, error) {
	if formatRules[j.right.keyFormat.Name].inference {
		// Subscriptions go to the right table's partitions by the bytes of its key, which must follow from the key alone.
		j.keyFormat = plan.Format{Name: formatJSON}
		if err := j.prepare(j.right, j.on.right, j.rkey, false); err != nil {
			return nil, err
		}
	}
	n := &plan.ForeignKeyJoin{
		Base: j.id("fkjoin"), Kind: plan.JoinKind(j.x.Kind), Left: j.left.node, Right: j.right.node, ForeignKey: j.lkey,
	}
	r := &relation{node: n}
	for i, k := range j.left.keys {
		c := j.left.cols()[k.index]
		c.Name = j.columnLabel(k.exprs[0])
		n.Out = append(n.Out, c)
		r.names = append(r.names, columnName{})
		k.index = i
		r.keys = append(r.keys, k)
	}
	j.appendSide(r, &n.Out, j.left)
	j.appendSide(r, &n.Out, j.right)
	return &joined{
		relation: r, last: j.left.last, nWay: true, keyFormat: j.left.keyFormat,
		label: j.left.label + " " + string(j.x.Kind) + " JOIN " + j.right.label,
	}, nil
}
