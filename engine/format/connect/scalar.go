package connect

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Scalar is a scalar as the wire holds it. Bytes of a STRING, of BYTES, or of a decimal's unscaled big-endian integer alias the
// payload. It is small and has no pointer but that one: it travels by value, and nothing is allocated for it.
type Scalar struct {
	Kind  Kind
	Scale int32 // of a decimal
	Int   int64 // Boolean, Int32, Int64
	Float float64
	Bytes []byte
}

// Accepts says whether a scalar of the schema can go into a column of the type.
func Accepts(t *types.Type, s *Schema) error {
	ok := false
	switch t.Kind {
	case types.KindBoolean:
		ok = s.Kind == Boolean
	case types.KindInt, types.KindDate, types.KindTime:
		ok = s.Kind == Int32
	case types.KindBigint, types.KindTimestamp:
		ok = s.Kind == Int32 || s.Kind == Int64
	case types.KindDouble:
		ok = s.Kind == Float32 || s.Kind == Float64
	case types.KindDecimal:
		ok = s.Kind == Bytes && s.Logical == Decimal
	case types.KindString:
		ok = s.Kind >= Boolean && s.Kind <= String
	case types.KindBytes:
		ok = s.Kind == Bytes && s.Logical != Decimal
	}
	if !ok {
		return fmt.Errorf("can't convert %s to %s", s.Kind, t)
	}
	return nil
}

var errTime = errors.New("TIME must be from 0 to 86400000 milliseconds")

// Append adds a scalar that Accepts let through to a vector. On an error nothing was added.
func Append(v *vector.Vector, s Scalar) error {
	switch v.Type.Kind {
	case types.KindBoolean:
		v.Bool = append(v.Bool, s.Int != 0)
	case types.KindInt, types.KindDate:
		v.I32 = append(v.I32, int32(s.Int))
	case types.KindTime:
		if s.Int < 0 || s.Int > 86_400_000 {
			return errTime
		}
		v.I32 = append(v.I32, int32(s.Int))
	case types.KindBigint, types.KindTimestamp:
		v.I64 = append(v.I64, s.Int)
	case types.KindDouble:
		v.F64 = append(v.F64, s.Float)
	case types.KindString:
		if s.Kind == String && utf8.Valid(s.Bytes) {
			v.AppendBytes(s.Bytes)
			return nil
		}
		var buf [32]byte
		v.AppendBytes(s.text(buf[:0]))
	case types.KindBytes:
		v.AppendBytes(s.Bytes)
	default:
		x, err := Box(v.Type, s)
		if err != nil {
			return err
		}
		v.Any = append(v.Any, x)
	}
	return nil
}

// Box is the boxed form of a scalar that Accepts let through.
func Box(t *types.Type, s Scalar) (any, error) {
	switch t.Kind {
	case types.KindBoolean:
		return s.Int != 0, nil
	case types.KindInt, types.KindDate:
		return int32(s.Int), nil
	case types.KindTime:
		if s.Int < 0 || s.Int > 86_400_000 {
			return nil, errTime
		}
		return int32(s.Int), nil
	case types.KindBigint, types.KindTimestamp:
		return s.Int, nil
	case types.KindDouble:
		return s.Float, nil
	case types.KindDecimal:
		return decimal(t, s)
	case types.KindString:
		return string(s.text(nil)), nil
	case types.KindBytes:
		return append([]byte{}, s.Bytes...), nil
	}
	return nil, fmt.Errorf("can't convert %s to %s", s.Kind, t)
}

// text is the scalar as Java's String.valueOf writes it.
func (s Scalar) text(b []byte) []byte {
	switch s.Kind {
	case Boolean:
		return strconv.AppendBool(b, s.Int != 0)
	case Int32, Int64:
		return strconv.AppendInt(b, s.Int, 10)
	case Float32:
		// The shortest digits that mean this float mean a double of the same digits.
		short, err := strconv.ParseFloat(strconv.FormatFloat(s.Float, 'g', -1, 32), 64)
		if err != nil {
			short = s.Float
		}
		return types.AppendDouble(b, short)
	case Float64:
		return types.AppendDouble(b, s.Float)
	}
	// What is not UTF-8 becomes U+FFFD, as in Java's strings.
	for rest := s.Bytes; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		b = utf8.AppendRune(b, r)
		rest = rest[n:]
	}
	return b
}

// maxUnscaled is how long the integer of a decimal may be: more than any DECIMAL holds, and little work.
const maxUnscaled = 256

func decimal(t *types.Type, s Scalar) (any, error) {
	if len(s.Bytes) > maxUnscaled || s.Scale < 0 || s.Scale > math.MaxInt16 {
		return nil, fmt.Errorf("the value does not fit %s", t)
	}
	var d types.Decimal
	if len(s.Bytes) <= 8 {
		var n int64
		if len(s.Bytes) > 0 && s.Bytes[0] >= 0x80 {
			n = -1
		}
		for _, b := range s.Bytes {
			n = n<<8 | int64(b)
		}
		d = types.NewDecimal(n, int(s.Scale))
	} else {
		d = types.DecimalFromBig(Unscaled(s.Bytes), int(s.Scale))
	}
	d, err := d.FitExact(t.Precision, t.Scale)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Unscaled reads a big-endian two's complement integer, as Java's BigInteger writes it.
func Unscaled(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return v
}

// AppendUnscaled writes what Unscaled reads, as short as possible.
func AppendUnscaled(dst []byte, v *big.Int) []byte {
	if v.Sign() >= 0 {
		b := v.Bytes()
		if len(b) == 0 || b[0] >= 0x80 {
			dst = append(dst, 0)
		}
		return append(dst, b...)
	}
	n := (new(big.Int).Not(v).BitLen() + 8) / 8
	b := new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n))).Bytes()
	return append(dst, b...)
}
