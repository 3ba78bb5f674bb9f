package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace/millrace/udf/model"
)

// tensor is a constant of the model: an initializer, an attribute, or the folded result of constant nodes.
type tensor struct {
	kind  model.ElemType
	shape []int
	data  model.Column
}

// rawTensor is a TensorProto taken apart, its elements still as the file has them.
type rawTensor struct {
	dims     []int64
	elem     int32
	raw      []byte
	hasRaw   bool
	packed   []byte  // float_data or double_data
	ints     []int64 // int32_data or int64_data
	strings  []string
	external bool
}

// decodeTensor reads a TensorProto. The number of elements must be what the dims say, so memory is bounded by the
// file. spend accounts for what the elements take.
func decodeTensor(b []byte, spend func(int) error) (*tensor, error) {
	r, err := splitTensor(b, spend)
	if err != nil {
		return nil, err
	}
	if r.external {
		return nil, errors.New("its data is in another file")
	}
	kind, ok := elemTypes[r.elem]
	if !ok {
		return nil, &formError{fmt.Sprintf("constants of %s", elemName(r.elem))}
	}
	t := &tensor{kind: kind}
	want, err := t.setShape(r.dims)
	if err != nil {
		return nil, err
	}
	if r.hasRaw {
		err = t.fromRaw(r.raw)
	} else {
		err = t.fromFields(r)
	}
	if err != nil {
		return nil, err
	}
	if got := t.data.Len(kind); got != want {
		return nil, fmt.Errorf("its shape wants %d elements, the file has %d", want, got)
	}
	return t, nil
}

func splitTensor(b []byte, spend func(int) error) (rawTensor, error) {
	var r rawTensor
	err := fields(b, func(x field) (err error) {
		switch x.num {
		case 1:
			if r.dims, err = x.varints(r.dims); err == nil && len(r.dims) > maxRank {
				err = fmt.Errorf("more than %d dimensions", maxRank)
			}
		case 2:
			r.elem = int32(x.u64)
		case 4, 10:
			r.packed, err = appendPacked(r.packed, x)
		case 5, 7:
			if err = spend(decodedSize(field{num: 8, typ: x.typ, bytes: x.bytes})); err == nil {
				r.ints, err = x.varints(r.ints)
			}
		case 6:
			if err = spend(32 + len(x.bytes)); err == nil {
				r.strings = append(r.strings, string(x.bytes))
			}
		case 9:
			r.raw, r.hasRaw = x.bytes, true
			err = spend(len(x.bytes))
		case 13, 14:
			r.external = r.external || x.num == 13 || x.u64 == 1
		}
		return err
	})
	return r, err
}

// appendPacked collects fixed-width elements; a single packed field, the usual case, is not copied.
func appendPacked(to []byte, x field) ([]byte, error) {
	switch x.typ {
	case protowire.BytesType:
		if to == nil {
			return x.bytes, nil
		}
		return append(to[:len(to):len(to)], x.bytes...), nil
	case protowire.Fixed32Type:
		return binary.LittleEndian.AppendUint32(to, uint32(x.u64)), nil
	case protowire.Fixed64Type:
		return binary.LittleEndian.AppendUint64(to, x.u64), nil
	}
	return nil, fmt.Errorf("field %d holds no numbers", x.num)
}

// maxElements bounds every shape that the program computes with.
const maxElements = 1 << 31

func (t *tensor) setShape(dims []int64) (int, error) {
	n := int64(1)
	for _, d := range dims {
		if d < 0 || d > maxElements {
			return 0, fmt.Errorf("dimension %d", d)
		}
		if n *= max(d, 1); n > maxElements {
			return 0, fmt.Errorf("shape %v is too large", dims)
		}
		t.shape = append(t.shape, int(d))
	}
	return product(t.shape), nil
}

func (t *tensor) fromRaw(b []byte) error {
	switch t.kind {
	case model.Float32:
		t.data.Float32 = decodeFixed(b, 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) })
	case model.Float64:
		t.data.Float64 = decodeFixed(b, 8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) })
	case model.Int64:
		t.data.Int64 = decodeFixed(b, 8, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
	case model.Int32:
		t.data.Int64 = decodeFixed(b, 4, func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) })
	case model.Bool:
		t.data.Bool = decodeFixed(b, 1, func(b []byte) bool { return b[0] != 0 })
	case model.String:
		return errors.New("strings as raw data")
	}
	return nil
}

func decodeFixed[T any](b []byte, width int, get func([]byte) T) []T {
	out := make([]T, len(b)/width)
	for i := range out {
		out[i] = get(b[i*width:])
	}
	return out
}

func (t *tensor) fromFields(r rawTensor) error {
	switch t.kind {
	case model.Float32, model.Float64:
		return t.fromRaw(r.packed)
	case model.Int64:
		t.data.Int64 = r.ints
	case model.Int32:
		t.data.Int64 = r.ints
		for i, v := range t.data.Int64 {
			t.data.Int64[i] = int64(int32(v))
		}
	case model.Bool:
		t.data.Bool = make([]bool, len(r.ints))
		for i, v := range r.ints {
			t.data.Bool[i] = v != 0
		}
	case model.String:
		t.data.String = r.strings
	}
	return nil
}

// product of dimensions, the batch left out.
func product(dims []int) int {
	n := 1
	for _, d := range dims {
		if d != batch {
			n *= d
		}
	}
	return n
}
