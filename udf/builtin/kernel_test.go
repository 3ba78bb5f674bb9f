package builtin

import (
	"math/rand/v2"
	"testing"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// Every column form gives, for every row, what its row form gives: over flat and const arguments, NULL ones, and selections with gaps.
func TestRowsGiveWhatCallGives(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	compared := map[string]int{}
	for _, name := range Registry().Names() {
		f, _ := Registry().Function(name)
		for i := range f.Overloads {
			if f.Overloads[i].Rows == nil {
				continue
			}
			for range 40 {
				c := &chance{r: r, vars: map[string]*types.Type{}}
				compared[name] += compareRows(t, c, f, f.Overloads[i].Parsed())
			}
		}
	}
	if len(compared) < 40 {
		t.Errorf("%d functions have a column form", len(compared))
	}
	for name, n := range compared {
		if n < 200 {
			t.Errorf("%s: %d rows compared", name, n)
		}
	}
}

// compareRows evaluates one random call both ways and returns how many rows it compared.
func compareRows(t *testing.T, c *chance, f *udf.Function, s *udf.Signature) int {
	t.Helper()
	const n = 70
	var args []analyzer.Arg
	var vecs []*vector.Vector
	for j, p := range s.Params {
		copies := 1
		if j == s.Variadic {
			copies = c.r.IntN(3)
		}
		typ := c.concrete(p.Type)
		for range copies {
			v := &vector.Vector{Type: typ, Const: c.r.IntN(3) == 0}
			for range n {
				if v.Append(c.value(typ)); v.Const {
					break
				}
			}
			args, vecs = append(args, analyzer.Arg{Type: typ}), append(vecs, v)
		}
	}
	m, err := Registry().Resolve(f.Name, args)
	if err != nil {
		return 0 // a random choice may be ambiguous
	}
	call, err := Registry().Scalar(&plan.Call{Name: f.Name, Params: m.Params, T: m.Returns}, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	if call.Rows == nil {
		return 0
	}
	var rows []int32
	for row := range int32(n) {
		if c.r.IntN(4) > 0 && (call.Nulls || !anyNull(vecs, int(row))) {
			rows = append(rows, row)
		}
	}
	failed := map[int]string{}
	out := prepared(m.Returns, n)
	call.Rows(call.Call, vecs, rows, out, func(row int, err error) {
		out.Nulls, failed[row] = out.Nulls.Set(row), err.Error()
	})
	if k := out.Type.Kind; k == types.KindString || k == types.KindBytes {
		out.PadTo(n)
	}
	for _, row := range rows {
		compareRow(t, f.Name, call, vecs, int(row), out, failed[int(row)])
	}
	return len(rows)
}

func anyNull(vecs []*vector.Vector, row int) bool {
	for _, v := range vecs {
		if v.IsNull(row) {
			return true
		}
	}
	return false
}

// prepared is a result vector as udf.Rows wants it.
func prepared(t *types.Type, n int) *vector.Vector {
	v := vector.New(t)
	if t.Kind == types.KindString || t.Kind == types.KindBytes {
		return v
	}
	for range n {
		v.AppendNull()
	}
	v.Nulls = v.Nulls[:0]
	return v
}

func compareRow(t *testing.T, name string, call *udf.Scalar, vecs []*vector.Vector, row int, out *vector.Vector, failed string) {
	t.Helper()
	values := make([]any, len(vecs))
	for i, v := range vecs {
		values[i] = v.Value(row)
	}
	want, err := call.Eval(values)
	message := ""
	if err != nil {
		want, message = nil, err.Error()
	}
	got := out.Value(row)
	if types.Text(got, out.Type) != types.Text(want, out.Type) || (got == nil) != (want == nil) || failed != message {
		t.Fatalf("%s%v of row %d: the columns give %v (%s), the row %v (%s)", name, values, row, got, failed, want, message)
	}
}
