package engine

import (
	"fmt"
	"math"

	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/plan"
)

var everything = bounds{0, math.MaxInt64}

// constants evaluates the lookups of a pull query. A key with a NULL in it finds nothing and is left out. A query without lookups looks
// for everything.
func (t *tablePull) constants(lookups []analyzer.Lookup) ([]lookup, error) {
	if len(lookups) == 0 {
		return []lookup{{start: everything, end: everything, home: anyPartition}}, nil
	}
	var out []lookup
	seen := map[string]bool{} // ID IN (1, 1) is one row
	for i := range lookups {
		l, ok, err := t.constant(&lookups[i])
		if err != nil {
			return nil, err
		}
		id := fmt.Sprint(l)
		if ok && !seen[id] {
			seen[id] = true
			out = append(out, l)
		}
	}
	return out, nil
}

func (t *tablePull) constant(l *analyzer.Lookup) (lookup, bool, error) {
	out := lookup{start: everything, end: everything, home: anyPartition}
	if l.Key != nil {
		values := make([]any, len(l.Key))
		for i, k := range l.Key {
			v, err := expr.Constant(k, t.compiler.Expr)
			if err != nil {
				return out, false, err
			}
			if v == nil {
				return out, false, nil
			}
			values[i] = v
		}
		out.key = t.path.Key(values)
		var err error
		if out.home, err = t.home(values); err != nil {
			return out, false, err
		}
	}
	var err error
	if out.start, err = t.bounds(l.Start); err != nil {
		return out, false, err
	}
	out.end, err = t.bounds(l.End)
	return out, true, err
}

// bounds evaluates a range of times. The filter decides at the edges, so exclusive bounds are taken as inclusive.
func (t *tablePull) bounds(r analyzer.Range) (bounds, error) {
	out := everything
	for _, side := range []struct {
		e  plan.Expr
		to *int64
	}{{r.Low, &out.low}, {r.High, &out.high}} {
		if side.e == nil {
			continue
		}
		v, err := expr.Constant(side.e, t.compiler.Expr)
		if err != nil {
			return out, err
		}
		if ms, ok := v.(int64); ok {
			*side.to = ms
		}
	}
	return out, nil
}
