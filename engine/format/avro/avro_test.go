package avro

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	oracle "github.com/twmb/avro"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

func columns(fields ...types.Field) ([]Column, []*vector.Vector) {
	var cols []Column
	var dest []*vector.Vector
	for i, f := range fields {
		cols = append(cols, Column{f.Name, f.Type, i})
		dest = append(dest, vector.New(f.Type))
	}
	return cols, dest
}

func parse(t testing.TB, text string) *Schema {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// decode reads what the library wrote of a value.
func decode(t *testing.T, schema string, value any, fields ...types.Field) ([]any, error) {
	t.Helper()
	b, err := oracle.MustParse(schema).Encode(value)
	if err != nil {
		t.Fatal(err)
	}
	cols, dest := columns(fields...)
	r, err := NewReader(parse(t, schema), cols, false, 64)
	if err != nil {
		return nil, err
	}
	if err := r.Decode(b, dest); err != nil {
		return nil, err
	}
	var out []any
	for _, v := range dest {
		if v.Len() != 1 {
			t.Fatalf("%d elements", v.Len())
		}
		out = append(out, v.Value(0))
	}
	return out, nil
}

func f(name string, t *types.Type) types.Field { return types.Field{Name: name, Type: t} }

const wide = `{"type":"record","name":"r","fields":[
	{"name":"b","type":"boolean"},{"name":"i","type":["null","int"]},{"name":"l","type":"long"},{"name":"x","type":"float"},
	{"name":"d","type":"double"},{"name":"s","type":["string","null"]},{"name":"y","type":"bytes"},
	{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"h","type":{"type":"fixed","name":"H","size":2}},
	{"name":"a","type":{"type":"array","items":["null","int"]}},{"name":"m","type":{"type":"map","values":"string"}},
	{"name":"r","type":{"type":"record","name":"In","fields":[{"name":"p","type":"int"},{"name":"q","type":["null","In"]}]}},
	{"name":"u","type":["null","int","string"]},
	{"name":"day","type":{"type":"int","logicalType":"date"}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
	{"name":"dec","type":{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}}]}`

func wideValue() map[string]any {
	return map[string]any{
		"b": true, "i": nil, "l": int64(math.MinInt64), "x": float32(1.1), "d": -0.5, "s": "é", "y": []byte{0, 255}, "e": "B", "h": []byte{1, 2},
		"a": []any{1, nil, -3}, "m": map[string]any{"k": "v"}, "r": map[string]any{"p": 7, "q": map[string]any{"p": 8, "q": nil}},
		"u": "text", "day": int32(-1), "at": int64(1700000000123), "dec": []byte{0xff, 0x85},
	}
}

// TestDecode: columns of every kind, in an order of their own, from the bytes of another implementation.
func TestDecode(t *testing.T) {
	got, err := decode(t, wide, wideValue(),
		f("DEC", types.DecimalOf(8, 3)), f("AT", types.Timestamp), f("DAY", types.Date), f("U", types.StructOf(f("int", types.Int), f("string", types.String))),
		f("R", types.StructOf(f("Q", types.StructOf(f("P", types.Bigint))), f("NONE", types.Int), f("P", types.String))), f("M", types.MapOf(types.String, types.String)),
		f("A", types.ArrayOf(types.Bigint)), f("H", types.Bytes), f("E", types.String), f("Y", types.Bytes), f("S", types.String), f("D", types.Double),
		f("X", types.String), f("L", types.Bigint), f("I", types.Int), f("B", types.String), f("MISSING", types.Int))
	if err != nil {
		t.Fatal(err)
	}
	want := []any{
		"-1.230", int64(1700000000123), int32(-1),
		[]any{nil, "text"},
		[]any{[]any{int64(8)}, nil, "7"},
		types.Map{{Key: "k", Value: "v"}},
		[]any{int64(1), nil, int64(-3)},
		[]byte{1, 2},
		"B",
		[]byte{0, 255},
		"é", -0.5, "1.1", int64(math.MinInt64), nil, "true", nil,
	}
	got[0] = got[0].(types.Decimal).String()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%#v, want\n%#v", got, want)
	}
	skipped, err := decode(t, wide, wideValue(), f("DEC", types.DecimalOf(6, 2)))
	if err != nil || skipped[0].(types.Decimal).String() != "-1.23" {
		t.Errorf("behind skipped fields: %v, %v", skipped, err)
	}
}

// TestMismatch: what a column cannot take is said when the reader is made, or, in a union, when the value comes.
func TestMismatch(t *testing.T) {
	for _, c := range []types.Field{
		f("L", types.Int), f("S", types.Bigint), f("B", types.Int), f("I", types.Double), f("A", types.String), f("M", types.ArrayOf(types.String)),
		f("R", types.Int), f("DEC", types.Bytes), f("Y", types.DecimalOf(4, 2)), f("D", types.Bigint),
	} {
		cols, _ := columns(c)
		if _, err := NewReader(parse(t, wide), cols, false, 64); err == nil {
			t.Errorf("%s as %s was let through", c.Name, c.Type)
		}
	}
	if _, err := decode(t, wide, wideValue(), f("U", types.Int)); err == nil {
		t.Error("a string of a union became an INTEGER")
	}
	if _, err := decode(t, wide, wideValue(), f("DEC", types.DecimalOf(4, 1))); err == nil {
		t.Error("a decimal lost digits")
	}
}

// TestParse: names and namespaces resolve, and what is no schema is refused.
func TestParse(t *testing.T) {
	s := parse(t, `{"type":"record","name":"a.R","fields":[{"name":"x","type":{"type":"enum","name":"E","symbols":["S"]}},{"name":"y","type":"E"},{"name":"z","type":["null","a.E"]}]}`)
	if s.Name() != "a.R" || s.fields[0].schema != s.fields[1].schema || s.fields[0].schema.name != "a.E" {
		t.Errorf("%+v", s)
	}
	for _, bad := range []string{
		``, `{}`, `"foo"`, `7`, `[]`, `[["int"]]`, `{"type":"record","name":"r"}`, `{"type":"record","fields":[]}`, `{"type":"fixed","name":"f"}`,
		`{"type":"array"}`, `{"type":"record","name":"r","fields":[{"name":"a","type":{"type":"enum","name":"r","symbols":[]}}]}`,
		strings.Repeat(`{"type":`, 200) + `"int"` + strings.Repeat(`}`, 200),
	} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%.60s was let through", bad)
		}
	}
}

var everything = []types.Field{
	f("B", types.Boolean), f("I", types.Int), f("L", types.Bigint), f("D", types.Double), f("S", types.String), f("Y", types.Bytes),
	f("DEC", types.DecimalOf(20, 3)), f("DAY", types.Date), f("T", types.Time), f("AT", types.Timestamp), f("A", types.ArrayOf(types.DecimalOf(5, 1))),
	f("M", types.MapOf(types.String, types.StructOf(f("X", types.Int), f("Y", types.ArrayOf(types.String))))), f("a.b", types.Int),
}

// random makes a value of a type.
func random(r *rand.Rand, t *types.Type) any {
	if r.IntN(6) == 0 {
		return nil
	}
	switch t.Kind {
	case types.KindBoolean:
		return r.IntN(2) == 0
	case types.KindInt, types.KindDate:
		return int32(r.Uint32())
	case types.KindTime:
		return r.Int32N(86_400_000)
	case types.KindBigint, types.KindTimestamp:
		return int64(r.Uint64())
	case types.KindDouble:
		return r.NormFloat64()
	case types.KindString:
		return fmt.Sprint("é", r.IntN(100))
	case types.KindBytes:
		return []byte{byte(r.Uint32()), 0}[:r.IntN(3)]
	case types.KindDecimal:
		max := int64(math.Pow10(min(t.Precision, 18)))
		return types.NewDecimal(r.Int64N(2*max-1)-max+1, t.Scale)
	case types.KindArray:
		out := []any{}
		for range r.IntN(4) {
			out = append(out, random(r, t.Elem))
		}
		return out
	case types.KindMap:
		out := types.Map{}
		for i := range r.IntN(3) {
			out = append(out, types.MapEntry{Key: fmt.Sprint(i), Value: random(r, t.Elem)})
		}
		return out
	}
	var out []any
	for _, f := range t.Fields {
		out = append(out, random(r, f.Type))
	}
	return out
}

// TestRoundTrip: what is written by a derived schema reads back the same, and the library, too, reads it as that schema says.
func TestRoundTrip(t *testing.T) {
	text, err := Derive(everything, "", false)
	if err != nil {
		t.Fatal(err)
	}
	lib, err := oracle.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	cols, in := columns(everything...)
	_, out := columns(everything...)
	r, err := NewReader(parse(t, text), cols, false, 64)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(parse(t, text), cols, false)
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for row := range 500 {
		for i, v := range in {
			v.Append(random(rnd, everything[i].Type))
		}
		b, err := w.Append(nil, in, row)
		if err != nil {
			t.Fatal(err)
		}
		var generic any
		if rest, err := lib.Decode(b, &generic); err != nil || len(rest) > 0 {
			t.Fatalf("the library cannot read %x: %v", b, err)
		}
		again, err := lib.Encode(generic)
		if err != nil || string(again) != string(b) {
			t.Fatalf("the library writes %x for %x (%v)", again, b, err)
		}
		if err := r.Decode(b, out); err != nil {
			t.Fatal(err)
		}
		for i := range in {
			if a, b := fmt.Sprint(in[i].Value(row)), fmt.Sprint(out[i].Value(row)); a != b {
				t.Fatalf("column %s: %s became %s", everything[i].Name, a, b)
			}
		}
	}
}

// TestDerive holds names and forms to what ksqlDB writes.
func TestDerive(t *testing.T) {
	got, err := Derive([]types.Field{f("A", types.Int), f("s", types.StructOf(f("M", types.MapOf(types.String, types.Int))))}, "", false)
	want := `{"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema","fields":[{"default":null,"name":"A","type":["null","int"]},` +
		`{"default":null,"name":"s","type":["null",{"connect.name":"io.confluent.ksql.avro_schemas.KsqlDataSourceSchema_s","fields":[{"default":null,"name":"M",` +
		`"type":["null",{"connect.internal.type":"Map","items":{"connect.internal.type":"MapEntry","fields":[{"default":null,"name":"key","type":["null","string"]},` +
		`{"default":null,"name":"value","type":["null","int"]}],"name":"KsqlDataSourceSchema_s_M","namespace":"io.confluent.ksql.avro_schemas","type":"record"},"type":"array"}]}],` +
		`"name":"KsqlDataSourceSchema_s","namespace":"io.confluent.ksql.avro_schemas","type":"record"}]}],"name":"KsqlDataSourceSchema","namespace":"io.confluent.ksql.avro_schemas","type":"record"}`
	if err != nil || got != want {
		t.Errorf("got\n%s\nwant\n%s (%v)", got, want, err)
	}
	if bare, err := Derive([]types.Field{f("A", types.Bigint)}, "", true); err != nil || bare != `"long"` {
		t.Errorf("bare: %s, %v", bare, err)
	}
	for _, name := range []string{"a b", "1a", "", "ä"} {
		if _, err := Derive([]types.Field{f(name, types.Int)}, "", false); err == nil {
			t.Errorf("field %q was let through", name)
		}
	}
	if _, err := Derive([]types.Field{f("a.b", types.Int), f("a_b", types.Int)}, "", false); err == nil {
		t.Error("two fields of one name were let through")
	}
}

// TestDefaults: a schema of others fills in what columns lack.
func TestDefaults(t *testing.T) {
	schema := `{"type":"record","name":"r","fields":[{"name":"n","type":"int","default":100},{"name":"o","type":["null","string"],"default":null},
		{"name":"v","type":"long"},{"name":"m","type":{"type":"map","values":"double"},"default":{"a":1.5}},{"name":"b","type":"bytes","default":"\u00ff"},
		{"name":"q","type":["null","int"]}]}`
	cols, in := columns(f("V", types.Int), f("n", types.Int))
	w, err := NewWriter(parse(t, strings.ReplaceAll(schema, `"v"`, `"V"`)), cols, false)
	if err != nil {
		t.Fatal(err)
	}
	in[0].Append(int32(5))
	in[0].Append(nil)
	in[1].Append(nil)
	in[1].Append(nil)
	b, err := w.Append(nil, in, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	if _, err := oracle.MustParse(strings.ReplaceAll(schema, `"v"`, `"V"`)).Decode(b, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"n": int32(100), "o": nil, "V": int64(5), "m": map[string]any{"a": 1.5}, "b": []byte{0xff}, "q": nil}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v", got)
	}
	if b, err := w.Append([]byte{9}, in, 1); err == nil || len(b) != 1 {
		t.Errorf("NULL in a field without a default: %x, %v", b, err)
	}
	if _, err := NewWriter(parse(t, `{"type":"record","name":"r","fields":[]}`), cols, false); err == nil {
		t.Error("columns without a field were let through")
	}
}

// FuzzDecode: hostile bytes neither crash the decoder nor make it build more than they pay for, and what it reads the writer writes.
func FuzzDecode(f *testing.F) {
	b, err := oracle.MustParse(wide).Encode(wideValue())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	text, err := Derive(everything, "", false)
	if err != nil {
		f.Fatal(err)
	}
	cols, dest := columns(everything...)
	r, err := NewReader(parse(f, text), cols, false, 32)
	if err != nil {
		f.Fatal(err)
	}
	w, err := NewWriter(parse(f, text), cols, false)
	if err != nil {
		f.Fatal(err)
	}
	skip, err := NewReader(parse(f, wide), nil, false, 32)
	if err != nil {
		f.Fatal(err)
	}
	in := make([]*vector.Vector, len(everything))
	for i, e := range everything {
		in[i] = vector.New(e.Type)
		in[i].Append(random(rand.New(rand.NewPCG(3, uint64(i))), e.Type))
	}
	if b, err = w.Append(nil, in, 0); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, payload []byte) {
		_ = skip.Decode(payload, nil) // it must only come back
		for _, v := range dest {
			v.Reset()
		}
		if r.Decode(payload, dest) != nil {
			return
		}
		first, err := w.Append(nil, dest, 0)
		if err != nil {
			t.Fatalf("%x does not write: %v", payload, err)
		}
		for _, v := range dest {
			v.Reset()
		}
		if err := r.Decode(first, dest); err != nil {
			t.Fatalf("%x does not read back: %v", first, err)
		}
		if second, _ := w.Append(nil, dest, 0); string(second) != string(first) {
			t.Fatalf("%x became %x", first, second)
		}
	})
}

// FuzzParse: whatever parses can be asked for columns and be read by.
func FuzzParse(f *testing.F) {
	f.Add(wide)
	f.Add(`{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		s.Connect()
		if r, err := NewReader(s, nil, true, 32); err == nil {
			_ = r.Decode([]byte{2, 4, 2, 0, 0, 0}, nil)
		}
	})
}
