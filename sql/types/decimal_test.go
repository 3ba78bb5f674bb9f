package types

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func randomDecimal(r *rand.Rand) Decimal {
	scale := r.IntN(20)
	switch r.IntN(4) {
	case 0:
		return NewDecimal(r.Int64N(2000)-1000, scale)
	case 1:
		return NewDecimal(int64(r.Uint64()), scale)
	case 2:
		return NewDecimal([]int64{math.MaxInt64, math.MinInt64, 0, -1, 1}[r.IntN(5)], scale)
	}
	v := new(big.Int).Mul(big.NewInt(int64(r.Uint64())), big.NewInt(int64(r.Uint64())))
	return DecimalFromBig(v, scale)
}

func rat(d Decimal) *big.Rat {
	return new(big.Rat).SetFrac(d.Unscaled(), bigPow10(d.Scale()))
}

// Arithmetic is compared with math/big's rationals.
func TestDecimalArithmetic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		a, b := randomDecimal(r), randomDecimal(r)
		x, y := rat(a), rat(b)
		check := func(op string, got Decimal, want *big.Rat) {
			if rat(got).Cmp(want) != 0 {
				t.Fatalf("%s %s %s = %s, want %s", a, op, b, got, want)
			}
		}
		check("+", a.Add(b), new(big.Rat).Add(x, y))
		check("-", a.Sub(b), new(big.Rat).Sub(x, y))
		check("*", a.Mul(b), new(big.Rat).Mul(x, y))
		if a.Cmp(b) != x.Cmp(y) {
			t.Fatalf("%s cmp %s", a, b)
		}
		if b.Sign() != 0 {
			q, err := a.Div(b, 6)
			if err != nil {
				t.Fatal(err)
			}
			if want := new(big.Rat).Quo(x, y).FloatString(6); q.Abs().String() != strings.TrimPrefix(want, "-") {
				t.Fatalf("%s / %s = %s, want %s", a, b, q, want)
			}
			m, err := a.Mod(b)
			if err != nil || m.Abs().Cmp(b.Abs()) >= 0 || m.Sign()*a.Sign() < 0 {
				t.Fatalf("%s %% %s = %s: %v", a, b, m, err)
			}
		}
		back, err := ParseDecimal(a.String())
		if err != nil || back.String() != a.String() || back.Scale() != a.Scale() {
			t.Fatalf("%s read back as %s: %v", a, back, err)
		}
	}
}

func TestDecimalRounding(t *testing.T) {
	for _, c := range []struct {
		in    string
		scale int
		mode  Rounding
		want  string
	}{
		{"1.25", 1, HalfUp, "1.3"},
		{"-1.25", 1, HalfUp, "-1.3"},
		{"1.24", 1, HalfUp, "1.2"},
		{"-1.29", 1, Down, "-1.2"},
		{"-1.21", 1, Floor, "-1.3"},
		{"1.21", 1, Floor, "1.2"},
		{"1.21", 1, Ceiling, "1.3"},
		{"-1.29", 1, Ceiling, "-1.2"},
		{"1", 3, Down, "1.000"},
		{"155", -1, HalfUp, "160"},
		{"9223372036854775807", -18, HalfUp, "9000000000000000000"},
		{"99999999999999999999.5", 0, HalfUp, "100000000000000000000"},
		{"-99999999999999999999.5", 0, Floor, "-100000000000000000000"},
	} {
		d, err := ParseDecimal(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.SetScale(c.scale, c.mode); got.String() != c.want {
			t.Errorf("%s at %d mode %d: got %s, want %s", c.in, c.scale, c.mode, got, c.want)
		}
	}
}

func TestDecimalLimits(t *testing.T) {
	for _, s := range []string{"", ".", "-", "1e", "1e99999999999", "1e-2000", "1 ", "0x1", "1_0", "٣", strings.Repeat("9", MaxDigits+1)} {
		if d, err := ParseDecimal(s); err == nil {
			t.Errorf("%.20q gives %.20s", s, d)
		}
	}
	d, err := ParseDecimal("12.5e1")
	if err != nil || d.String() != "125" {
		t.Errorf("got %s: %v", d, err)
	}
	if d, err = ParseDecimal("-1.5E-3"); err != nil || d.String() != "-0.0015" {
		t.Errorf("got %s: %v", d, err)
	}
	if _, err := NewDecimal(1, 0).Div(NewDecimal(0, 2), 6); err != ErrDivisionByZero {
		t.Errorf("got %v", err)
	}
	huge := DecimalOf(2_000_000_000, 1_999_999_999)
	if _, err := Cast(int32(1), Int, huge); err == nil {
		t.Error("two billion digits are made")
	}
	if _, err := DecimalArith("/", NewDecimal(1, 0), NewDecimal(3, 0), huge); err == nil {
		t.Error("two billion digits are computed")
	}
	big, _ := ParseDecimal("18446744073709551617") // 2^64+1: Java keeps the low bits
	if got := big.Int64(); got != 1 {
		t.Errorf("Int64 gives %d", got)
	}
	if got := NewDecimal(-155, 2).Int64(); got != -1 {
		t.Errorf("Int64 gives %d", got)
	}
	if got := NewDecimal(1, 1).Float64(); got != 0.1 {
		t.Errorf("Float64 gives %g", got)
	}
}

func BenchmarkDecimalAdd(b *testing.B) {
	x, y := NewDecimal(12345, 2), NewDecimal(678, 3)
	b.ReportAllocs()
	for b.Loop() {
		x.Add(y)
	}
}
