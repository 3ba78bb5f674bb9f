package format

import (
	"math"
	"testing"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

func delimitedBy(d string) plan.Format {
	return plan.Format{Name: "DELIMITED", Props: map[string]string{"DELIMITER": d}}
}

func TestDelimitedDecode(t *testing.T) {
	for _, c := range []struct {
		typ     *types.Type
		payload string
		want    any
	}{
		{types.String, `x,a`, "a"},
		{types.String, `x,`, nil},
		{types.String, `x,""`, nil},
		{types.String, `"x,y","a ""b"", c"`, `a "b", c`},
		{types.String, "x,\"a\nb\" \r\nnext,line", "a\nb"},
		{types.String, "\n\nx,a", "a"},
		{types.String, `x,a"b`, `a"b`},
		{types.String, "x, a ", " a "},
		{types.String, "x,\xff", "\uFFFD"},
		{types.Boolean, `x,TRUE`, true},
		{types.Boolean, `x,yes`, false},
		{types.Int, `x,"-5"`, int32(-5)},
		{types.Bigint, `x,12`, int64(12)},
		{types.Double, `x,1e3`, 1000.0},
		{types.DecimalOf(6, 4), `x,12.0`, dec("12.0000")},
		{types.Bytes, `x,aGk=`, []byte("hi")},
		{types.Date, `x,10`, int32(10)},
		{types.Timestamp, `x,10`, int64(10)},
		{types.Int, `x,1.5`, errNumeric},
		{types.Int, `x,2147483648`, errRange},
		{types.Double, `x,y`, errNumeric},
		{types.DecimalOf(2, 1), `x,1.55`, errNumeric},
		{types.String, `x`, errNumeric},
		{types.String, `x,a,`, errNumeric},
		{types.String, ``, errNumeric},
		{types.String, "\n", errNumeric},
		{types.String, `x,"a`, errNumeric},
		{types.String, `x,"a"b`, errNumeric},
	} {
		cols, dest := columns(col("K", types.String), col("V", c.typ))
		err := decoder(t, plan.Format{Name: "DELIMITED"}, cols, Options{}).Decode([]byte(c.payload), dest)
		if _, refused := c.want.(error); refused {
			if err == nil || dest[0].Len() != 0 || dest[1].Len() != 0 {
				t.Errorf("%q: %v, left %d and %d elements; want an error and none", c.payload, err, dest[0].Len(), dest[1].Len())
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.payload, err)
		} else if got := dest[1].Value(0); !same(got, c.want) {
			t.Errorf("%q: got %v, want %v", c.payload, got, c.want)
		}
	}
}

func TestDelimitedEncode(t *testing.T) {
	cols := []Column{col("A", types.String), col("B", types.String)}
	for _, c := range []struct {
		delim string
		a, b  any
		want  string
	}{
		{"", "a", "b", `a,b`},
		{"", "", "", `"",`},
		{"", nil, nil, `,`},
		{"", "-1", "-1", `"-1",-1`},
		{"", "é", "é", `"é",é`},
		{"", "a", "#b", `a,"#b"`},
		{"", "a", "b ", `a,"b "`},
		{"", "a,b", "c\"d", `"a,b","c""d"`},
		{"", "a", "b\nc", "a,\"b\nc\""},
		{"|", "a|b", "c,d", `"a|b"|c,d`},
		{"TAB", "a", "b", "a\tb"},
		{"SPACE", "a b", "c", `"a b" c`},
		{"§", "a§b", "c", `"a§b"§c`},
	} {
		got := row(t, delimitedBy(c.delim), cols, Options{}, c.a, c.b)
		if got != c.want {
			t.Errorf("%q %q: got %s, want %s", c.a, c.b, got, c.want)
			continue
		}
		dcols, dest := columns(cols...)
		if err := decoder(t, delimitedBy(c.delim), dcols, Options{}).Decode([]byte(got), dest); err != nil {
			t.Errorf("%s does not read back: %v", got, err)
			continue
		}
		for i, want := range []any{c.a, c.b} {
			if want == "" {
				want = nil
			}
			if back := dest[i].Value(0); back != want {
				t.Errorf("%s reads back as %v, want %v", got, back, want)
			}
		}
	}
	typed := []Column{col("A", types.Boolean), col("B", types.DecimalOf(4, 2)), col("C", types.Double), col("D", types.Bytes), col("E", types.Date)}
	if got := row(t, delimitedBy(""), typed, Options{}, true, dec("1.50"), 5e-324, []byte("!"), int32(-3)); got != `true,1.50,4.9E-324,IQ==,-3` {
		t.Error(got)
	}
	for _, bad := range []string{" ", "\t", "ab", `"`} {
		if _, err := NewDecoder(delimitedBy(bad), cols, Options{}); err == nil {
			t.Errorf("delimiter %q was taken", bad)
		}
	}
}

func TestKafka(t *testing.T) {
	f := plan.Format{Name: "KAFKA"}
	for _, c := range []struct {
		typ   *types.Type
		value any
		bytes string
	}{
		{types.Int, int32(-2), "\xff\xff\xff\xfe"},
		{types.Bigint, int64(1), "\x00\x00\x00\x00\x00\x00\x00\x01"},
		{types.Double, 1.5, "\x3f\xf8\x00\x00\x00\x00\x00\x00"},
		{types.Double, math.Inf(-1), "\xff\xf0\x00\x00\x00\x00\x00\x00"},
		{types.String, "é", "é"},
		{types.String, "", ""},
		{types.Bytes, []byte{0, 255}, "\x00\xff"},
	} {
		cols := []Column{col("V", c.typ)}
		if got := row(t, f, cols, Options{}, c.value); got != c.bytes {
			t.Errorf("%s %v: got %q", c.typ, c.value, got)
		}
		if got, err := one(t, f, c.typ, c.bytes, Options{}); err != nil || !same(got, c.value) {
			t.Errorf("%s %q: got %v (%v)", c.typ, c.bytes, got, err)
		}
		if got := row(t, f, cols, Options{}, nil); got != "<null>" {
			t.Errorf("NULL: got %q", got)
		}
	}
	for _, c := range []struct {
		typ     *types.Type
		payload string
	}{{types.Int, "123"}, {types.Int, ""}, {types.Bigint, "1234"}, {types.Double, "123456789"}} {
		if got, err := one(t, f, c.typ, c.payload, Options{}); err == nil {
			t.Errorf("%s of %d bytes: got %v", c.typ, len(c.payload), got)
		}
	}
	if got, err := one(t, f, types.String, "a\xffb", Options{}); err != nil || got != "a\uFFFDb" {
		t.Errorf("got %q (%v)", got, err)
	}
}

func TestCheck(t *testing.T) {
	a := col("A", types.Int)
	for _, c := range []struct {
		format string
		cols   []Column
		ok     bool
	}{
		{"JSON", []Column{a}, true},
		{"JSON", nil, true},
		{"JSON", []Column{col("M", types.ArrayOf(types.MapOf(types.Int, types.Int)))}, false},
		{"KAFKA", []Column{a}, true},
		{"KAFKA", []Column{a, a}, false},
		{"KAFKA", []Column{col("A", types.Boolean)}, false},
		{"DELIMITED", []Column{a, a}, true},
		{"DELIMITED", []Column{col("A", types.StructOf())}, false},
		{"NONE", nil, true},
		{"NONE", []Column{a}, false},
		{"FOO", []Column{a}, false},
	} {
		if err := Check(plan.Format{Name: c.format}, c.cols); (err == nil) != c.ok {
			t.Errorf("%s %v: %v", c.format, c.cols, err)
		}
	}
}

func TestWindow(t *testing.T) {
	tumbling, session := plan.WindowInfo{Kind: plan.Tumbling, Size: 30e9}, plan.WindowInfo{Kind: plan.Session}
	for _, w := range []plan.WindowInfo{tumbling, session} {
		key := AppendWindow([]byte("k"), w, 60000, 90000)
		if len(key) != 1+WindowLen(w) {
			t.Errorf("%s: %d bytes", w.Kind, len(key))
		}
		inner, start, end, err := SplitWindow(key, w)
		if err != nil || string(inner) != "k" || start != 60000 || end != 90000 {
			t.Errorf("%s: got %q %d %d (%v)", w.Kind, inner, start, end, err)
		}
		if _, _, _, err := SplitWindow(key[:7], w); err == nil {
			t.Errorf("%s: 7 bytes were read", w.Kind)
		}
	}
	if key := AppendWindow(nil, session, 1, 2); string(key) != "\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01" {
		t.Errorf("session: end comes first, got %x", key)
	}
	if _, _, end, _ := SplitWindow(AppendWindow(nil, tumbling, math.MaxInt64, 0), tumbling); end != math.MaxInt64 {
		t.Errorf("overflow: end %d", end)
	}
}
