package protobuf

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/engine/format/connect"
)

func wireType(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind:
		return protowire.BytesType
	}
	return protowire.VarintType
}

// scalar reads a scalar of the field's kind, whose wire type was checked.
func (f *fieldPlan) scalar(b []byte) (s connect.Scalar, n int, err error) {
	s.Kind = connectKinds[f.kind]
	switch wireType(f.kind) {
	case protowire.Fixed32Type:
		var u uint32
		if u, n = protowire.ConsumeFixed32(b); n < 0 {
			return s, 0, errShort
		}
		switch f.kind {
		case protoreflect.FloatKind:
			s.Float = float64(math.Float32frombits(u))
		case protoreflect.Sfixed32Kind:
			s.Int = int64(int32(u))
		default:
			s.Int = int64(u)
		}
		return s, n, nil
	case protowire.Fixed64Type:
		var u uint64
		if u, n = protowire.ConsumeFixed64(b); n < 0 {
			return s, 0, errShort
		}
		if f.kind == protoreflect.DoubleKind {
			s.Float = math.Float64frombits(u)
		} else {
			s.Int = int64(u)
		}
		return s, n, nil
	case protowire.BytesType:
		if s.Bytes, n = protowire.ConsumeBytes(b); n < 0 {
			return s, 0, errShort
		}
		return s, n, nil
	}
	u, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return s, 0, protowire.ParseError(n)
	}
	switch f.kind {
	case protoreflect.BoolKind:
		if u != 0 {
			s.Int = 1
		}
	case protoreflect.Sint32Kind:
		s.Int = int64(int32(protowire.DecodeZigZag(u & math.MaxUint32)))
	case protoreflect.Sint64Kind:
		s.Int = protowire.DecodeZigZag(u)
	case protoreflect.Int32Kind:
		s.Int = int64(int32(u))
	case protoreflect.Uint32Kind:
		s.Int = int64(uint32(u))
	case protoreflect.EnumKind:
		return f.enumScalar(int64(int32(u))), n, nil
	default:
		s.Int = int64(u)
	}
	return s, n, nil
}

// enumScalar is an enum's name; that of a number without one is the number.
func (f *fieldPlan) enumScalar(n int64) connect.Scalar {
	if name, ok := f.enum[int32(n)]; ok {
		return connect.Scalar{Kind: connect.String, Bytes: name}
	}
	return connect.Scalar{Kind: connect.Int32, Int: n}
}
