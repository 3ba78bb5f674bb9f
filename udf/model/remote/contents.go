package remote

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace/millrace/udf/model"
)

// Typed contents of a tensor in gRPC are the message InferTensorContents: a repeated field for each type. Servers that do not answer with
// raw contents answer with these.

// contentFields are the numbers of its fields.
var contentFields = map[string]protowire.Number{
	"BOOL": 1, "INT8": 2, "INT16": 2, "INT32": 2, "INT64": 3, "UINT8": 4, "UINT16": 4, "UINT32": 4, "FP32": 6, "FP64": 7, "BYTES": 8,
}

// readContents reads the contents of an output, whose field 5 they are, into exactly the elements lo to hi.
func readContents(output []byte, t Tensor, c *model.Column, lo, hi int) error {
	at := lo
	put := func(b []byte, bits uint64) error {
		if at == hi {
			return errors.New("it has too many elements")
		}
		at++
		return putContent(t, c, at-1, b, bits)
	}
	err := fields(output, func(field protowire.Number, value []byte, _ uint64) error {
		if field != 5 {
			return nil
		}
		return eachContent(value, contentFields[t.Datatype], t.elem(), put)
	})
	if err == nil && at < hi {
		err = fmt.Errorf("it has %d elements, not %d", at-lo, hi-lo)
	}
	if err != nil {
		return fmt.Errorf("output %s: %w", t.Name, err)
	}
	return nil
}

// eachContent calls put with every element of one repeated field, be it packed or not.
func eachContent(b []byte, want protowire.Number, elem model.ElemType, put func([]byte, uint64) error) error {
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(num, kind, b)
		if size < 0 {
			return errWire
		}
		value := b[:size]
		b = b[size:]
		if num != want {
			continue
		}
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
			if elem == model.String {
				if err := put(value, 0); err != nil {
					return err
				}
				continue
			}
		}
		for len(value) > 0 {
			bits, n := consume(value, elem)
			if n < 0 {
				return errWire
			}
			if err := put(nil, bits); err != nil {
				return err
			}
			value = value[n:]
		}
	}
	return nil
}

// consume reads one number.
func consume(b []byte, elem model.ElemType) (uint64, int) {
	switch elem {
	case model.Float32:
		v, n := protowire.ConsumeFixed32(b)
		return uint64(v), n
	case model.Float64:
		return protowire.ConsumeFixed64(b)
	}
	return protowire.ConsumeVarint(b)
}

func putContent(t Tensor, c *model.Column, i int, b []byte, bits uint64) error {
	switch t.elem() {
	case model.Float32:
		c.Float32[i] = math.Float32frombits(uint32(bits))
	case model.Float64:
		c.Float64[i] = math.Float64frombits(bits)
	case model.Int64, model.Int32:
		c.Int64[i] = int64(bits)
	case model.Bool:
		c.Bool[i] = bits != 0
	case model.String:
		if !utf8.Valid(b) {
			return errText
		}
		c.String[i] = string(b)
	}
	return nil
}
