package format

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// coercer turns JSON values into column elements by the rules of ksqlDB's deserializer:
//
//	BOOLEAN                       true, false
//	INTEGER, BIGINT, DATE, TIME,  a number (what is behind the point is dropped) or a string of digits; out of range is an error
//	TIMESTAMP
//	DOUBLE                        a number, or a string that Java reads as one
//	DECIMAL                       a number or such a string, if it fits without rounding
//	STRING                        a string; a number or boolean as its text; an object as compact JSON; an array as [a, b]
//	BYTES                         a string in base64
//	ARRAY, MAP, STRUCT            an array; objects
//
// null and missing members are NULL. It holds scratch space only.
type coercer struct{ buf []byte }

// column appends the value to v, or returns an error and leaves v alone.
func (c *coercer) column(v *vector.Vector, b []byte, s *span) error {
	if s.kind <= null {
		v.AppendNull()
		return nil
	}
	switch v.Type.Kind {
	case types.KindBoolean:
		if s.kind != boolTrue && s.kind != boolFalse {
			return mismatch(s.kind, v.Type)
		}
		v.Bool = append(v.Bool, s.kind == boolTrue)
	case types.KindInt, types.KindDate, types.KindTime:
		n, err := c.int32(v.Type, b, s)
		if err != nil {
			return err
		}
		v.I32 = append(v.I32, n)
	case types.KindBigint, types.KindTimestamp:
		n, err := c.int64(v.Type, b, s)
		if err != nil {
			return err
		}
		v.I64 = append(v.I64, n)
	case types.KindDouble:
		f, err := c.double(v.Type, b, s)
		if err != nil {
			return err
		}
		v.F64 = append(v.F64, f)
	case types.KindString:
		v.AppendBytes(c.string(b, s))
	case types.KindBytes:
		raw, err := c.bytes(v.Type, b, s)
		if err != nil {
			return err
		}
		v.AppendBytes(raw)
	default:
		x, err := c.box(v.Type, b, s)
		if err != nil {
			return err
		}
		v.Any = append(v.Any, x)
	}
	return nil
}

// text is the content of a string; it lives until the next call of a method of c.
func (c *coercer) text(b []byte, s *span) []byte {
	raw := s.of(b)
	if !s.escaped {
		return raw
	}
	c.buf = appendUnescaped(c.buf[:0], raw)
	return c.buf
}

func (c *coercer) int64(t *types.Type, b []byte, s *span) (int64, error) {
	var n int64
	var err error
	switch {
	case s.kind == number && s.fraction:
		n, err = truncate(s.of(b))
	case s.kind == number:
		n, err = parseInt(s.of(b))
	case s.kind == text:
		n, err = parseInt(c.text(b, s))
	default:
		err = mismatch(s.kind, t)
	}
	return n, refuse(t, err)
}

func (c *coercer) int32(t *types.Type, b []byte, s *span) (int32, error) {
	n, err := c.int64(t, b, s)
	if err != nil {
		return 0, err
	}
	return narrow(n, t)
}

// narrow checks that n fits an INTEGER or DATE, or is the time of a day.
func narrow(n int64, t *types.Type) (int32, error) {
	const day = 24 * 60 * 60 * 1000
	if t.Kind == types.KindTime && (n < 0 || n > day) {
		return 0, errors.New("TIME must be from 0 to 86400000 milliseconds")
	}
	if int64(int32(n)) != n {
		return 0, refuse(t, errRange)
	}
	return int32(n), nil
}

func (c *coercer) double(t *types.Type, b []byte, s *span) (float64, error) {
	var f float64
	var err error
	switch s.kind {
	case number:
		f, err = parseDouble(s.of(b))
	case text:
		f, err = parseJavaDouble(c.text(b, s))
	default:
		err = mismatch(s.kind, t)
	}
	return f, refuse(t, err)
}

func (c *coercer) decimal(t *types.Type, b []byte, s *span) (types.Decimal, error) {
	switch s.kind {
	case number:
		return parseDecimal(s.of(b), t)
	case text:
		return parseDecimal(c.text(b, s), t)
	}
	return types.Decimal{}, mismatch(s.kind, t)
}

// string gives the value as text; it lives until the next call of a method of c.
func (c *coercer) string(b []byte, s *span) []byte {
	if s.kind == text {
		return c.text(b, s)
	}
	c.buf = appendValueText(c.buf[:0], b, *s)
	return c.buf
}

// bytes gives decoded base64; it lives until the next call of a method of c.
func (c *coercer) bytes(t *types.Type, b []byte, s *span) ([]byte, error) {
	if s.kind != text {
		return nil, mismatch(s.kind, t)
	}
	return c.base64(c.text(b, s))
}

func (c *coercer) base64(raw []byte) ([]byte, error) {
	n := base64.StdEncoding.DecodedLen(len(raw))
	if cap(c.buf) < n {
		c.buf = append(c.buf, make([]byte, n)...) // raw may alias the old buffer, which stays
	}
	// Decoding in place is safe: three bytes are written for each four read.
	n, err := base64.StdEncoding.Decode(c.buf[:n], raw)
	if err != nil {
		return nil, errors.New("text is not base64")
	}
	return c.buf[:n], nil
}

// refuse names the type in an error about a number.
func refuse(t *types.Type, err error) error {
	if errors.Is(err, errRange) || errors.Is(err, errNumeric) {
		return fmt.Errorf("%w for %s", err, t)
	}
	return err
}
