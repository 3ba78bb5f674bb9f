package format

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

var (
	jsonFormat = plan.Format{Name: "JSON"}
	asKey      = Options{Key: true}
)

func TestJSONCoercion(t *testing.T) {
	address := types.StructOf(types.Field{Name: "CITY", Type: types.String}, types.Field{Name: "zip", Type: types.Int})
	for _, c := range []struct {
		typ  *types.Type
		text string
		want any // error: refused
	}{
		{types.Boolean, `true`, true},
		{types.Boolean, `"true"`, errNumeric},
		{types.Boolean, `1`, errNumeric},
		{types.Int, `-12`, int32(-12)},
		{types.Int, `"+12"`, int32(12)},
		{types.Int, `12.9`, int32(12)},
		{types.Int, `1.5e3`, int32(1500)},
		{types.Int, `2147483647`, int32(math.MaxInt32)},
		{types.Int, `2147483648`, errRange},
		{types.Int, `true`, errRange},
		{types.Int, `" 1"`, errNumeric},
		{types.Int, `""`, errNumeric},
		{types.Bigint, `9223372036854775807`, int64(math.MaxInt64)},
		{types.Bigint, `-9223372036854775808`, int64(math.MinInt64)},
		{types.Bigint, `9223372036854775808`, errRange},
		{types.Bigint, `1e30`, errRange},
		{types.Bigint, `1e999999999`, errRange},
		{types.Double, `0.1`, 0.1},
		{types.Double, `-0`, math.Copysign(0, -1)},
		{types.Double, `123456789012345678901234567890`, 123456789012345678901234567890.0},
		{types.Double, `9007199254740993`, 9007199254740992.0},
		{types.Double, `4.9E-324`, 5e-324},
		{types.Double, `" 1.5d "`, 1.5},
		{types.Double, `"Infinity"`, math.Inf(1)},
		{types.Double, `"0x1p3"`, errNumeric},
		{types.Double, `"1_0"`, errNumeric},
		{types.Double, `1e999`, errRange},
		{types.DecimalOf(4, 2), `1.5`, dec("1.50")},
		{types.DecimalOf(4, 2), `"1.500"`, dec("1.50")},
		{types.DecimalOf(4, 2), `1.505`, errRange},
		{types.DecimalOf(4, 2), `100`, errRange},
		{types.DecimalOf(38, 0), `99999999999999999999999999999999999999`, dec("99999999999999999999999999999999999999")},
		{types.DecimalOf(4, 2), `"x"`, errNumeric},
		{types.String, `"a\n\u00e9\ud83d\ude00\ud800x"`, "a\né😀\uFFFDx"},
		{types.String, `12`, "12"},
		{types.String, `-0`, "0"},
		{types.String, `1.50`, "1.50"},
		{types.String, `1e5`, "1E+5"},
		{types.String, `1.5e-9`, "1.5E-9"},
		{types.String, `0.0000001`, "1E-7"},
		{types.String, `0.000001`, "0.000001"},
		{types.String, `12e-1`, "1.2"},
		{types.String, `false`, "false"},
		{types.String, `{ "a" : [1, {"b":"x\"\u0001"}], "c":1.0e1 }`, `{"a":[1,{"b":"x\"\u0001"}],"c":10}`},
		{types.String, `["a", 1, null, {"b": 2}, [3]]`, `[a, 1, null, {"b":2}, [3]]`},
		{types.Bytes, `"aGk="`, []byte("hi")},
		{types.Bytes, `"aGk\u003d"`, []byte("hi")},
		{types.Bytes, `"?"`, errNumeric},
		{types.Bytes, `1`, errNumeric},
		{types.Date, `19000`, int32(19000)},
		{types.Date, `"19000"`, int32(19000)},
		{types.Time, `86400000`, int32(86400000)},
		{types.Time, `86400001`, errRange},
		{types.Time, `-1`, errRange},
		{types.Timestamp, `1700000000000`, int64(1700000000000)},
		{types.ArrayOf(types.Int), `[1,"2",null]`, []any{int32(1), int32(2), nil}},
		{types.ArrayOf(types.Int), `[]`, []any{}},
		{types.ArrayOf(types.Int), `{}`, errNumeric},
		{types.ArrayOf(types.Int), `[1,"x"]`, errNumeric},
		{types.MapOf(types.String, types.Int), `{"b":1,"a":null,"b":3}`, types.Map{{Key: "b", Value: int32(3)}, {Key: "a"}}},
		{types.MapOf(types.String, types.Int), `[]`, errNumeric},
		{address, `{"city":"x","City":"y","zip":1,"ZIP":2}`, []any{"y", int32(1)}},
		{address, `{"CITY":"x","city":"y"}`, []any{"x", nil}},
		{address, `{}`, []any{nil, nil}},
		{address, `[]`, errNumeric},
		{types.ArrayOf(address), `[{"zip":null}]`, []any{[]any{nil, nil}}},
	} {
		for _, wrap := range []bool{false, true} {
			payload := c.text
			if wrap {
				payload = ` { "v" : ` + c.text + ` } `
			}
			got, err := one(t, plan.Format{Name: "JSON", Wrap: &wrap}, c.typ, payload, Options{})
			if _, refused := c.want.(error); refused {
				if err == nil {
					t.Errorf("%s from %s: got %v, want an error", c.typ, payload, got)
				}
			} else if err != nil || !same(got, c.want) {
				t.Errorf("%s from %s: got %v (%v), want %v", c.typ, payload, got, err, c.want)
			}
		}
	}
}

func TestJSONSyntax(t *testing.T) {
	bad := []string{
		``, ` `, `{`, `}`, `{"V"}`, `{"V":}`, `{"V":1,}`, `{"V":1 "W":2}`, `{V:1}`, `{"V":01}`, `{"V":1.}`, `{"V":.5}`, `{"V":1e}`,
		`{"V":+1}`, `{"V":-}`, `{"V":nul}`, `{"V":NaN}`, `{"V":1}x`, `{"V":1}{}`, `{"V":"a` + "\x01" + `"}`, `{"V":"\x"}`, `{"V":"\u12g4"}`,
		`{"V":"` + "\xff" + `"}`, `{"W":"` + "\xc3" + `"}`, `{"V":"a}`, `{"W":[1,]}`, `{"W":[1}`, `{"W":{"a":1,}}`, `/**/{}`, `{'V':1}`, `[1]`, `1`,
		`{"` + "\xff" + `":1}`, "\ufeff{}",
	}
	for _, payload := range bad {
		if v, err := one(t, jsonFormat, types.String, payload, Options{}); err == nil || errors.Is(err, ErrNull) {
			t.Errorf("%q: got %v (%v), want an error", payload, v, err)
		}
	}
	deep := `{"W":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`
	if _, err := one(t, jsonFormat, types.String, deep, Options{}); err == nil {
		t.Error("200 levels were read")
	}
	if _, err := one(t, jsonFormat, types.String, deep, Options{MaxDepth: 201}); err != nil {
		t.Error(err)
	}
	if _, err := one(t, jsonFormat, types.String, `{"V":"123456"}`, Options{MaxSize: 10}); err == nil {
		t.Error("a payload over the limit was read")
	}
	for _, payload := range []string{`null`, " null\n"} {
		for _, opts := range []Options{{}, asKey} {
			if _, err := one(t, jsonFormat, types.String, payload, opts); !errors.Is(err, ErrNull) {
				t.Errorf("%q: got %v, want ErrNull", payload, err)
			}
		}
	}
}

func TestJSONNames(t *testing.T) {
	cols, dest := columns(col("ID", types.Int), col("id", types.Int), Column{Name: "SKIPPED", Type: types.Int, Target: Skip},
		col("GRÖẞE", types.Int))
	d := decoder(t, jsonFormat, cols, Options{})
	for _, c := range []struct {
		payload string
		want    [3]any
	}{
		{`{"id":1}`, [3]any{int32(1), int32(1), nil}},
		{`{"ID":1}`, [3]any{int32(1), nil, nil}},
		{`{"Id":1,"skipped":"not read","x":{}}`, [3]any{int32(1), nil, nil}},
		{`{"ID":1,"id":2}`, [3]any{int32(1), int32(2), nil}},
		{`{"id":2,"ID":null}`, [3]any{nil, int32(2), nil}},
		{`{"ID":"no","ID":3}`, [3]any{int32(3), nil, nil}},
		{`{"\u0049D":4,"größe":0,"GRÖẞE":5}`, [3]any{int32(4), nil, int32(5)}},
		{`{}`, [3]any{}},
	} {
		// Twice, so that the second time goes by the guesses that the first left.
		for range 2 {
			for _, v := range dest {
				v.Reset()
			}
			if err := d.Decode([]byte(c.payload), dest); err != nil {
				t.Fatalf("%s: %v", c.payload, err)
			}
			for i, want := range c.want {
				if got := dest[i].Value(0); got != want {
					t.Errorf("%s: column %s is %v, want %v", c.payload, cols[i].Name, got, want)
				}
			}
		}
	}
}

func TestJSONRollback(t *testing.T) {
	cols, dest := columns(col("A", types.String), col("B", types.Boolean), col("C", types.ArrayOf(types.Int)), col("D", types.Double),
		col("E", types.Bigint), col("F", types.Int))
	d := decoder(t, jsonFormat, cols, Options{})
	good := []byte(`{"A":"x","B":true,"C":[1],"D":1.5,"E":1,"F":2}`)
	bad := []byte(`{"A":null,"B":null,"C":[2],"D":null,"E":3,"F":"x"}`)
	for _, payload := range [][]byte{good, bad, good} {
		_ = d.Decode(payload, dest) // the second one fails
	}
	for i, v := range dest {
		if v.Len() != 2 || v.IsNull(0) || v.IsNull(1) {
			t.Errorf("column %s: %d elements, nulls %v", cols[i].Name, v.Len(), v.Nulls)
		}
	}
}

func TestJSONEncode(t *testing.T) {
	nested := types.StructOf(types.Field{Name: "A", Type: types.ArrayOf(types.DecimalOf(4, 2))},
		types.Field{Name: "m", Type: types.MapOf(types.String, types.Bytes)})
	cols := []Column{
		col("B", types.Boolean), col("I", types.Int), col("L", types.Bigint), col("D", types.Double), col(`S"`, types.String),
		col("X", types.Bytes), col("DT", types.Date), col("TS", types.Timestamp), col("N", nested), col("Z", types.Int),
	}
	got := row(t, jsonFormat, cols, Options{}, true, int32(-1), int64(1)<<60, 1e10, "a\"\\\n\x01é\xff", []byte("hi"), int32(3), int64(4),
		[]any{[]any{dec("1.50"), nil}, types.Map{{Key: "k", Value: []byte{1}}}}, nil)
	want := `{"B":true,"I":-1,"L":1152921504606846976,"D":1.0E10,"S\"":"a\"\\\n\u0001é�","X":"aGk=","DT":3,"TS":4,` +
		`"N":{"A":[1.50,null],"m":{"k":"AQ=="}},"Z":null}`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	single := []Column{col("V", types.Double)}
	for _, c := range []struct {
		wrap  *bool
		key   bool
		value any
		want  string
	}{
		{nil, false, 1.0, `{"V":1.0}`},
		{nil, true, 1.0, `1.0`},
		{new(bool), false, math.NaN(), `"NaN"`},
		{new(bool), false, nil, `<null>`},
		{nil, false, nil, `{"V":null}`},
		{nil, true, nil, `<null>`},
	} {
		if got := row(t, plan.Format{Name: "JSON", Wrap: c.wrap}, single, Options{Key: c.key}, c.value); got != c.want {
			t.Errorf("%v wrap %v key %v: got %s, want %s", c.value, c.wrap, c.key, got, c.want)
		}
	}
}

// TestJSONNested: elements are written alike whether they are boxed or lie column by column.
func TestJSONNested(t *testing.T) {
	v := vector.New(types.StructOf(types.Field{Name: "L\"", Type: types.ArrayOf(types.Double)}, types.Field{Name: "M", Type: types.MapOf(types.String, types.Bigint)},
		types.Field{Name: "S", Type: types.String}))
	n := v.Nest(3, 1, nil)
	list, byKey := n.Parts[0].Nest(3, 3, nil).Parts[0], n.Parts[1].Nest(3, 2, []any{"a", "b\n"}).Parts[0]
	for i := range 9 {
		list.Append([]any{1.5, math.NaN(), nil, 1e10, math.Inf(-1)}[i%5])
	}
	for i := range 6 {
		byKey.Append(int64(i))
	}
	for range 3 {
		n.Parts[2].AppendString("é\"")
	}
	v.Nulls = v.Nulls.Set(1)
	boxed := vector.New(v.Type)
	for r := range 3 {
		boxed.AppendFrom(v, r)
		if got, want := string(AppendJSON(nil, v, r)), string(AppendJSON(nil, boxed, r)); got != want || boxed.Nested != nil {
			t.Errorf("row %d: got %s, want %s", r, got, want)
		}
	}
}

func TestAppendDouble(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0.0", 1: "1.0", 100: "100.0", 0.001: "0.001", 0.00099: "9.9E-4", 1e7: "1.0E7", 9999999: "9999999.0", 1e-5: "1.0E-5",
		1.7976931348623157e308: "1.7976931348623157E308", 5e-324: "4.9E-324", -123.456: "-123.456", 2e23: "2.0E23", 1.5e100: "1.5E100",
	} {
		if got := string(types.AppendDouble(nil, f)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
