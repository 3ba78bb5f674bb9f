package codec

import (
	"bytes"
	"cmp"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

var columns = []*types.Type{
	types.Boolean, types.Int, types.Bigint, types.Double, types.DecimalOf(20, 2), types.String, types.Bytes, types.Date, types.Time, types.Timestamp,
	types.ArrayOf(types.String), types.MapOf(types.String, types.Int),
	types.StructOf(types.Field{Name: "A", Type: types.Bigint}, types.Field{Name: "B", Type: types.ArrayOf(types.Double)}),
}

// random makes a boxed value; small sets of values, so that equal ones and equal prefixes happen.
func random(r *rand.Rand, t *types.Type) any {
	if r.IntN(6) == 0 {
		return nil
	}
	switch t.Kind {
	case types.KindBoolean:
		return r.IntN(2) == 0
	case types.KindInt, types.KindDate, types.KindTime:
		return []int32{0, 1, -1, 255, 256, math.MinInt32, math.MaxInt32, int32(r.Uint32())}[r.IntN(8)]
	case types.KindBigint, types.KindTimestamp:
		return []int64{0, 1, -1, 255, 256, math.MinInt64, math.MaxInt64, int64(r.Uint64())}[r.IntN(8)]
	case types.KindDouble:
		return []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64, r.NormFloat64()}[r.IntN(8)]
	case types.KindDecimal:
		text := []string{"0.00", "1.00", "-1.00", "2.55", "-2.56", "123456789012345678.99", "-123456789012345678.99"}[r.IntN(7)]
		d, err := types.ParseDecimal(text)
		if err != nil {
			panic(err)
		}
		return d
	case types.KindString:
		return string(randomBytes(r))
	case types.KindBytes:
		return randomBytes(r)
	case types.KindArray:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, random(r, t.Elem))
		}
		return list
	case types.KindMap:
		m := types.Map{}
		for _, k := range []string{"", "a", "b"}[:r.IntN(4)] {
			m = append(m, types.MapEntry{Key: k, Value: random(r, t.Elem)})
		}
		return m
	}
	list := make([]any, len(t.Fields))
	for i, f := range t.Fields {
		list[i] = random(r, f.Type)
	}
	return list
}

func randomBytes(r *rand.Rand) []byte {
	b := make([]byte, r.IntN(4))
	for i := range b {
		b[i] = []byte{0, 1, 2, 'a', 254, 255}[r.IntN(6)]
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	key, row := NewKey(columns), NewRow(columns)
	for range 5000 {
		values := make([]any, len(columns))
		vectors := make([]*vector.Vector, len(columns))
		for i, c := range columns {
			values[i] = random(r, c)
			vectors[i] = vector.New(c)
			vectors[i].Append(random(r, c))
			vectors[i].Append(values[i])
		}
		encoded := row.AppendValues(nil, values)
		if flat := row.Append(nil, vectors, 1); !bytes.Equal(flat, encoded) {
			t.Fatalf("row %v: %x from vectors, %x from values", values, flat, encoded)
		}
		back, err := row.DecodeValues(encoded)
		if err != nil || !reflect.DeepEqual(back, values) {
			t.Fatalf("row %v came back as %v, %v", values, back, err)
		}
		if err := row.Decode(encoded, vectors); err != nil {
			t.Fatal(err)
		}
		encoded = key.AppendValues(nil, values)
		if flat := key.Append(nil, vectors, 2); !bytes.Equal(flat, encoded) {
			t.Fatalf("key %v: %x from decoded vectors, %x from values", values, flat, encoded)
		}
		back, rest, err := key.DecodeValues(append(encoded, "tail"...))
		if err != nil || string(rest) != "tail" || !reflect.DeepEqual(back, values) {
			t.Fatalf("key %v came back as %v, %q, %v", values, back, rest, err)
		}
	}
}

// compare is the order that keys promise, by kind.
func compare(t *types.Type, a, b any) int {
	switch {
	case a == nil || b == nil:
		return cmp.Compare(bit(a != nil), bit(b != nil))
	case t.Kind == types.KindBoolean:
		return cmp.Compare(bit(a.(bool)), bit(b.(bool)))
	}
	switch x := a.(type) {
	case int32:
		return cmp.Compare(x, b.(int32))
	case int64:
		return cmp.Compare(x, b.(int64))
	case float64:
		y := b.(float64)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(bit(math.Signbit(y)), bit(math.Signbit(x))))
	case types.Decimal:
		return x.Cmp(b.(types.Decimal))
	case string:
		return cmp.Compare(x, b.(string))
	case []byte:
		return bytes.Compare(x, b.([]byte))
	}
	x, y := a.([]any), b.([]any)
	for i := range min(len(x), len(y)) {
		elem := t.Elem
		if t.Kind == types.KindStruct {
			elem = t.Fields[i].Type
		}
		if c := compare(elem, x[i], y[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

func TestKeyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50_000 {
		i, j := r.IntN(len(columns)), r.IntN(len(columns))
		if columns[i].Kind == types.KindMap || columns[j].Kind == types.KindMap {
			continue // maps have no order, only an identity
		}
		k := NewKey([]*types.Type{columns[i], columns[j]})
		a := []any{random(r, columns[i]), random(r, columns[j])}
		b := []any{random(r, columns[i]), random(r, columns[j])}
		want := cmp.Or(compare(columns[i], a[0], b[0]), compare(columns[j], a[1], b[1]))
		if got := bytes.Compare(k.AppendValues(nil, a), k.AppendValues(nil, b)); got != want {
			t.Fatalf("%v against %v: %d, want %d", a, b, got, want)
		}
	}
}

func TestMapKeyIgnoresEntryOrder(t *testing.T) {
	k := NewKey([]*types.Type{types.MapOf(types.String, types.Int)})
	a := k.AppendValues(nil, []any{types.Map{{Key: "a", Value: int32(1)}, {Key: "b", Value: nil}}})
	b := k.AppendValues(nil, []any{types.Map{{Key: "b", Value: nil}, {Key: "a", Value: int32(1)}}})
	if !bytes.Equal(a, b) {
		t.Errorf("%x and %x", a, b)
	}
}

func TestVersion(t *testing.T) {
	encoded := NewRow(columns[:1]).AppendValues(nil, []any{true})
	encoded[0] = 9
	if _, err := NewRow(columns[:1]).DecodeValues(encoded); err == nil {
		t.Error("version 9 was read")
	}
}

// FuzzDecode: whatever a disk gives back, decoding ends with values or an error; values encode again.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	key, row := NewKey(columns), NewRow(columns)
	for range 20 {
		values := make([]any, len(columns))
		for i, c := range columns {
			values[i] = random(r, c)
		}
		f.Add(row.AppendValues(nil, values))
		f.Add(key.AppendValues(nil, values))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if values, err := row.DecodeValues(src); err == nil {
			if again, err := row.DecodeValues(row.AppendValues(nil, values)); err != nil {
				t.Errorf("%v then %v: %v", values, again, err)
			}
		}
		if values, _, err := key.DecodeValues(src); err == nil {
			if _, _, err := key.DecodeValues(key.AppendValues(nil, values)); err != nil {
				t.Errorf("%v: %v", values, err)
			}
		}
	})
}

func BenchmarkRow(b *testing.B) {
	cols := []*types.Type{types.Bigint, types.Double, types.Bigint}
	vs := make([]*vector.Vector, len(cols))
	for i, c := range cols {
		vs[i] = vector.New(c)
	}
	c := NewRow(cols)
	encoded := c.AppendValues(nil, []any{int64(1), 2.0, int64(3)})
	var buf []byte
	b.ReportAllocs()
	for range b.N {
		for _, v := range vs {
			v.Reset()
		}
		if err := c.Decode(encoded, vs); err != nil {
			b.Fatal(err)
		}
		buf = c.Append(buf[:0], vs, 0)
	}
}
