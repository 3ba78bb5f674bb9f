package builtin

import (
	"fmt"
	"testing"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// benchCall is a call to measure. An argument is a column's name, a text behind =, or another constant.
type benchCall struct {
	family, name string
	args         []any
}

// resolve finds the function and its arguments.
func (c *benchCall) resolve(tb testing.TB, cols map[string]*vector.Vector) (*udf.Scalar, []*vector.Vector) {
	tb.Helper()
	var args []analyzer.Arg
	var vecs []*vector.Vector
	for _, a := range c.args {
		v := benchArg(cols, a)
		args, vecs = append(args, analyzer.Arg{Type: v.Type}), append(vecs, v)
	}
	m, err := Registry().Resolve(c.name, args)
	if err != nil {
		tb.Fatal(err)
	}
	call, err := Registry().Scalar(&plan.Call{Name: c.name, Params: m.Params, T: m.Returns}, testEnv)
	if err != nil {
		tb.Fatal(err)
	}
	return call, vecs
}

// benched are calls of each family.
var benched = []benchCall{
	{"string", "UCASE", []any{"text"}},
	{"string", "TRIM", []any{"text"}},
	{"string", "LEN", []any{"text"}},
	{"string", "CONCAT", []any{"text", "=-", "text"}},
	{"string", "SUBSTRING", []any{"text", int32(3), int32(5)}},
	{"string", "REPLACE", []any{"text", "=a", "=bb"}},
	{"string", "SPLIT", []any{"text", "= "}},
	{"string", "MASK", []any{"text"}},
	{"math", "ABS", []any{"double"}},
	{"math", "ROUND", []any{"double"}},
	{"math", "FLOOR", []any{"double"}},
	{"math", "POWER", []any{"double", "double"}},
	{"conditional", "COALESCE", []any{"text", "=none"}},
	{"conditional", "IFNULL", []any{"double", 1.5}},
	{"date", "TIMESTAMPADD", []any{"unit", int32(5), "time"}},
	{"date", "UNIX_TIMESTAMP", []any{"time"}},
	{"date", "FORMAT_TIMESTAMP", []any{"time", "=yyyy-MM-dd HH:mm:ss"}},
	{"date", "PARSE_TIMESTAMP", []any{"day", "=yyyy-MM-dd"}},
	{"json", "EXTRACTJSONFIELD", []any{"json", "=$.a.b"}},
	{"json", "JSON_ARRAY_LENGTH", []any{"json"}},
	{"array", "ARRAY_CONTAINS", []any{"list", int32(3)}},
	{"array", "ARRAY_JOIN", []any{"list", "=,"}},
	{"map", "MAP_KEYS", []any{"map"}},
	{"regexp", "REGEXP_EXTRACT", []any{"=[a-z]+-([0-9]+)", "text", int32(1)}},
	{"regexp", "REGEXP_REPLACE", []any{"text", "=[0-9]", "=#"}},
	{"conversion", "TO_BYTES", []any{"text", "=utf8"}},
	{"conversion", "BIGINT_FROM_BYTES", []any{"bytes"}},
	{"url", "URL_EXTRACT_HOST", []any{"url"}},
	{"url", "URL_ENCODE_PARAM", []any{"text"}},
}

// benchRows is how many rows a batch has.
const benchRows = 256

func benchColumns() map[string]*vector.Vector {
	list, dict := types.ArrayOf(types.Int), types.MapOf(types.String, types.Int)
	cols := map[string]*vector.Vector{
		"text": vector.New(types.String), "double": vector.New(types.Double), "time": vector.New(types.Timestamp), "day": vector.New(types.String),
		"json": vector.New(types.String), "list": vector.New(list), "map": vector.New(dict), "bytes": vector.New(types.Bytes), "url": vector.New(types.String),
		"unit": vector.NewConst(&types.Type{Kind: types.KindIntervalUnit}, "HOURS"),
	}
	for i := range benchRows {
		cols["text"].AppendString(fmt.Sprintf(" name-%d of a Row ", i))
		cols["double"].Append(float64(i)/3 - 40)
		cols["time"].Append(int64(1700000000000 + i*77_777_777))
		cols["day"].AppendString(fmt.Sprintf("2024-%02d-%02d", i%12+1, i%28+1))
		cols["json"].AppendString(fmt.Sprintf(`{"x":[1,2,3],"a":{"c":true,"b":"value %d"}}`, i))
		cols["list"].Append([]any{int32(i), int32(2), int32(3), int32(4)})
		cols["map"].Append(types.Map{{Key: "a", Value: int32(i)}, {Key: "b", Value: int32(2)}})
		cols["bytes"].AppendBytes([]byte{0, 0, 0, 0, 0, 0, byte(i >> 8), byte(i)})
		cols["url"].AppendString(fmt.Sprintf("https://user@host-%d.example:8080/path?x=%d", i, i))
	}
	return cols
}

// benchArg is an argument as a vector.
func benchArg(cols map[string]*vector.Vector, a any) *vector.Vector {
	switch a := a.(type) {
	case string:
		if a[0] == '=' {
			return vector.NewConst(types.String, a[1:])
		}
		return cols[a]
	case float64:
		return vector.NewConst(types.Double, a)
	}
	return vector.NewConst(types.Int, a)
}

// BenchmarkFunctions measures each family of functions over batches: the column form where there is one, else row by row. Time and
// allocations are those of a row.
func BenchmarkFunctions(b *testing.B) {
	cols := benchColumns()
	rows := make([]int32, benchRows)
	for i := range rows {
		rows[i] = int32(i)
	}
	for _, c := range benched {
		call, vecs := c.resolve(b, cols)
		form := "rows"
		if call.Rows != nil {
			form = "columns"
		}
		b.Run(c.family+"/"+c.name+"/"+form, func(b *testing.B) {
			b.ReportAllocs()
			out := prepared(call.Call.Returns, benchRows)
			fail := func(row int, err error) { b.Fatal(row, err) }
			values := make([]any, len(vecs))
			for done := 0; b.Loop(); {
				if done++; done%benchRows != 1 {
					continue // a turn is a row: the batch was done at its first one
				}
				if call.Rows != nil {
					if len(out.Off) > 0 {
						out.Reset()
					}
					call.Rows(call.Call, vecs, rows, out, fail)
					continue
				}
				out.Reset()
				for _, row := range rows {
					for i, v := range vecs {
						values[i] = v.Value(int(row))
					}
					v, err := call.Eval(values)
					if err != nil {
						b.Fatal(err)
					}
					out.Append(v)
				}
			}
		})
	}
}

// TestColumnsDoNotAllocate holds the column forms over flat types to what the design counts on.
func TestColumnsDoNotAllocate(t *testing.T) {
	cols := benchColumns()
	rows := make([]int32, benchRows)
	for i := range rows {
		rows[i] = int32(i)
	}
	tried := 0
	for _, c := range benched {
		call, vecs := c.resolve(t, cols)
		if call.Rows == nil {
			continue
		}
		out := prepared(call.Call.Returns, benchRows)
		n := testing.AllocsPerRun(20, func() {
			if len(out.Off) > 0 {
				out.Reset()
			}
			call.Rows(call.Call, vecs, rows, out, func(int, error) {})
		})
		if n > 1 {
			t.Errorf("%s: %v allocations for %d rows", c.name, n, benchRows)
		}
		tried++
	}
	if tried < 10 {
		t.Errorf("%d functions have a column form", tried)
	}
}
