package ort

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/millrace/millrace/udf/model"
)

// element is a type of the library's elements.
type element int32

// The types of elements: ONNXTensorElementDataType.
const (
	float32Element element = 1
	uint8Element   element = 2
	int8Element    element = 3
	uint16Element  element = 4
	int16Element   element = 5
	int32Element   element = 6
	int64Element   element = 7
	stringElement  element = 8
	boolElement    element = 9
	float16Element element = 10
	float64Element element = 11
	uint32Element  element = 12
	uint64Element  element = 13
)

// carried is how columns carry elements of a type: as a type of their own, and how many bytes the library's take. Numbers that
// no column has travel in the next larger type.
type carried struct {
	as   model.ElemType
	size int // 0: strings, which the library keeps elsewhere
}

var elements = map[element]carried{
	float32Element: {model.Float32, 4}, float64Element: {model.Float64, 8}, float16Element: {model.Float32, 2},
	int64Element: {model.Int64, 8}, int32Element: {model.Int32, 4}, int16Element: {model.Int32, 2}, int8Element: {model.Int32, 1},
	uint8Element: {model.Int32, 1}, uint16Element: {model.Int32, 2}, uint32Element: {model.Int64, 4}, uint64Element: {model.Int64, 8},
	boolElement: {model.Bool, 1}, stringElement: {model.String, 0},
}

// direct is the address of n elements of a column from the first on, where they lie as the library has them; nil elsewhere.
func (e element) direct(c *model.Column, first int) unsafe.Pointer {
	switch e {
	case float32Element:
		return unsafe.Pointer(&c.Float32[first])
	case float64Element:
		return unsafe.Pointer(&c.Float64[first])
	case int64Element:
		return unsafe.Pointer(&c.Int64[first])
	case boolElement:
		return unsafe.Pointer(&c.Bool[first])
	}
	return nil
}

// encode writes n elements of a column from the first on as the library has them. A number that the type cannot hold is an error.
func (e element) encode(dst unsafe.Pointer, c *model.Column, first, n int) error {
	switch e {
	case float16Element:
		for i, v := range c.Float32[first:][:n] {
			unsafe.Slice((*uint16)(dst), n)[i] = toHalf(v)
		}
		return nil
	case int32Element:
		return narrow(unsafe.Slice((*int32)(dst), n), c.Int64[first:])
	case int16Element:
		return narrow(unsafe.Slice((*int16)(dst), n), c.Int64[first:])
	case int8Element:
		return narrow(unsafe.Slice((*int8)(dst), n), c.Int64[first:])
	case uint8Element:
		return narrow(unsafe.Slice((*uint8)(dst), n), c.Int64[first:])
	case uint16Element:
		return narrow(unsafe.Slice((*uint16)(dst), n), c.Int64[first:])
	case uint32Element:
		return narrow(unsafe.Slice((*uint32)(dst), n), c.Int64[first:])
	}
	return narrow(unsafe.Slice((*uint64)(dst), n), c.Int64[first:])
}

// decode reads n of the library's elements into a column from the first on.
func (e element) decode(src unsafe.Pointer, c *model.Column, first, n int) {
	switch e {
	case float32Element:
		copy(c.Float32[first:], unsafe.Slice((*float32)(src), n))
	case float64Element:
		copy(c.Float64[first:], unsafe.Slice((*float64)(src), n))
	case float16Element:
		for i, h := range unsafe.Slice((*uint16)(src), n) {
			c.Float32[first+i] = fromHalf(h)
		}
	case int64Element:
		copy(c.Int64[first:], unsafe.Slice((*int64)(src), n))
	case int32Element:
		widen(c.Int64[first:], unsafe.Slice((*int32)(src), n))
	case int16Element:
		widen(c.Int64[first:], unsafe.Slice((*int16)(src), n))
	case int8Element:
		widen(c.Int64[first:], unsafe.Slice((*int8)(src), n))
	case uint8Element:
		widen(c.Int64[first:], unsafe.Slice((*uint8)(src), n))
	case uint16Element:
		widen(c.Int64[first:], unsafe.Slice((*uint16)(src), n))
	case uint32Element:
		widen(c.Int64[first:], unsafe.Slice((*uint32)(src), n))
	case uint64Element:
		widen(c.Int64[first:], unsafe.Slice((*uint64)(src), n))
	case boolElement:
		for i, b := range unsafe.Slice((*uint8)(src), n) {
			c.Bool[first+i] = b != 0
		}
	}
}

type integer interface {
	int8 | int16 | int32 | uint8 | uint16 | uint32 | int64 | uint64
}

func narrow[T integer](dst []T, src []int64) error {
	for i := range dst {
		dst[i] = T(src[i])
		if int64(dst[i]) != src[i] || (dst[i] < 0) != (src[i] < 0) {
			return fmt.Errorf("%d is no %T", src[i], dst[i])
		}
	}
	return nil
}

// widen copies integers. Those of uint64 above the largest BIGINT become negative, as a conversion in Go has them.
func widen[T integer](dst []int64, src []T) {
	for i, v := range src {
		dst[i] = int64(v)
	}
}

// The layout of binary16: a sign, 5 bits of exponent, 10 of fraction.
const (
	halfInfinity = 0x7c00
	halfNaN      = 0x7e00
	halfMax      = 65520 // from here on numbers round to infinity
)

// toHalf rounds to the nearest binary16, to the even one of two.
func toHalf(v float32) uint16 {
	sign := uint16(math.Float32bits(v) >> 16 & 0x8000)
	size := math.Abs(float64(v))
	switch {
	case v != v:
		return halfNaN
	case size >= halfMax:
		return sign | halfInfinity
	case size < 0x1p-14: // subnormal: a multiple of 2^-24, of which 1024 make the smallest normal number
		return sign | uint16(math.RoundToEven(size*0x1p24))
	}
	fraction, exponent := math.Frexp(size) // fraction in [0.5, 1)
	return sign | uint16((exponent+13)<<10+int(math.RoundToEven(fraction*0x1p11)))
}

// fromHalf is exact.
func fromHalf(h uint16) float32 {
	exponent, fraction := int(h>>10&31), float64(h&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = fraction * 0x1p-24
	case 31:
		if v = math.Inf(1); fraction > 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if h&0x8000 != 0 {
		v = -v
	}
	return float32(v)
}
