package format

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// flaky is a registry that may be down.
type flaky struct {
	registry.Memory
	down bool
}

func (f *flaky) ByID(id int) (registry.Schema, error) {
	if f.down {
		return registry.Schema{}, fmt.Errorf("schema %d: %w", id, registry.ErrUnavailable)
	}
	return f.Memory.ByID(id)
}

var registeredFormats = []string{"AVRO", "PROTOBUF", "JSON_SR"}

// TestRegistered: each format writes a header with its schema's number and reads what it wrote.
func TestRegistered(t *testing.T) {
	for _, name := range registeredFormats {
		var reg registry.Memory
		f, opts := plan.Format{Name: name}, Options{Schemas: &reg, Topic: "t"}
		cols, in := columns(col("A", types.Int), col("B", types.ArrayOf(types.String)), col("C", types.DecimalOf(5, 2)))
		_, out := columns(cols...)
		in[0].Append(int32(-7))
		in[1].Append([]any{"x", "é"})
		in[2].Append(dec("1.50"))
		b, err := encoder(t, f, cols, opts).Append([]byte("before"), in, 0)
		if err != nil {
			t.Fatal(err)
		}
		id, _, err := reg.Latest("t-value")
		if err != nil || b[6] != 0 || int(binary.BigEndian.Uint32(b[7:])) != id {
			t.Errorf("%s: %x does not begin with the number %d of its schema (%v)", name, b, id, err)
		}
		if err := decoder(t, f, cols, opts).Decode(b[6:], out); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range in {
			if !same(in[i].Value(0), out[i].Value(0)) {
				t.Errorf("%s: %v became %v", name, in[i].Value(0), out[i].Value(0))
			}
		}
		fields, err := Infer(f, opts, false)
		if err != nil || len(fields) != 3 || !types.Equal(fields[2].Type, cols[2].Type) || fields[1].Name != "B" {
			t.Errorf("%s: inferred %v, %v", name, fields, err)
		}
	}
}

// TestBroken: bytes without a header, with an unknown number, or with too little behind it, are errors that leave nothing behind.
func TestBroken(t *testing.T) {
	for _, name := range registeredFormats {
		var reg registry.Memory
		f, opts := plan.Format{Name: name}, Options{Schemas: &reg, Topic: "t"}
		cols, in := columns(col("A", types.Bigint), col("B", types.String))
		in[0].Append(int64(1) << 40)
		in[1].Append("text")
		whole, err := encoder(t, f, cols, opts).Append(nil, in, 0)
		if err != nil {
			t.Fatal(err)
		}
		bad := [][]byte{{}, {0}, {1, 0, 0, 0, 1, 0}, append([]byte{7}, whole[1:]...), whole[:len(whole)-2]}
		if name != "JSON_SR" { // whose text needs no schema
			bad = append(bad, append([]byte{0, 0, 0, 9, 9}, whole[5:]...))
		}
		_, out := columns(cols...)
		d := decoder(t, f, cols, opts)
		for _, b := range bad {
			if err := d.Decode(b, out); err == nil || errors.Is(err, registry.ErrUnavailable) {
				t.Errorf("%s: %x: %v", name, b, err)
			}
			if out[0].Len() != 0 || out[1].Len() != 0 {
				t.Fatalf("%s: %x left elements behind", name, b)
			}
		}
		if err := d.Decode(whole, out); err != nil {
			t.Errorf("%s: behind the broken ones: %v", name, err)
		}
	}
}

// TestOutage: a schema that cannot be asked for is asked for again, and is not held against the record.
func TestOutage(t *testing.T) {
	reg := &flaky{}
	f, opts := plan.Format{Name: "AVRO"}, Options{Schemas: reg, Topic: "t"}
	cols, in := columns(col("A", types.Int))
	in[0].Append(int32(1))
	b, err := encoder(t, f, cols, opts).Append(nil, in, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, out := columns(cols...)
	d := decoder(t, f, cols, opts)
	reg.down = true
	if err := d.Decode(b, out); !errors.Is(err, registry.ErrUnavailable) || out[0].Len() != 0 {
		t.Errorf("while it is down: %v", err)
	}
	reg.down = false
	if err := d.Decode(b, out); err != nil {
		t.Errorf("when it is back: %v", err)
	}
	reg.down = true
	if err := d.Decode(b, out); err != nil {
		t.Errorf("a schema that is known: %v", err)
	}
}

// TestEvolution: records of several schemas of a topic meet in the same columns, by name.
func TestEvolution(t *testing.T) {
	var reg registry.Memory
	opts := Options{Schemas: &reg, Topic: "t"}
	f := plan.Format{Name: "AVRO"}
	write := func(values []any, cols ...Column) []byte {
		cols, in := columns(cols...)
		for i, v := range values {
			in[i].Append(v)
		}
		b, err := encoder(t, f, cols, opts).Append(nil, in, 0)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	old := write([]any{int32(1), "a"}, col("id", types.Int), col("GONE", types.String))
	now := write([]any{"b", int64(2)}, col("NAME", types.String), col("ID", types.Bigint))
	cols, out := columns(col("ID", types.Bigint), col("NAME", types.String))
	d := decoder(t, f, cols, opts)
	for _, b := range [][]byte{old, now, old} {
		if err := d.Decode(b, out); err != nil {
			t.Fatal(err)
		}
	}
	got := fmt.Sprintln(out[0].Value(0), out[0].Value(1), out[0].Value(2), out[1].Value(0), out[1].Value(1), out[1].Value(2))
	if got != "1 2 1 <nil> b <nil>\n" {
		t.Errorf("got %s", got)
	}
}

// TestBareRegistered: a single column may stand alone, and its NULL is the record's.
func TestBareRegistered(t *testing.T) {
	no := false
	for _, name := range []string{"AVRO", "JSON_SR", "PROTOBUF_NOSR"} {
		for typ, value := range map[*types.Type]any{
			types.String: "", types.Bigint: int64(5), types.StructOf(types.Field{Name: "X", Type: types.Int}): []any{int32(3)}, types.ArrayOf(types.Int): []any{int32(1)},
		} {
			var reg registry.Memory
			f, opts := plan.Format{Name: name, Wrap: &no}, Options{Schemas: &reg, Topic: "t", Key: true}
			cols, in := columns(col("K", typ))
			_, out := columns(cols...)
			in[0].Append(value)
			in[0].AppendNull()
			e := encoder(t, f, cols, opts)
			b, err := e.Append(nil, in, 0)
			if err != nil {
				t.Fatalf("%s %s: %v", name, typ, err)
			}
			if err := decoder(t, f, cols, opts).Decode(b, out); err != nil || !same(out[0].Value(0), value) {
				t.Errorf("%s %s: got %v, %v", name, typ, out[0].Value(0), err)
			}
			if _, err := e.Append(nil, in, 1); !errors.Is(err, ErrNull) {
				t.Errorf("%s %s: NULL gives %v", name, typ, err)
			}
		}
	}
}

// TestSchemaByNumber: an encoder writes with the schema that is named, of several messages the one that is named.
func TestSchemaByNumber(t *testing.T) {
	var reg registry.Memory
	id := reg.Put("x", registry.Schema{Kind: registry.Protobuf, Text: `syntax = "proto3"; message One { int32 a = 1; } message Two { message In { string B = 7; } int32 a = 1; }`}, 40)
	f := plan.Format{Name: "PROTOBUF", Props: map[string]string{propSchemaID: "40", propSchemaName: "In"}}
	opts := Options{Schemas: &reg, Topic: "t"}
	cols, in := columns(col("B", types.String))
	_, out := columns(cols...)
	in[0].Append("x")
	b, err := encoder(t, f, cols, opts).Append(nil, in, 0)
	if want := string([]byte{0, 0, 0, 0, byte(id), 4, 2, 0, 7<<3 | 2, 1, 'x'}); err != nil || string(b) != want {
		t.Fatalf("got %x, want %x (%v)", b, want, err)
	}
	if err := decoder(t, f, cols, opts).Decode(b, out); err != nil || out[0].Value(0) != "x" {
		t.Errorf("got %v, %v", out[0].Value(0), err)
	}
	if _, err := NewEncoder(plan.Format{Name: "AVRO", Props: map[string]string{propSchemaID: "40"}}, cols, opts); err == nil {
		t.Error("a Protobuf schema was taken for AVRO")
	}
}

// TestRegister: a subject that has a schema keeps it where only missing ones are to be registered.
func TestRegister(t *testing.T) {
	var reg registry.Memory
	opts := Options{Schemas: &reg, Topic: "t"}
	cols, _ := columns(col("A", types.Int))
	f := plan.Format{Name: "AVRO"}
	first := reg.Put("t-value", registry.Schema{Kind: registry.Avro, Text: `"int"`}, 0)
	if err := Register(f, cols, opts, true); err != nil {
		t.Fatal(err)
	}
	if id, _, _ := reg.Latest("t-value"); id != first {
		t.Error("the subject got another schema")
	}
	if err := Register(f, cols, opts, false); err != nil {
		t.Fatal(err)
	}
	if id, _, _ := reg.Latest("t-value"); id == first {
		t.Error("the sink's schema was not registered")
	}
	if _, err := NewDecoder(f, cols, Options{}); err != nil {
		t.Errorf("a decoder needs the registry only when it reads: %v", err)
	}
	if _, err := NewEncoder(f, cols, Options{}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("an encoder without a registry: %v", err)
	}
}

// registeredRecords are the records of benchRecords in a format with a schema of all their fields.
func registeredRecords(tb testing.TB, name string, opts Options) [][]byte {
	all := benchColumns()
	for i := range all {
		all[i].Target = 0
	}
	cols, dest := columns(all...)
	d := decoder(tb, jsonFormat, cols, Options{})
	e := encoder(tb, plan.Format{Name: name}, cols, opts)
	var out [][]byte
	for i, r := range benchRecords() {
		if err := d.Decode(r, dest); err != nil {
			tb.Fatal(err)
		}
		b, err := e.Append(nil, dest, i)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func BenchmarkRegisteredDecode(b *testing.B) {
	for _, name := range append(registeredFormats, "PROTOBUF_NOSR") {
		b.Run(name, func(b *testing.B) {
			opts := Options{Schemas: &registry.Memory{}, Topic: "t"}
			records := registeredRecords(b, name, opts)
			cols, dest := columns(benchColumns()...)
			d, err := NewDecoder(plan.Format{Name: name}, cols, opts)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(records[0])))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%len(records) == 0 {
					for _, v := range dest {
						v.Reset()
					}
				}
				if err := d.Decode(records[i%len(records)], dest); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRegisteredEncode(b *testing.B) {
	for _, name := range append(registeredFormats, "PROTOBUF_NOSR") {
		b.Run(name, func(b *testing.B) {
			opts := Options{Schemas: &registry.Memory{}, Topic: "t"}
			all := benchColumns()
			for i := range all {
				all[i].Target = 0
			}
			cols, dest := columns(all...)
			d := decoder(b, jsonFormat, cols, Options{})
			for _, r := range benchRecords() {
				if err := d.Decode(r, dest); err != nil {
					b.Fatal(err)
				}
			}
			e := encoder(b, plan.Format{Name: name}, cols, opts)
			var buf []byte
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				var err error
				if buf, err = e.Append(buf[:0], dest, i%256); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestRegisteredNoAllocation holds the decoders to what the design counts on: nothing per record for flat schemas.
func TestRegisteredNoAllocation(t *testing.T) {
	for _, name := range append(registeredFormats, "PROTOBUF_NOSR") {
		opts := Options{Schemas: &registry.Memory{}, Topic: "t"}
		records := registeredRecords(t, name, opts)
		cols, dest := columns(benchColumns()...)
		d := decoder(t, plan.Format{Name: name}, cols, opts)
		all := func() {
			for _, v := range dest {
				v.Reset()
			}
			for _, r := range records {
				if err := d.Decode(r, dest); err != nil {
					t.Fatal(err)
				}
			}
		}
		all()
		if n := testing.AllocsPerRun(10, all); n > 0 {
			t.Errorf("%s: %v allocations for %d flat records, want none", name, n, len(records))
		}
	}
}

// FuzzRegistered: no bytes crash a decoder or leave elements behind when they are refused.
func FuzzRegistered(f *testing.F) {
	reg := &registry.Memory{}
	opts := Options{Schemas: reg, Topic: "t"}
	cols, in := columns(col("A", types.Bigint), col("B", types.String), col("C", types.MapOf(types.String, types.Int)), col("D", types.Timestamp))
	in[0].Append(int64(5))
	in[1].Append("x")
	in[2].Append(types.Map{{Key: "k", Value: int32(1)}})
	in[3].Append(int64(1700000000123))
	var decoders []Decoder
	for _, name := range append(registeredFormats, "PROTOBUF_NOSR") {
		opts.Topic = name
		b, err := encoder(f, plan.Format{Name: name}, cols, opts).Append(nil, in, 0)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		decoders = append(decoders, decoder(f, plan.Format{Name: name}, cols, opts))
	}
	_, dest := columns(cols...)
	f.Fuzz(func(t *testing.T, payload []byte) {
		for i, d := range decoders {
			for _, v := range dest {
				v.Reset()
			}
			want := 1
			if d.Decode(payload, dest) != nil {
				want = 0
			}
			for _, v := range dest {
				if v.Len() != want {
					t.Fatalf("decoder %d, %x: %d elements, want %d", i, payload, v.Len(), want)
				}
			}
		}
	})
}
