package builtin

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

var someTypes = []*types.Type{
	types.Boolean, types.Int, types.Bigint, types.Double, types.DecimalOf(6, 2), types.String, types.Bytes, types.Date, types.Time,
	types.Timestamp, types.ArrayOf(types.Int), types.MapOf(types.String, types.Double), types.StructOf(field("A", types.Int), field("B", types.String)),
}

// chance makes random arguments.
type chance struct {
	r    *rand.Rand
	vars map[string]*types.Type
}

// concrete picks a type that the pattern accepts.
func (c *chance) concrete(p *udf.Pattern) *types.Type {
	switch {
	case p.Var != "":
		if c.vars[p.Var] == nil {
			c.vars[p.Var] = someTypes[c.r.IntN(len(someTypes))]
		}
		return c.vars[p.Var]
	case p.Any:
		return someTypes[c.r.IntN(len(someTypes))]
	case p.Kind == types.KindArray:
		return types.ArrayOf(c.concrete(p.Elem))
	case p.Kind == types.KindMap:
		return types.MapOf(c.concrete(p.Key), c.concrete(p.Elem))
	case p.Kind == types.KindDecimal:
		return types.DecimalOf(8, 3)
	}
	return &types.Type{Kind: p.Kind}
}

var someTexts = []string{
	"", "a", "Hello World", "é日本", "2020-01-02", "yyyy-MM-dd", "%", "(", "[a-z]+", "$.a[0]", `{"a":[1,"x"],"b":null}`, `[1,{"a":2}]`, "hex", "base64", "utf8",
	"http://a@b.c:80/p?q=1#f", "UTC", "Europe/Paris", "-1", "0x1", "LITTLE_ENDIAN", "DESC", "'", "\\u0041", "\xff",
}

func (c *chance) value(t *types.Type) any {
	if c.r.IntN(10) == 0 {
		return nil
	}
	n := []int64{0, 1, -1, 2, 7, -5, 100, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64}[c.r.IntN(11)]
	switch t.Kind {
	case types.KindBoolean:
		return n > 0
	case types.KindInt, types.KindDate:
		return int32(n)
	case types.KindTime:
		return int32(c.r.IntN(types.MsPerDay))
	case types.KindBigint:
		return n
	case types.KindTimestamp:
		return n % 1e14
	case types.KindDouble:
		return []float64{float64(n), 0.5, math.NaN(), math.Inf(1), math.Inf(-1), -1e300, 5e-324}[c.r.IntN(7)]
	case types.KindDecimal:
		return types.NewDecimal(n%1000, t.Scale)
	case types.KindBytes:
		return []byte(someTexts[c.r.IntN(len(someTexts))])
	case types.KindArray:
		list := []any{}
		for range c.r.IntN(5) {
			list = append(list, c.value(t.Elem))
		}
		return list
	case types.KindMap:
		m := types.Map{}
		for range c.r.IntN(4) {
			if k := c.value(t.Key); k != nil {
				m = m.Put(k, c.value(t.Elem), t.Key)
			}
		}
		return m
	case types.KindStruct:
		s := make([]any, len(t.Fields))
		for i, f := range t.Fields {
			s[i] = c.value(f.Type)
		}
		return s
	case types.KindIntervalUnit:
		return []string{"DAYS", "MONTH", "YEARS", "MILLISECONDS", "HOUR"}[c.r.IntN(5)]
	}
	return someTexts[c.r.IntN(len(someTexts))]
}

// No function panics, whatever its arguments, and every result has the Go form of the type that was announced.
func TestEveryFunction(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, name := range Registry().Names() {
		f, _ := Registry().Function(name)
		for i := range f.Overloads {
			o := &f.Overloads[i]
			for range 60 {
				c := &chance{r: r, vars: map[string]*types.Type{}}
				var args []analyzer.Arg
				var values []any
				for j, p := range o.Parsed().Params {
					copies := 1
					if j == o.Parsed().Variadic {
						copies = r.IntN(3)
					}
					for range copies {
						arg, v := c.argument(p.Type)
						args, values = append(args, arg), append(values, v)
					}
				}
				m, err := Registry().Resolve(name, args)
				if err != nil {
					continue // a random choice may be ambiguous
				}
				callOnce(t, c, f, m, values)
			}
		}
	}
}

func (c *chance) argument(p *udf.Pattern) (analyzer.Arg, any) {
	if p.Kind != types.KindLambda {
		t := c.concrete(p)
		return analyzer.Arg{Type: t}, c.value(t)
	}
	result := c.concrete(p.Elem)
	return analyzer.Arg{Lambda: len(p.Args), Body: func([]*types.Type) (*types.Type, error) { return result, nil }},
		udf.Lambda(func(...any) (any, error) { return c.value(result), nil })
}

func callOnce(t *testing.T, c *chance, f *udf.Function, m analyzer.Match, values []any) {
	t.Helper()
	out := vector.New(m.Returns)
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("%s of %v (%v): %v", f.Name, values, m.Params, p)
		}
	}()
	switch f.Kind {
	case analyzer.ScalarFunction:
		s, err := Registry().Scalar(&plan.Call{Name: f.Name, Params: m.Params, T: m.Returns}, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if v == nil && !s.Nulls {
				return
			}
		}
		v, err := s.Eval(values)
		if err == nil {
			out.Append(v)
			types.Text(v, m.Returns)
		}
	case analyzer.TableFunction:
		s, err := Registry().Table(&plan.TableCall{Name: f.Name, Params: m.Params, T: m.Returns}, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		rows, _ := s.Eval(values)
		for _, v := range rows {
			out.Append(v)
		}
	default:
		foldOnce(t, c, f.Name, m, values, out)
	}
}

// foldOnce adds a row twice, stores the accumulator and loads it again, takes the row back if that can be, and merges.
func foldOnce(t *testing.T, c *chance, name string, m analyzer.Match, values []any, out *vector.Vector) {
	t.Helper()
	n := len(values) - m.Init
	call := &plan.AggregateCall{Name: name, Params: m.Params, Args: make([]plan.Expr, n), T: m.Returns}
	for i, v := range values[n:] {
		call.Init = append(call.Init, plan.Literal{Value: v, T: m.Params[n+i]})
	}
	agg, err := Registry().Aggregate(call, testEnv)
	if err != nil {
		return // a bad constant
	}
	fold := &udf.Fold{Rows: []int32{0, 0}, Group: []int32{0, 1}}
	for i, v := range values[:n] {
		col := vector.New(m.Params[i])
		col.Append(v)
		fold.Args = append(fold.Args, col)
	}
	s := udf.NewState(agg.State())
	agg.Init(s)
	agg.Init(s)
	_ = agg.Fold(s, fold, out)
	stored := udf.NewState(agg.State())
	for g := range 2 {
		for i, col := range s {
			v := vector.New(col.Type)
			col.AppendTo(v, g)
			if g == 0 {
				stored[i].AppendFrom(v, 0)
			} else {
				stored[i].Append(col.Value(g))
			}
		}
	}
	if agg.CanUndo() {
		fold.Undo = []bool{true, false}
		_ = agg.Fold(stored, fold, nil)
	}
	_ = agg.Merge(stored, 0, stored, 1)
	agg.Result(stored, []int32{0, 1}, out)
	for row := range out.Len() {
		_ = fmt.Sprint(types.Text(out.Value(row), m.Returns))
	}
}
