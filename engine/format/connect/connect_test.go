package connect

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		fields, columns []string
		want            string
	}{
		{[]string{"a", "B", "c"}, []string{"B", "A"}, "[1 0 -1]"},
		{[]string{"a", "A"}, []string{"A"}, "[-1 0]"},
		{[]string{"a", "A"}, []string{"A", "a"}, "[1 0]"},
		{[]string{"A"}, []string{"a"}, "[-1]"},
		{nil, []string{"a"}, "[]"},
	} {
		if got := fmt.Sprint(Match(c.fields, c.columns)); got != c.want {
			t.Errorf("%q in %q: got %s, want %s", c.fields, c.columns, got, c.want)
		}
	}
}

// TestUnscaled compares with the definition, at the edges of bytes.
func TestUnscaled(t *testing.T) {
	for n := int64(-70000); n <= 70000; n++ {
		b := AppendUnscaled(nil, big.NewInt(n))
		if got := Unscaled(b); got.Int64() != n {
			t.Fatalf("%d became %s by %x", n, got, b)
		}
		if len(b) > 1 && (b[0] == 0 && b[1] < 0x80 || b[0] == 0xff && b[1] >= 0x80) {
			t.Fatalf("%d has a byte too many: %x", n, b)
		}
	}
}

// TestText: scalars in a STRING column read as Java prints them.
func TestText(t *testing.T) {
	v := vector.New(types.String)
	for _, s := range []Scalar{
		{Kind: Boolean, Int: 1},
		{Kind: Int32, Int: -5},
		{Kind: Float32, Float: float64(float32(1.1))},
		{Kind: Float64, Float: 1e10},
		{Kind: String, Bytes: []byte("a\xffb")},
	} {
		if err := Append(v, s); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"true", "-5", "1.1", "1.0E10", "a\ufffdb"} {
		if got := v.Value(i); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestRefused: values that a type has no room for add nothing.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		typ *types.Type
		s   Scalar
	}{
		{types.Time, Scalar{Kind: Int32, Int: 86_400_001}},
		{types.Time, Scalar{Kind: Int32, Int: -1}},
		{types.DecimalOf(2, 1), Scalar{Kind: Bytes, Bytes: []byte{100}, Scale: 1}},
		{types.DecimalOf(4, 0), Scalar{Kind: Bytes, Bytes: []byte{15}, Scale: 1}},
		{types.DecimalOf(4, 0), Scalar{Kind: Bytes, Bytes: make([]byte, maxUnscaled+1)}},
	} {
		v := vector.New(c.typ)
		if err := Append(v, c.s); err == nil || v.Len() != 0 {
			t.Errorf("%s took %+v: %v", c.typ, c.s, err)
		}
	}
}
