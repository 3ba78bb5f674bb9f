package analyzer

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// joined is a relation on its way through a chain of joins.
type joined struct {
	*relation
	last      *source // the source joined last: its partitions count for the next join
	label     string  // for messages
	nWay      bool    // more than one source
	equal     []ast.Expr
	window    *plan.WindowInfo
	keyFormat plan.Format
}

// relation builds FROM.
func (b *query) relation(from ast.Relation) (*joined, error) {
	x, ok := from.(*ast.Join)
	if !ok {
		s := b.sc.source(relationAliases(from)[0])
		return &joined{relation: b.leafNode(s), last: s, label: s.cat.Name, window: s.cat.Window, keyFormat: s.cat.KeyFormat}, nil
	}
	left, err := b.relation(x.Left)
	if err != nil {
		return nil, err
	}
	right, err := b.relation(x.Right)
	if err != nil {
		return nil, err
	}
	return b.join(x, left, right)
}

func (b *query) join(x *ast.Join, left, right *joined) (*joined, error) {
	j := &joining{query: b, x: x, on: b.ons[x], left: left, right: right}
	for _, check := range []func() error{j.checkKinds, j.bindKeys, j.checkKeys, j.checkPartitions, j.checkWindows} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	if j.foreign {
		return j.foreignKeyJoin()
	}
	if err := j.partition(); err != nil {
		return nil, err
	}
	return j.build()
}

// joining is one join under analysis.
type joining struct {
	*query
	x           *ast.Join
	on          condition
	left, right *joined
	lkey, rkey  plan.Expr
	foreign     bool
	keyFormat   plan.Format
}

func (j *joining) table(r *joined) bool { return r.node.IsTable() }

func kindWord(r *joined) string {
	if r.node.IsTable() {
		return "table"
	}
	return "stream"
}

// checkKinds: which kinds of sources can be joined how.
func (j *joining) checkKinds() error {
	lt, rt, at := j.table(j.left), j.table(j.right), j.x.Span()
	streams := !lt && !rt
	switch {
	case lt && !rt:
		return advise(fail("join.order", at, "a table cannot be joined with a stream: %s %s JOIN %s", j.left.label, j.x.Kind, j.right.label), "put the stream first")
	case !lt && rt && j.x.Kind == ast.FullJoin, !lt && rt && j.x.Kind == ast.RightJoin:
		return advise(fail("join.type."+strings.ToLower(string(j.x.Kind)), at, "a stream and a table cannot be joined by %s JOIN: %s and %s", j.x.Kind, j.left.label, j.right.label), "use JOIN or LEFT JOIN")
	case streams && j.x.Within == nil:
		return advise(fail("join.within-missing", at, "streams %s and %s are joined without WITHIN", j.left.label, j.right.label), "add WITHIN 1 HOUR, say, before ON")
	case !streams && j.x.Within != nil:
		return fail("join.within", j.x.Within.Span(), "WITHIN is for two streams; this is a %s-%s join", kindWord(j.left), kindWord(j.right))
	}
	return nil
}

func (j *joining) bindKeys() (err error) {
	if j.lkey, err = j.binder(j.left.relation).bind(j.on.left); err != nil {
		return err
	}
	j.rkey, err = j.binder(j.right.relation).bind(j.on.right)
	return err
}

// isKey says whether e is the whole key of r.
func isKey(r *joined, e ast.Expr) bool {
	if len(r.keys) != 1 {
		return false
	}
	_, ok := contains(r.keys[0].exprs, e)
	return ok
}

func (j *joining) checkKeys() error {
	at := j.on.on.Span()
	if j.table(j.right) && !isKey(j.right, j.on.right) {
		if j.table(j.left) {
			return advise(fail("join.table-primary-key", at, "tables are joined on the primary key of the right one, %s: %s", j.right.label, j.on.on), "its key: %s", keyText(j.right))
		}
		return advise(fail("join.stream-table-primary-key", at, "a stream is joined with a table on the table's primary key: %s", j.on.on), "its key: %s", keyText(j.right))
	}
	if j.table(j.left) && !isKey(j.left, j.on.left) {
		if err := j.checkForeign(at); err != nil {
			return err
		}
		j.foreign = true
	}
	if !types.Equal(j.lkey.Type(), j.rkey.Type()) {
		return advise(fail("join.type-mismatch", at, "the sides of %s have different types: %s and %s", j.on.on, j.lkey.Type(), j.rkey.Type()), "cast one side")
	}
	if hasMap(j.lkey.Type()) {
		return fail("key.map", at, "%s is %s: a key cannot hold a MAP", j.on.left, j.lkey.Type())
	}
	return nil
}

func keyText(r *joined) string {
	var keys []string
	for _, k := range r.keys {
		keys = append(keys, k.exprs[0].String())
	}
	return strings.Join(keys, ", ")
}

func (j *joining) checkForeign(at ast.Span) error {
	switch {
	case j.x.Kind == ast.RightJoin:
		return fail("join.fk-right", at, "%s is not the primary key of %s, and RIGHT JOIN needs it", j.on.left, j.left.label)
	case j.x.Kind == ast.FullJoin:
		return fail("join.fk-full", at, "%s is not the primary key of %s, and FULL JOIN needs it", j.on.left, j.left.label)
	case j.left.nWay:
		return fail("join.fk-n-way", at, "%s is not the primary key of %s: such a join cannot follow another", j.on.left, j.left.label)
	case j.left.window != nil || j.right.window != nil:
		return fail("join.fk-windowed", at, "%s is not the primary key of %s, and these tables are windowed", j.on.left, j.left.label)
	}
	return nil
}

// checkPartitions: rows of one key lie in the same partition on both sides only if there are as many.
func (j *joining) checkPartitions() error {
	l, r := j.left.last.cat, j.right.last.cat
	if j.foreign || l.Partitions == r.Partitions || l.Partitions == 0 || r.Partitions == 0 {
		return nil
	}
	return advise(fail("join.partitions", j.x.Span(), "%s has %d partitions and %s has %d", l.Name, l.Partitions, r.Name, r.Partitions),
		"create one of them again with WITH (PARTITIONS = ...) AS SELECT")
}

func (j *joining) checkWindows() error {
	l, r := j.left.window, j.right.window
	switch {
	case (l == nil) != (r == nil):
		return fail("join.windowed", j.x.Span(), "one of %s and %s is windowed, the other is not", j.left.label, j.right.label)
	case l != nil && (l.Kind == plan.Session) != (r.Kind == plan.Session):
		return fail("join.window-kind", j.x.Span(), "%s has %s windows and %s has %s windows", j.left.label, l.Kind, j.right.label, r.Kind)
	}
	return nil
}

// within reads the WITHIN clause.
func (j *joining) within() (*plan.Within, error) {
	w := j.x.Within
	if w == nil {
		return nil, nil
	}
	out := &plan.Within{Before: duration(w.Before), After: duration(w.After)}
	if out.Before < 0 || out.After < 0 {
		return nil, fail("join.within", w.Span(), "WITHIN is too long")
	}
	if w.Grace != nil {
		g := duration(w.Grace)
		if g < 0 {
			return nil, fail("join.within", w.Grace.Span(), "GRACE PERIOD is too long")
		}
		out.Grace = &g
	}
	return out, nil
}

// build makes the Join over two sides that are partitioned alike.
func (j *joining) build() (*joined, error) {
	within, err := j.within()
	if err != nil {
		return nil, err
	}
	n := &plan.Join{Base: j.id("join"), Kind: plan.JoinKind(j.x.Kind), Left: j.left.node, Right: j.right.node, Within: within}
	key := j.joinKey()
	name := j.keyNameOf(key)
	n.Out = []plan.OutColumn{{Name: name, Type: j.lkey.Type(), Role: plan.Key}}
	r := &relation{node: n, keys: []keyColumn{key}, names: []columnName{{}}}
	if len(key.same) > 0 && key.exprs[0] == key.same[0] && isSynthetic(key) {
		r.names[0], r.synthetic = columnName{"", name}, true
	}
	if j.left.window != nil {
		n.Out = append(n.Out, windowColumns()...)
		r.names = append(r.names, columnName{}, columnName{})
	}
	j.appendSide(r, &n.Out, j.left)
	j.appendSide(r, &n.Out, j.right)
	return &joined{
		relation: r, last: j.right.last, nWay: true, equal: j.equalSet(), window: j.left.window, keyFormat: j.keyFormat,
		label: j.left.label + " " + string(j.x.Kind) + " JOIN " + j.right.label,
	}, nil
}

func isSynthetic(k keyColumn) bool {
	r, ok := k.exprs[0].(*ast.ColumnRef)
	return ok && r.Qualifier == nil
}

// appendSide puts all columns of a side behind out, as values.
func (j *joining) appendSide(r *relation, out *[]plan.OutColumn, side *joined) {
	for i, c := range side.cols() {
		name := side.names[i]
		r.names = append(r.names, name)
		if name.qualifier != "" {
			c.Name = name.qualifier + "_" + name.name
		}
		c.Name, c.Role = uniqueName(*out, c.Name), plan.Value
		*out = append(*out, c)
	}
}

// equalSet holds the expressions that have the key's value in matching rows.
func (j *joining) equalSet() []ast.Expr {
	if j.x.Kind == ast.FullJoin {
		return nil
	}
	set := []ast.Expr{j.on.left, j.on.right}
	if _, ok := contains(j.left.equal, j.on.left); ok {
		set = append(set, j.left.equal...)
	}
	return set
}

// joinKey finds the columns that may stand for the key, in order: those of the left side, the left expression, the
// right one. Where there is none (FULL JOIN, or expressions on both sides) the key gets a name of its own.
func (j *joining) joinKey() keyColumn {
	var k keyColumn
	if j.x.Kind != ast.FullJoin {
		set := j.equalSet()
		var candidates []ast.Expr
		for _, lk := range j.left.keys {
			if j.left.nWay {
				candidates = append(candidates, lk.exprs...)
			}
		}
		for _, e := range append(candidates, j.on.left, j.on.right) {
			_, plain := plainColumn(e)
			_, equal := contains(set, e)
			if _, twice := contains(k.exprs, e); plain && equal && !twice {
				k.exprs = append(k.exprs, e)
				if j.always(e) {
					k.same = append(k.same, e)
				}
			}
		}
	}
	if len(k.exprs) == 0 {
		return keyOf(ref("", j.syntheticName()), 0)
	}
	return k
}

// always says whether e is the key in every row: it is on a side whose rows are never made up.
func (j *joining) always(e ast.Expr) bool {
	onRight := ast.Equal(e, j.on.right)
	switch {
	case j.x.Kind == ast.LeftJoin && onRight, j.x.Kind == ast.RightJoin && !onRight:
		return false
	case onRight || ast.Equal(e, j.on.left):
		return true
	}
	return len(j.left.keys) == 1 && j.left.keys[0].is(e)
}

// syntheticName is ROWKEY, or the first ROWKEY_n that no column has.
func (j *joining) syntheticName() string {
	var cols []plan.OutColumn
	for _, s := range j.sc.sources {
		cols = append(cols, s.cols...)
	}
	return uniqueName(cols, "ROWKEY")
}

// keyNameOf is the first of the key's columns that the projection holds, as a name.
func (j *joining) keyNameOf(k keyColumn) string {
	for _, e := range k.exprs {
		if slices.ContainsFunc(j.items, func(it *item) bool { return it.expr != nil && ast.Equal(it.expr, e) }) {
			return j.columnLabel(e)
		}
	}
	return j.columnLabel(k.exprs[0])
}

func (j *joining) columnLabel(e ast.Expr) string {
	r := e.(*ast.ColumnRef)
	if r.Qualifier == nil {
		return r.Name.Name
	}
	return r.Qualifier.Name + "_" + r.Name.Name
}
