package plan_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// random makes plans that pass Check and mean nothing: every node, every expression, every kind of literal.
type random struct {
	*rand.Rand
	nodes int
}

var scalarTypes = []*types.Type{
	types.Boolean, types.Int, types.Bigint, types.Double, types.String, types.Bytes, types.Date, types.Time, types.Timestamp,
	types.DecimalOf(6, 2), types.DecimalOf(38, 0),
}

func (r *random) typ(depth int) *types.Type {
	if depth > 0 && r.IntN(3) == 0 {
		switch r.IntN(3) {
		case 0:
			return types.ArrayOf(r.typ(depth - 1))
		case 1:
			return types.MapOf(types.String, r.typ(depth-1))
		}
		return types.StructOf(types.Field{Name: "A`b", Type: r.typ(depth - 1)}, types.Field{Name: "F", Type: r.typ(depth - 1)})
	}
	return scalarTypes[r.IntN(len(scalarTypes))]
}

func (r *random) value(t *types.Type) any {
	if r.IntN(6) == 0 {
		return nil
	}
	switch t.Kind {
	case types.KindBoolean:
		return r.IntN(2) == 0
	case types.KindInt, types.KindDate, types.KindTime:
		return r.Int32() - 1<<30
	case types.KindBigint, types.KindTimestamp:
		return r.Int64() - 1<<62
	case types.KindDouble:
		return r.NormFloat64()
	case types.KindString:
		return fmt.Sprintf("it's <%d>\n\u00e9", r.IntN(100))
	case types.KindBytes:
		return []byte{byte(r.IntN(256)), 0}
	case types.KindDecimal:
		return types.NewDecimal(r.Int64N(1000), t.Scale)
	case types.KindArray:
		return []any{r.value(t.Elem), r.value(t.Elem)}
	case types.KindMap:
		return types.Map{{Key: "k", Value: r.value(t.Elem)}}
	}
	out := make([]any, len(t.Fields))
	for i, f := range t.Fields {
		out[i] = r.value(f.Type)
	}
	return out
}

func (r *random) literal() *plan.Literal {
	t := r.typ(2)
	return &plan.Literal{Value: r.value(t), T: t}
}

func (r *random) exprs(depth, width int) []plan.Expr {
	out := make([]plan.Expr, 1+r.IntN(2))
	for i := range out {
		out[i] = r.expr(depth-1, width)
	}
	return out
}

func (r *random) expr(depth, width int) plan.Expr {
	if depth <= 0 {
		if i := r.IntN(width + 1); i < width {
			return &plan.Column{Index: i, Name: "C", T: r.typ(1)}
		}
		return r.literal()
	}
	e := func() plan.Expr { return r.expr(depth-1, width) }
	two := r.exprs(depth, width)
	switch r.IntN(21) {
	case 0:
		return &plan.Arithmetic{Op: "+", Left: e(), Right: e(), T: types.Int}
	case 1:
		return &plan.Negate{Expr: e()}
	case 2:
		return &plan.Comparison{Op: "is distinct from", Left: e(), Right: e()}
	case 3:
		return &plan.And{Left: e(), Right: e()}
	case 4:
		return &plan.Or{Left: e(), Right: e()}
	case 5:
		return &plan.Not{Expr: e()}
	case 6:
		return &plan.IsNull{Expr: e()}
	case 7:
		return &plan.In{Expr: e(), List: two}
	case 8:
		return &plan.Like{Expr: e(), Pattern: e(), Escape: rune(r.IntN(2) * '\\')}
	case 9:
		return &plan.Case{Whens: []plan.When{{Cond: e(), Then: e()}}, T: types.Int}
	case 10:
		return &plan.Case{Whens: []plan.When{{Cond: e(), Then: e()}}, Else: e(), T: r.typ(1)}
	case 11:
		return &plan.Cast{Expr: e(), T: r.typ(2)}
	case 12:
		return &plan.Subscript{Base: e(), Index: e(), T: r.typ(1)}
	case 13:
		return &plan.Field{Base: e(), Index: r.IntN(2), Name: "f", T: r.typ(1)}
	case 14:
		return &plan.MakeArray{Items: two, T: types.ArrayOf(r.typ(1))}
	case 15:
		return &plan.MakeMap{Keys: []plan.Expr{e()}, Values: []plan.Expr{e()}, T: types.MapOf(types.String, r.typ(1))}
	case 16:
		return &plan.MakeStruct{Items: []plan.Expr{e()}, T: types.StructOf(types.Field{Name: "x", Type: r.typ(1)})}
	case 17:
		body := &plan.LambdaParam{Depth: r.IntN(2), Index: 0, Name: "X", T: types.Int}
		l := &plan.Lambda{Params: []string{"X"}, Types: []*types.Type{types.Int}, Body: body}
		return &plan.Call{Name: "F", Params: []*types.Type{r.typ(1), l.Type()}, Args: []plan.Expr{e(), l}, T: r.typ(1)}
	case 18:
		return &plan.Predict{Model: "M", Version: r.IntN(2), Args: two, T: types.Double}
	case 19:
		return &plan.ModelVersion{Model: "M"}
	}
	return e()
}

func (r *random) base(out []plan.OutColumn) plan.Base {
	r.nodes++
	return plan.Base{ID: fmt.Sprintf("node-%d", r.nodes), Out: out}
}

func (r *random) columns(n int) []plan.OutColumn {
	out := make([]plan.OutColumn, n)
	for i := range out {
		out[i] = plan.OutColumn{Name: fmt.Sprintf("C%d", i), Type: r.typ(1), Role: plan.Role(r.IntN(5))}
	}
	return out
}

func (r *random) format() plan.Format {
	wrap := r.IntN(2) == 0
	return [...]plan.Format{{Name: "KAFKA"}, {Name: "JSON", Wrap: &wrap}, {Name: "DELIMITED", Props: map[string]string{"DELIMITER": "<"}}}[r.IntN(3)]
}

func (r *random) source() plan.Node {
	out := r.columns(1 + r.IntN(4))
	s := types.Schema{}
	for i, c := range out {
		s.Columns = append(s.Columns, types.Column{Name: c.Name, Type: c.Type, Role: types.Role(i % 3), HeaderKey: "h"})
	}
	return &plan.Source{
		Base: r.base(out), Name: "S", Alias: "a", Table: r.IntN(2) == 0, Topic: "t", Schema: s, KeyFormat: r.format(), ValueFormat: r.format(),
		Window: &plan.WindowInfo{Kind: plan.Hopping, Size: time.Second}, Timestamp: &plan.Timestamp{Column: "C0", Format: "yyyy"}, Materialized: true,
	}
}

func (r *random) node(depth int) plan.Node {
	if depth == 0 {
		return r.source()
	}
	in := r.node(depth - 1)
	cols := in.Columns()
	items := []plan.Item{{Name: "I", Role: plan.Key, Expr: r.expr(3, len(cols))}}
	one := []plan.OutColumn{{Name: "I", Type: types.Int, Role: plan.Key}}
	grace := time.Duration(r.IntN(2))
	calls := []plan.TableCall{{Name: "EXPLODE", Params: []*types.Type{r.typ(1)}, Args: r.exprs(2, len(cols)), T: r.typ(1)}}
	switch r.IntN(10) {
	case 9:
		ts := &plan.Timestamp{Column: "I"}
		return &plan.Sink{Base: r.base(cols), Input: in, Name: "O", Table: true, Topic: "o", KeyFormat: r.format(), ValueFormat: r.format(), Timestamp: ts}
	case 0:
		return &plan.Filter{Base: r.base(cols), Input: in, Predicate: r.expr(3, len(cols))}
	case 1:
		return &plan.Project{Base: r.base(one), Input: in, Items: items}
	case 2:
		return &plan.Rekey{Base: r.base(r.columns(1 + len(cols))), Input: in, Keys: items}
	case 3:
		return &plan.Repartition{Base: r.base(cols), Input: in, KeyFormat: r.format(), ValueFormat: r.format()}
	case 4:
		return &plan.FlatMap{Base: r.base(r.columns(len(cols) + 1)), Input: in, Calls: calls}
	case 5:
		call := plan.AggregateCall{Name: "TOPK", Params: []*types.Type{types.Int}, Args: r.exprs(2, len(cols)), Init: []plan.Literal{*r.literal()}, T: types.Int}
		return &plan.Aggregate{Base: r.base(r.columns(plan.Keys(cols) + 3)), Input: in, Calls: []plan.AggregateCall{call}, Window: &plan.Window{Kind: plan.Session, Size: 5, Grace: grace}, Final: true}
	case 6:
		right := r.source()
		return &plan.Join{Base: r.base(r.columns(1 + len(cols) + len(right.Columns()))), Kind: plan.Full, Left: in, Right: right, Within: &plan.Within{Before: 1, Grace: &grace}}
	case 7:
		right := r.source()
		out := r.columns(plan.Keys(cols) + len(cols) + len(right.Columns()))
		return &plan.ForeignKeyJoin{Base: r.base(out), Kind: plan.Left, Left: in, Right: right, ForeignKey: r.expr(2, len(cols))}
	}
	limit := r.Int64N(2)
	return &plan.Result{Base: r.base(one), Input: in, Project: []int{0}, Limit: &limit}
}
