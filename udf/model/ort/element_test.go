package ort

import (
	"math"
	"testing"
	"unsafe"

	"github.com/millrace/millrace/udf/model"
)

// TestHalf takes every binary16 to a float32 and back, and numbers between two of them to the nearer one, or the even one.
func TestHalf(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		v := fromHalf(h)
		if v != v {
			if h&0x7c00 != 0x7c00 || h&0x3ff == 0 || toHalf(v)&0x7fff != halfNaN {
				t.Fatalf("%04x is NaN", h)
			}
			continue
		}
		if got := toHalf(v); got != h {
			t.Fatalf("%04x is %g, which is %04x", h, v, got)
		}
	}
	for v, want := range map[float32]uint16{
		1: 0x3c00, -2: 0xc000, 65504: 0x7bff, 65519: 0x7bff, 65520: 0x7c00, 1e9: 0x7c00, -1e9: 0xfc00,
		0x1p-24: 0x0001, 0x1p-25: 0x0000, 0x1.8p-25: 0x0001, 0x1p-14: 0x0400, 0.1: 0x2e66,
		1 + 0x1p-11: 0x3c00, 1 + 0x1.8p-10: 0x3c02, // halfway: to the even one
	} {
		if got := toHalf(v); got != want {
			t.Errorf("%g is %04x, want %04x", v, got, want)
		}
	}
}

// TestIntegers wants what a type cannot hold refused, and the rest carried there and back.
func TestIntegers(t *testing.T) {
	for _, c := range []struct {
		elem     element
		min, max int64
	}{
		{uint8Element, 0, math.MaxUint8},
		{int8Element, math.MinInt8, math.MaxInt8},
		{uint16Element, 0, math.MaxUint16},
		{int16Element, math.MinInt16, math.MaxInt16},
		{int32Element, math.MinInt32, math.MaxInt32},
		{uint32Element, 0, math.MaxUint32},
		{uint64Element, 0, math.MaxInt64},
	} {
		var words [2]uint64
		in := model.Column{Int64: []int64{c.min, c.max}}
		if err := c.elem.encode(unsafe.Pointer(&words), &in, 0, 2); err != nil {
			t.Errorf("type %d: %v", c.elem, err)
		}
		out := model.Column{Int64: make([]int64, 2)}
		if c.elem.decode(unsafe.Pointer(&words), &out, 0, 2); out.Int64[0] != c.min || out.Int64[1] != c.max {
			t.Errorf("type %d: %v came back as %v", c.elem, in.Int64, out.Int64)
		}
		for _, v := range []int64{c.min - 1, c.max + 1} { // beyond BIGINT they wrap to the other end
			if v > c.min && v < c.max {
				continue
			}
			if c.elem.encode(unsafe.Pointer(&words), &model.Column{Int64: []int64{v}}, 0, 1) == nil {
				t.Errorf("type %d took %d", c.elem, v)
			}
		}
	}
}
