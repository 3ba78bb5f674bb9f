package format

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// FuzzJSON holds the scanner against encoding/json: both take the same texts (ours also insists on UTF-8), and what plain
// strings and numbers of wanted members decode to is the same.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","B":12,"C":1.5e-3}`, `{"A":null,"a":"\ud83d\ude00","c":-0.0}`, `[1,2,{"x":[]}]`, `{"B":9223372036854775807}`, `"\u00zz"`,
		`{"":"","A":"é` + "\xff" + `"}`, "\n{ \"b\"\t: 1 } ", `{"A":{"b":[1.50,true,null,"\\\""]}}`, `01`, `-`, `1e400`,
	} {
		f.Add([]byte(seed))
	}
	cols, dest := columns(col("A", types.String), col("B", types.Bigint), col("C", types.Double))
	d := decoder(f, jsonFormat, cols, Options{MaxDepth: 5000})
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, end, err := scanValue(payload, skipSpace(payload, 0), 5000)
		if err == nil {
			err = scanEnd(payload, end)
		}
		if valid := json.Valid(payload) && utf8.Valid(payload); valid != (err == nil) {
			t.Fatalf("%q: valid is %v, scanned with %v", payload, valid, err)
		}
		for _, v := range dest {
			v.Reset()
		}
		if d.Decode(payload, dest) != nil {
			for i, v := range dest {
				if v.Len() != 0 {
					t.Fatalf("%q: column %d has elements after an error", payload, i)
				}
			}
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(payload, &want); err != nil {
			t.Fatalf("%q: %v", payload, err)
		}
		for i, c := range cols {
			raw, ok := want[c.Name]
			if !ok {
				raw = want[string(c.Name[0]|0x20)]
			}
			compare(t, payload, dest[i].Value(0), c.Type, raw)
		}
	})
}

func compare(t *testing.T, payload []byte, got any, typ *types.Type, raw json.RawMessage) {
	if raw == nil || string(raw) == "null" {
		if got != nil {
			t.Fatalf("%q: got %v, want NULL", payload, got)
		}
		return
	}
	switch c := raw[0]; {
	case typ.Kind == types.KindString && c == '"':
		var want string
		if err := json.Unmarshal(raw, &want); err != nil || got != want {
			t.Fatalf("%q: got %q, want %q (%v)", payload, got, want, err)
		}
	case typ.Kind == types.KindBigint && (c == '-' || c-'0' <= 9):
		if want, err := strconv.ParseInt(string(raw), 10, 64); err == nil && got != want {
			t.Fatalf("%q: got %v, want %v", payload, got, want)
		}
	case typ.Kind == types.KindDouble && (c == '-' || c-'0' <= 9):
		want, err := strconv.ParseFloat(string(raw), 64)
		if err != nil || math.Float64bits(got.(float64)) != math.Float64bits(want) {
			t.Fatalf("%q: got %v, want %v (%v)", payload, got, want, err)
		}
	}
}

// FuzzJSONNested: whatever decodes into nested types encodes to JSON that decodes to the same.
func FuzzJSONNested(f *testing.F) {
	f.Add([]byte(`{"v":{"a":[1.5,null],"m":{"x":"y","":null},"s":{"q":1},"d":1.25,"b":"aGk="}}`))
	typ := types.StructOf(types.Field{Name: "A", Type: types.ArrayOf(types.Double)},
		types.Field{Name: "M", Type: types.MapOf(types.String, types.String)}, types.Field{Name: "S", Type: types.String},
		types.Field{Name: "D", Type: types.DecimalOf(10, 3)}, types.Field{Name: "B", Type: types.Bytes})
	cols, dest := columns(col("V", typ))
	d, e := decoder(f, jsonFormat, cols, Options{}), encoder(f, jsonFormat, cols, Options{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		dest[0].Reset()
		if d.Decode(payload, dest) != nil {
			return
		}
		first, err := e.Append(nil, dest, 0)
		if err != nil || !json.Valid(first) {
			t.Fatalf("%q encodes to %q (%v)", payload, first, err)
		}
		if err := d.Decode(first, dest); err != nil {
			t.Fatalf("%q does not read back: %v", first, err)
		}
		if second, _ := e.Append(nil, dest, 1); string(second) != string(first) {
			t.Fatalf("%q became %q", first, second)
		}
	})
}

// FuzzDelimited: a line that decodes encodes to one that decodes to the same.
func FuzzDelimited(f *testing.F) {
	for _, seed := range []string{"a,1", "\"a,\"\"b\",2", "a,", ",\n", "\" a\"  ,3\r\nx"} {
		f.Add([]byte(seed))
	}
	cols, dest := columns(col("A", types.String), col("B", types.Double))
	form := plan.Format{Name: "DELIMITED"}
	d, e := decoder(f, form, cols, Options{}), encoder(f, form, cols, Options{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, v := range dest {
			v.Reset()
		}
		if d.Decode(payload, dest) != nil {
			return
		}
		first, err := e.Append(nil, dest, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(first, dest); err != nil {
			t.Fatalf("%q -> %q does not read back: %v", payload, first, err)
		}
		if second, _ := e.Append(nil, dest, 1); string(second) != string(first) {
			t.Fatalf("%q became %q", first, second)
		}
	})
}

// FuzzKafka: bytes that are read as one of Kafka's own types are written as the same bytes; others are refused.
func FuzzKafka(f *testing.F) {
	for kind, seed := range []string{"\x00\x00\x00\x01", "\xff\xff\xff\xff\xff\xff\xff\xff", "@\t!\xfbTD-\x18", "text", "\x00"} {
		f.Add(uint8(kind), []byte(seed))
	}
	kinds := []*types.Type{types.Int, types.Bigint, types.Double, types.String, types.Bytes}
	form := plan.Format{Name: "KAFKA"}
	f.Fuzz(func(t *testing.T, kind uint8, payload []byte) {
		cols, dest := columns(col("A", kinds[int(kind)%len(kinds)]))
		if decoder(t, form, cols, Options{}).Decode(payload, dest) != nil || dest[0].IsNull(0) {
			return
		}
		if dest[0].Type == types.Double && math.IsNaN(dest[0].F64[0]) {
			return // there are many NaNs; any may come back
		}
		if cols[0].Type == types.String && !utf8.Valid(payload) {
			return // TestKafka: what is no UTF-8 is read as Java reads it
		}
		out, err := encoder(t, form, cols, Options{}).Append(nil, dest, 0)
		if err != nil || !bytes.Equal(out, payload) {
			t.Fatalf("%x as %s became %x, %v", payload, cols[0].Type, out, err)
		}
	})
}
