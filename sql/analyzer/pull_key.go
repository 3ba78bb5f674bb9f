package analyzer

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

const (
	confTableScan = "ksql.query.pull.table.scan.enabled"
	confRangeScan = "ksql.query.pull.range.scan.enabled"
)

// maxDisjuncts bounds the lookups of one query; a WHERE that needs more is answered by a scan.
const maxDisjuncts = 256

// scan allows reading all rows, unless table scans are switched off.
func (b *query) scan(at ast.Span, why string, args ...any) error {
	if b.conf.flag(confTableScan, true) {
		return nil
	}
	return advise(fail("pull.key", at, "this query would read the whole table: "+why, args...), "set '%s' = 'true' to allow it", confTableScan)
}

// lookups finds the rows that can pass WHERE by their keys and windows. It is brought to the form (a AND b) OR (c AND d); each
// part must name keys, else all rows are read.
func (b *query) lookups(src *source) ([]Lookup, error) {
	var out []Lookup
	parts, ok := disjuncts(b.where)
	if !ok {
		return nil, b.scan(b.where.Span(), "WHERE is too complex")
	}
	for _, conjuncts := range parts {
		l := &lookup{query: b, src: src, values: make([]plan.Expr, len(b.rel.keys))}
		for _, c := range conjuncts {
			if err := l.add(c); err != nil {
				return nil, err
			}
		}
		found, err := l.finish(conjuncts)
		if err != nil {
			return nil, err
		}
		if found == nil {
			return nil, nil
		}
		out = append(out, *found)
	}
	return b.mergeLookups(out)
}

// mergeLookups makes the lookups disjoint, so that no row is found twice: those of one key become one, and ranges beside
// others become a scan.
func (b *query) mergeLookups(list []Lookup) ([]Lookup, error) {
	var out []Lookup
	seen := map[string]int{}
	for _, l := range list {
		if l.Key == nil && len(list) > 1 {
			return nil, b.scan(b.where.Span(), "it joins ranges of keys by OR")
		}
		key := fmt.Sprint(l.Key)
		if i, twice := seen[key]; twice {
			out[i].Start, out[i].End = Range{}, Range{} // the filter decides
			continue
		}
		seen[key] = len(out)
		out = append(out, l)
	}
	return out, nil
}

// disjuncts brings e to the disjunctive form: a list of conjunctions. IN of key columns counts as a disjunction.
func disjuncts(e ast.Expr) ([][]ast.Expr, bool) {
	switch x := e.(type) {
	case *ast.Logical:
		l, ok := disjuncts(x.Left)
		if !ok {
			return nil, false
		}
		r, ok := disjuncts(x.Right)
		if !ok {
			return nil, false
		}
		if x.Op == ast.Or {
			return append(l, r...), len(l)+len(r) <= maxDisjuncts
		}
		if len(l)*len(r) > maxDisjuncts {
			return nil, false
		}
		var out [][]ast.Expr
		for _, a := range l {
			for _, c := range r {
				out = append(out, append(append([]ast.Expr{}, a...), c...))
			}
		}
		return out, true
	case *ast.In:
		if x.Not || x.Query != nil || len(x.List) > maxDisjuncts {
			break
		}
		var out [][]ast.Expr
		for _, item := range x.List {
			out = append(out, []ast.Expr{&ast.Comparison{Loc: item.Span(), Op: ast.Eq, Left: x.Expr, Right: item}})
		}
		return out, true
	case *ast.Between:
		if !x.Not {
			low := &ast.Comparison{Loc: x.Loc, Op: ast.Ge, Left: x.Expr, Right: x.Low}
			high := &ast.Comparison{Loc: x.Loc, Op: ast.Le, Left: x.Expr, Right: x.High}
			return [][]ast.Expr{{low, high}}, true
		}
	}
	return [][]ast.Expr{{e}}, true
}

// lookup collects what one conjunction says about keys and windows.
type lookup struct {
	*query
	src        *source
	values     []plan.Expr // one a key column
	keyRange   Range
	start, end Range
	keys       int // conditions on key columns
	odd        error
}

var flipped = map[ast.CompareOp]ast.CompareOp{ast.Lt: ast.Gt, ast.Le: ast.Ge, ast.Gt: ast.Lt, ast.Ge: ast.Le, ast.Eq: ast.Eq, ast.NotEq: ast.NotEq}

// add reads one condition. What it cannot use is left to the filter; what only a scan answers is kept in odd.
func (l *lookup) add(e ast.Expr) error {
	c, ok := e.(*ast.Comparison)
	if !ok {
		return l.other(e)
	}
	left, op, right := c.Left, c.Op, c.Right
	if !l.refersToKey(left) && l.refersToKey(right) {
		left, op, right = right, flipped[op], left
	}
	if !l.refersToKey(left) {
		return nil
	}
	i, bare := l.rel.find(left)
	if !bare {
		l.setOdd(c, "%s does not name a key column directly", left)
		return nil
	}
	if finds(right, func(n ast.Node) bool { r, ok := n.(*ast.ColumnRef); return ok && r.Qualifier != nil }) {
		l.setOdd(c, "%s compares a key with something that is not constant", c)
		return nil
	}
	v, err := l.binder(l.rel).bind(magicTime(left, right))
	if err != nil {
		return err
	}
	col := l.rel.cols()[i]
	if col.Role == plan.WindowBound {
		return l.bound(col.Name, op, castTo(v, types.Bigint), c)
	}
	if v, err = l.keyConstant(v, col, right); err != nil {
		return err
	}
	l.key(i, op, v, c)
	return nil
}

func (l *lookup) setOdd(at ast.Expr, why string, args ...any) {
	if l.odd == nil {
		l.odd = l.scan(at.Span(), why, args...)
		if l.odd == nil {
			l.odd = errScan
		}
	}
}

// other is a condition that is no comparison: over a key column only a scan answers it.
func (l *lookup) other(e ast.Expr) error {
	if l.refersToKey(e) {
		l.setOdd(e, "%s is not a comparison of a key", e)
	}
	return nil
}

// refersToKey says whether e reads a key column or a window bound.
func (l *lookup) refersToKey(e ast.Expr) bool {
	return finds(e, func(n ast.Node) bool {
		x, ok := n.(ast.Expr)
		if !ok {
			return false
		}
		i, found := l.rel.find(x)
		return found && (l.rel.cols()[i].Role == plan.Key || l.rel.cols()[i].Role == plan.WindowBound)
	})
}

// keyConstant brings a constant to the type of a key column by the strict rules.
func (l *lookup) keyConstant(v plan.Expr, col plan.OutColumn, at ast.Expr) (plan.Expr, error) {
	if isNull(v) || !types.ImplicitCast(v.Type(), col.Type) {
		return nil, fail("pull.key", at.Span(), "%s is %s and cannot be the key column %s of type %s", at, v.Type(), types.QuoteName(col.Name), col.Type)
	}
	return castTo(v, col.Type), nil
}

func (l *lookup) key(i int, op ast.CompareOp, v plan.Expr, c ast.Expr) {
	if l.keys++; l.keys > len(l.values) {
		if l.odd == nil {
			l.odd = l.scan(c.Span(), "a key column is compared more than once")
		}
		if l.odd != nil {
			return
		}
	}
	switch op {
	case ast.Eq:
		if l.values[i] != nil || !l.keyRange.Empty() {
			l.setOdd(c, "key column %s is compared more than once", l.rel.cols()[i].Name)
		}
		l.values[i] = v
		return
	case ast.Gt, ast.Ge, ast.Lt, ast.Le:
		if l.values[i] != nil || !setRange(&l.keyRange, op, v) {
			l.setOdd(c, "key column %s is compared more than once", l.rel.cols()[i].Name)
			return
		}
		if len(l.values) > 1 || l.src.cat.Window != nil || !l.conf.flag(confRangeScan, true) {
			l.setOdd(c, "%s is a range of keys", c)
		}
		return
	}
	l.setOdd(c, "%s is not an equality of a key", c)
}

func (l *lookup) bound(name string, op ast.CompareOp, v plan.Expr, c ast.Expr) error {
	r := &l.start
	if name == windowEnd {
		r = &l.end
	}
	if op == ast.Eq {
		if !r.Empty() {
			l.setOdd(c, "%s is compared more than once", name)
			return nil
		}
		*r = Range{Low: v, High: v, LowInclusive: true, HighInclusive: true}
		return nil
	}
	if _, ordered := flipped[op]; !ordered || op == ast.NotEq || !setRange(r, op, v) {
		l.setOdd(c, "%s is no single lower or upper bound", c)
	}
	return nil
}

// setRange sets a bound that is not set yet.
func setRange(r *Range, op ast.CompareOp, v plan.Expr) bool {
	switch {
	case (op == ast.Gt || op == ast.Ge) && r.Low == nil:
		r.Low, r.LowInclusive = v, op == ast.Ge
	case (op == ast.Lt || op == ast.Le) && r.High == nil:
		r.High, r.HighInclusive = v, op == ast.Le
	default:
		return false
	}
	return true
}

// finish makes the lookup, or nil for a scan.
func (l *lookup) finish(conjuncts []ast.Expr) (*Lookup, error) {
	at := conjuncts[0].Span()
	if errors.Is(l.odd, errScan) {
		return nil, nil
	}
	if l.odd != nil {
		return nil, l.odd
	}
	given := 0
	for _, v := range l.values {
		if v != nil {
			given++
		}
	}
	out := &Lookup{Range: l.keyRange, Start: l.start, End: l.end}
	switch {
	case given == len(l.values) && given > 0:
		out.Key = l.values
	case given > 0:
		return nil, l.scan(at, "only %d of %d key columns are given", given, len(l.values))
	case l.keyRange.Empty():
		return nil, l.scan(at, "%s names no key", conjuncts[0])
	}
	return out, nil
}
