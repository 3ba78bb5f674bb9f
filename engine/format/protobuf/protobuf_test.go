package protobuf

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

func f(name string, t *types.Type) types.Field { return types.Field{Name: name, Type: t} }

func columns(fields ...types.Field) ([]Column, []*vector.Vector) {
	var cols []Column
	var dest []*vector.Vector
	for i, f := range fields {
		cols = append(cols, Column{f.Name, f.Type, i})
		dest = append(dest, vector.New(f.Type))
	}
	return cols, dest
}

func messageOf(t testing.TB, text, name string) protoreflect.MessageDescriptor {
	t.Helper()
	file, err := Parse(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Message(file, name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// decode reads what the library wrote of a message's JSON.
func decode(t *testing.T, m protoreflect.MessageDescriptor, json, nullable string, fields ...types.Field) ([]any, error) {
	t.Helper()
	msg := dynamicpb.NewMessage(m)
	if err := protojson.Unmarshal([]byte(json), msg); err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(msg)
	if err != nil {
		t.Fatal(err)
	}
	cols, dest := columns(fields...)
	r, err := NewReader(m, cols, nullable, false, 32)
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

const wide = `syntax = "proto3";
package p;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/type/date.proto";
import "google/type/timeofday.proto";
message First { int32 x = 1; }
message Wide {
  enum E { ZERO = 0; ONE = 1; }
  message In { int32 p = 1; In q = 2; }
  sint32 si = 1; sint64 sl = 2; fixed32 fi = 3; sfixed64 fl = 4; uint32 ui = 5; float x = 6; double d = 7; bool b = 8;
  string s = 9; bytes y = 10; E e = 11; In r = 12; repeated sint32 a = 13; repeated string as = 14; map<string, In> m = 15;
  optional int32 o = 16; google.protobuf.Int64Value w = 17; google.protobuf.Timestamp at = 18; google.type.Date day = 19;
  google.type.TimeOfDay t = 20; repeated E es = 300; oneof choice { int32 c1 = 21; string c2 = 22; } map<int32, bool> mi = 23;
}`

func TestDecode(t *testing.T) {
	m := messageOf(t, wide, "p.Wide")
	full := `{"si":-5,"sl":"-6","fi":4000000000,"fl":"-7","ui":4000000000,"x":1.5,"d":-0.25,"b":true,"s":"é","y":"AP8=","e":"ONE",
		"r":{"p":1,"q":{"p":2}},"a":[1,-2],"as":["x",""],"m":{"k":{"p":3}},"o":0,"w":"9","at":"2023-11-14T22:13:20.123Z",
		"day":{"year":1969,"month":12,"day":31},"t":{"hours":1,"seconds":2,"nanos":3000000},"es":["ONE","ZERO"],"c2":"c","mi":{"1":true}}`
	fields := []types.Field{
		f("SI", types.Int), f("SL", types.Bigint), f("FI", types.Bigint), f("FL", types.Bigint), f("UI", types.String), f("X", types.Double),
		f("D", types.Double), f("B", types.Boolean), f("S", types.String), f("Y", types.Bytes), f("E", types.String),
		f("R", types.StructOf(f("Q", types.StructOf(f("P", types.Bigint))), f("P", types.Int))), f("A", types.ArrayOf(types.Bigint)),
		f("AS", types.ArrayOf(types.String)), f("M", types.MapOf(types.String, types.StructOf(f("P", types.Int)))), f("O", types.Int),
		f("W", types.Bigint), f("AT", types.Timestamp), f("DAY", types.Date), f("T", types.Time), f("ES", types.ArrayOf(types.String)),
		f("C1", types.Int), f("C2", types.String), f("MI", types.MapOf(types.String, types.Boolean)), f("NONE", types.Int),
	}
	got, err := decode(t, m, full, Wrapper, fields...)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{
		int32(-5), int64(-6), int64(4000000000), int64(-7), "4000000000", 1.5, -0.25, true, "é",
		[]byte{0, 255},
		"ONE",
		[]any{[]any{int64(2)}, int32(1)},
		[]any{int64(1), int64(-2)},
		[]any{"x", ""},
		types.Map{{Key: "k", Value: []any{int32(3)}}},
		int32(0), int64(9), int64(1700000000123), int32(-1),
		int32(3602003),
		[]any{"ONE", "ZERO"},
		nil, "c",
		types.Map{{Key: "1", Value: true}},
		nil,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%#v, want\n%#v", got, want)
	}
	got, err = decode(t, m, `{}`, Wrapper, fields...)
	want = []any{
		int32(0), int64(0), int64(0), int64(0), "0", 0.0, 0.0, false, "",
		[]byte{},
		"ZERO", nil,
		[]any{},
		[]any{},
		types.Map{},
		nil, nil, nil, nil, nil,
		[]any{},
		nil, nil,
		types.Map{},
		nil,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("an empty message: %#v, %v; want %#v", got, err, want)
	}
}

// TestLastWins: a field that comes twice counts once, an unpacked list is a list, a field of another wire type is unknown.
func TestLastWins(t *testing.T) {
	m := messageOf(t, wide, "Wide")
	cols, dest := columns(f("SI", types.Int), f("A", types.ArrayOf(types.Int)), f("S", types.String))
	r, err := NewReader(m, cols, "", false, 32)
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte{1 << 3, 2, 13 << 3, 2, 1 << 3, 4, 13 << 3, 4, 9 << 3, 7}
	if err := r.Decode(payload, dest); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(dest[0].Value(0), dest[1].Value(0), dest[2].Value(0)); got != "2 [1 2]" {
		t.Errorf("got %q", got)
	}
}

func TestMismatch(t *testing.T) {
	m := messageOf(t, wide, "Wide")
	for _, c := range []types.Field{
		f("S", types.Int), f("R", types.String), f("A", types.Int), f("M", types.ArrayOf(types.Int)), f("AT", types.Date),
	} {
		cols, _ := columns(c)
		if _, err := NewReader(m, cols, "", false, 32); err == nil {
			t.Errorf("%s as %s was read", c.Name, c.Type)
		}
		if _, err := NewWriter(m, cols, "", false); err == nil {
			t.Errorf("%s as %s was written", c.Name, c.Type)
		}
	}
}

// TestWidth: a number is read into what holds all of its kind, and written where it fits.
func TestWidth(t *testing.T) {
	m := messageOf(t, wide, "Wide")
	for _, name := range []string{"SL", "UI"} {
		cols, _ := columns(f(name, types.Int))
		if _, err := NewReader(m, cols, "", false, 32); err == nil {
			t.Errorf("%s was read as INTEGER", name)
		}
	}
	cols, in := columns(f("UI", types.Bigint))
	w, err := NewWriter(m, cols, "", false)
	if err != nil {
		t.Fatal(err)
	}
	in[0].Append(int64(1) << 32)
	in[0].Append(int64(1)<<32 - 1)
	if b, err := w.Append([]byte{9}, in, 0); err == nil || len(b) != 1 {
		t.Errorf("a number was cut off: %x", b)
	}
	if _, err := w.Append(nil, in, 1); err != nil {
		t.Error(err)
	}
}

func TestMessage(t *testing.T) {
	file, err := Parse(wide, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Message(file, ""); !errors.Is(err, ErrSeveral) {
		t.Errorf("without a name: %v", err)
	}
	if _, err := Message(file, "Other"); !errors.Is(err, ErrNoMessage) {
		t.Errorf("an unknown name: %v", err)
	}
	in, err := Message(file, "p.Wide.In")
	if err != nil {
		t.Fatal(err)
	}
	path := Indexes(in)
	if back, err := At(file, path); err != nil || back != in || fmt.Sprint(path) != "[1 0]" {
		t.Errorf("path %v leads to %v, %v", path, back, err)
	}
	if _, err := At(file, []int{1, 7}); err == nil {
		t.Error("a path that leads nowhere was followed")
	}
	for _, bad := range []string{"", "message", `syntax = "proto3"; import "nothing.proto";`, `syntax = "proto3"; message M { X x = 1; }`} {
		if file, err := Parse(bad, nil); err == nil && file.Messages().Len() > 0 {
			t.Errorf("%q was let through", bad)
		}
	}
}

var everything = []types.Field{
	f("B", types.Boolean), f("I", types.Int), f("L", types.Bigint), f("D", types.Double), f("S", types.String), f("Y", types.Bytes),
	f("DEC", types.DecimalOf(18, 3)), f("DAY", types.Date), f("T", types.Time), f("AT", types.Timestamp), f("A", types.ArrayOf(types.Int)),
	f("AD", types.ArrayOf(types.DecimalOf(5, 1))), f("AS", types.ArrayOf(types.StructOf(f("X", types.Int)))),
	f("M", types.MapOf(types.String, types.StructOf(f("X", types.Int), f("Y", types.ArrayOf(types.String))))),
}

func random(r *rand.Rand, t *types.Type, null bool) any {
	if null && r.IntN(5) == 0 {
		return nil
	}
	switch t.Kind {
	case types.KindBoolean:
		return r.IntN(2) == 0
	case types.KindInt:
		return int32(r.Uint32())
	case types.KindDate:
		return r.Int32N(2_000_000) - 700_000
	case types.KindTime:
		return r.Int32N(86_400_000)
	case types.KindBigint:
		return int64(r.Uint64())
	case types.KindTimestamp:
		return r.Int64N(1<<45) - 1<<44
	case types.KindDouble:
		return r.NormFloat64()
	case types.KindString:
		return fmt.Sprint("é", r.IntN(100))
	case types.KindBytes:
		return []byte{byte(r.Uint32()), 0}[:r.IntN(3)]
	case types.KindDecimal:
		return types.NewDecimal(r.Int64N(100_000)-50_000, t.Scale)
	case types.KindArray:
		out := []any{}
		for range r.IntN(4) {
			out = append(out, random(r, t.Elem, false))
		}
		return out
	case types.KindMap:
		out := types.Map{}
		for i := range r.IntN(3) {
			out = append(out, types.MapEntry{Key: fmt.Sprint(i), Value: random(r, t.Elem, false)})
		}
		return out
	}
	var out []any
	for _, f := range t.Fields {
		out = append(out, random(r, f.Type, null))
	}
	return out
}

// TestRoundTrip: what is written by a derived schema reads back the same, NULL where the schema keeps it; and the library reads the same
// message, with nothing unknown in it.
func TestRoundTrip(t *testing.T) {
	for _, nullable := range []string{"", Optional, Wrapper} {
		text, err := Derive(everything, "", nullable)
		if err != nil {
			t.Fatal(err)
		}
		m := messageOf(t, text, "")
		cols, in := columns(everything...)
		_, out := columns(everything...)
		r, err := NewReader(m, cols, nullable, false, 32)
		if err != nil {
			t.Fatal(err)
		}
		w, err := NewWriter(m, cols, nullable, false)
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		for row := range 300 {
			for i, v := range in {
				k := everything[i].Type.Kind
				v.Append(random(rnd, everything[i].Type, nullable != "" && k != types.KindArray && k != types.KindMap))
			}
			b, err := w.Append(nil, in, row)
			if err != nil {
				t.Fatal(err)
			}
			msg := dynamicpb.NewMessage(m)
			if err := proto.Unmarshal(b, msg); err != nil || len(msg.GetUnknown()) > 0 {
				t.Fatalf("%q: the library cannot read %x: %v", nullable, b, err)
			}
			if err := r.Decode(b, out); err != nil {
				t.Fatal(err)
			}
			for i := range in {
				if a, b := fmt.Sprint(in[i].Value(row)), fmt.Sprint(out[i].Value(row)); a != b {
					t.Fatalf("%q: column %s: %s became %s", nullable, everything[i].Name, a, b)
				}
			}
		}
	}
}

// TestNull: without a form of its own NULL is not written.
func TestNull(t *testing.T) {
	fields := []types.Field{f("I", types.Int), f("S", types.String), f("A", types.ArrayOf(types.Int)), f("R", types.StructOf(f("X", types.Int)))}
	text, err := Derive(fields, "n.Name", "")
	if err != nil {
		t.Fatal(err)
	}
	m := messageOf(t, text, "n.Name")
	cols, in := columns(fields...)
	for _, v := range in {
		v.AppendNull()
	}
	w, err := NewWriter(m, cols, "", false)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := w.Append(nil, in, 0); err != nil || len(b) != 0 {
		t.Errorf("NULLs became %x, %v", b, err)
	}
}

func TestDerive(t *testing.T) {
	got, err := Derive([]types.Field{f("A", types.Int), f("S", types.StructOf(f("D", types.DecimalOf(4, 2))))}, "", "")
	want := `syntax = "proto3";

import "confluent/meta.proto";
import "confluent/type/decimal.proto";
message ConnectDefault1 {
  int32 A = 1;
  ConnectDefault2 S = 2;
  message ConnectDefault2 {
    .confluent.type.Decimal D = 1 [(confluent.field_meta) = { params: [{ key: "precision", value: "4" }, { key: "scale", value: "2" }] }];
  }
}
`
	if err != nil || got != want {
		t.Errorf("got\n%s(%v)", got, err)
	}
	for _, bad := range []types.Field{f("a b", types.Int), f("A", types.ArrayOf(types.ArrayOf(types.Int))), f("A", types.MapOf(types.String, types.ArrayOf(types.Int)))} {
		if _, err := Derive([]types.Field{bad}, "", ""); err == nil {
			t.Errorf("%s %s was let through", bad.Name, bad.Type)
		}
	}
}

// FuzzDecode: hostile bytes do not crash the decoder, and what it reads the writer writes.
func FuzzDecode(fz *testing.F) {
	text, err := Derive(everything, "", Optional)
	if err != nil {
		fz.Fatal(err)
	}
	m := messageOf(fz, text, "")
	cols, dest := columns(everything...)
	r, err := NewReader(m, cols, Optional, false, 16)
	if err != nil {
		fz.Fatal(err)
	}
	w, err := NewWriter(m, cols, Optional, false)
	if err != nil {
		fz.Fatal(err)
	}
	in := make([]*vector.Vector, len(everything))
	for i, e := range everything {
		in[i] = vector.New(e.Type)
		in[i].Append(random(rand.New(rand.NewPCG(3, uint64(i))), e.Type, false))
	}
	b, err := w.Append(nil, in, 0)
	if err != nil {
		fz.Fatal(err)
	}
	fz.Add(b)
	fz.Add([]byte{8, 1, 16, 255, 255, 255, 255, 15})
	fz.Fuzz(func(t *testing.T, payload []byte) {
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
