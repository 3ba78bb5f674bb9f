package format

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// benchRecords are 256 records of about 316 bytes with 14 members, of which benchColumns wants 6.
func benchRecords() [][]byte {
	countries := []string{"NL", "US", "DE", "FR", "JP"}
	out := make([][]byte, 256)
	for i := range out {
		out[i] = fmt.Appendf(nil, `{"id":%d,"user":"user_%05d","ts":%d,"country":"%s","session":"s-%08x-%08x","amount":%d.%02d,`+
			`"page":"/products/%d/view?ref=home","agent":"Mozilla/5.0 (X11; Linux x86_64) Gecko/2010","ip":"10.%d.%d.%d","score":%g,`+
			`"ok":%v,"qty":%d,"note":null,"tag":"alpha-beta-gamma-delta"}`,
			int64(i)*1000003, i%5000, 1700000000000+int64(i)*17, countries[i%5], i*7919, i*104729, i%1000, i%100,
			i%977, i%256, (i/3)%256, (i/7)%256, float64(i%991)/7.0, i%2 == 0, i%13)
	}
	return out
}

func benchColumns() []Column {
	skip := func(name string, t *types.Type) Column { return Column{Name: name, Type: t, Target: Skip} }
	return []Column{
		col("ID", types.Bigint), skip("USER", types.String), col("TS", types.Timestamp), col("COUNTRY", types.String), skip("SESSION", types.String),
		col("AMOUNT", types.Double), col("PAGE", types.String), skip("AGENT", types.String), skip("IP", types.String), col("SCORE", types.Double),
		skip("OK", types.Boolean), skip("QTY", types.Int), skip("NOTE", types.String), skip("TAG", types.String),
	}
}

func benchDecode(b *testing.B, f plan.Format, cols []Column, dest []*vector.Vector, records [][]byte) {
	d := decoder(b, f, cols, Options{})
	size := 0
	for _, r := range records {
		size += len(r)
	}
	b.SetBytes(int64(size / len(records)))
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
}

func BenchmarkJSONDecode(b *testing.B) {
	cols, dest := columns(benchColumns()...)
	benchDecode(b, jsonFormat, cols, dest, benchRecords())
}

func BenchmarkJSONDecodeAll(b *testing.B) {
	all := benchColumns()
	for i := range all {
		all[i].Target = 0
	}
	cols, dest := columns(all...)
	benchDecode(b, jsonFormat, cols, dest, benchRecords())
}

// BenchmarkJSONDecodeStd is what encoding/json needs for the same columns.
func BenchmarkJSONDecodeStd(b *testing.B) {
	records := benchRecords()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var r struct {
			ID, TS        int64
			Country, Page string
			Amount, Score float64
		}
		if err := json.Unmarshal(records[i%len(records)], &r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONDecodeNested(b *testing.B) {
	bid := types.StructOf(types.Field{Name: "AUCTION", Type: types.Bigint}, types.Field{Name: "PRICE", Type: types.Bigint},
		types.Field{Name: "CHANNEL", Type: types.String})
	cols, dest := columns(col("BID", bid))
	benchDecode(b, jsonFormat, cols, dest, [][]byte{[]byte(`{"event_type":2,"bid":{"auction":1000,"bidder":2001,"price":12345,"channel":"Google"}}`)})
}

func BenchmarkDelimitedDecode(b *testing.B) {
	cols, dest := columns(col("ID", types.Bigint), col("NAME", types.String), col("SCORE", types.Double), col("NOTE", types.String))
	benchDecode(b, delimitedBy(""), cols, dest, [][]byte{[]byte(`1700000000,user_00017,12.875,"a, quoted one"`)})
}

// BenchmarkKafkaDecode is a key as most topics have it: one number.
func BenchmarkKafkaDecode(b *testing.B) {
	cols, dest := columns(col("ID", types.Bigint))
	benchDecode(b, plan.Format{Name: "KAFKA"}, cols, dest, [][]byte{{0, 0, 0, 0, 0, 1, 0xe2, 0x40}})
}

func benchEncode(b *testing.B, f plan.Format) {
	cols, dest := columns(benchColumns()...)
	d := decoder(b, jsonFormat, cols, Options{})
	records := benchRecords()
	for _, r := range records {
		if err := d.Decode(r, dest); err != nil {
			b.Fatal(err)
		}
	}
	var wanted []Column
	for _, c := range cols {
		if c.Target != Skip {
			wanted = append(wanted, c)
		}
	}
	e := encoder(b, f, wanted, Options{})
	var buf []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var err error
		if buf, err = e.Append(buf[:0], dest, i%len(records)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONEncode(b *testing.B)      { benchEncode(b, jsonFormat) }
func BenchmarkDelimitedEncode(b *testing.B) { benchEncode(b, delimitedBy("")) }

// TestNoAllocation holds the decoder to what the design counts on.
func TestNoAllocation(t *testing.T) {
	cols, dest := columns(benchColumns()...)
	d := decoder(t, jsonFormat, cols, Options{})
	records := benchRecords()
	decodeAll := func() {
		for _, v := range dest {
			v.Reset()
		}
		for _, r := range records {
			if err := d.Decode(r, dest); err != nil {
				t.Fatal(err)
			}
		}
	}
	decodeAll()
	if n := testing.AllocsPerRun(20, decodeAll); n > 0 {
		t.Errorf("%v allocations for %d flat records, want none", n, len(records))
	}
}
