package onnx

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a protobuf message.
type field struct {
	num   protowire.Number
	typ   protowire.Type
	bytes []byte // length-delimited fields
	u64   uint64 // varint and fixed fields
	whole []byte // tag and value, as they stand in the file
}

// fields calls fn for each field of a message in order and stops at the first error. Nothing is copied.
func fields(b []byte, fn func(f field) error) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("malformed protobuf: %w", protowire.ParseError(n))
		}
		m := protowire.ConsumeFieldValue(num, typ, b[n:])
		if m < 0 {
			return fmt.Errorf("malformed protobuf: %w", protowire.ParseError(m))
		}
		f := field{num: num, typ: typ, whole: b[:n+m]}
		switch typ {
		case protowire.BytesType:
			f.bytes, _ = protowire.ConsumeBytes(b[n:])
		case protowire.VarintType:
			f.u64, _ = protowire.ConsumeVarint(b[n:])
		case protowire.Fixed32Type:
			v, _ := protowire.ConsumeFixed32(b[n:])
			f.u64 = uint64(v)
		case protowire.Fixed64Type:
			f.u64, _ = protowire.ConsumeFixed64(b[n:])
		}
		if err := fn(f); err != nil {
			return err
		}
		b = b[n+m:]
	}
	return nil
}

// varints appends the elements of a repeated integer field, packed or not.
func (f field) varints(to []int64) ([]int64, error) {
	switch f.typ {
	case protowire.VarintType:
		return append(to, int64(f.u64)), nil
	case protowire.BytesType:
		for b := f.bytes; len(b) > 0; {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return nil, fmt.Errorf("malformed packed integers: %w", protowire.ParseError(n))
			}
			to = append(to, int64(v))
			b = b[n:]
		}
		return to, nil
	}
	return nil, fmt.Errorf("field %d is no integer", f.num)
}

// appendBytes adds a length-delimited field to a message under construction.
func appendBytes(to []byte, num protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, num, protowire.BytesType), b)
}
