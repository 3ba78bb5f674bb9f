package remote

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/udf/model"
)

// Tensor is an input or output as a server declares it.
type Tensor struct {
	Name     string
	Datatype string  // by the Open Inference Protocol
	Shape    []int64 // -1 is the batch
}

// datatype is one of the protocol's.
type datatype struct {
	elem   model.ElemType
	size   int  // bytes of an element; 0: each says its own
	signed bool // of integers
	input  bool // every value of the SQL type that an argument has fits in
}

var datatypes = map[string]datatype{
	"FP32": {model.Float32, 4, true, true}, "FP64": {model.Float64, 8, true, true},
	"INT64": {model.Int64, 8, true, true}, "INT32": {model.Int32, 4, true, true}, "INT16": {model.Int64, 2, true, false}, "INT8": {model.Int64, 1, true, false},
	"UINT32": {model.Int64, 4, false, false}, "UINT16": {model.Int64, 2, false, false}, "UINT8": {model.Int64, 1, false, false},
	"BOOL": {model.Bool, 1, false, true}, "BYTES": {model.String, 0, false, true},
}

// maxWidth bounds the elements of a row, which are arguments of PREDICT or an ARRAY.
const maxWidth = 1 << 16

// check refuses what cannot be an input or output of a model.
func (t Tensor) check(input bool) error {
	d, ok := datatypes[t.Datatype]
	switch {
	case t.Name == "":
		return errors.New("a tensor has no name")
	case !ok:
		return fmt.Errorf("tensor %s has the type %s, which is not covered", t.Name, t.Datatype)
	case input && !d.input:
		return fmt.Errorf("input %s has the type %s: outputs alone may have it", t.Name, t.Datatype)
	case len(t.Shape) == 0 || t.Shape[0] != -1:
		return fmt.Errorf("tensor %s has the shape %v: the first dimension must be -1, the rows", t.Name, t.Shape)
	}
	width := int64(1)
	for _, d := range t.Shape[1:] {
		if d < 1 || d > maxWidth {
			return fmt.Errorf("tensor %s has the shape %v: all dimensions but the first must be known, and at least 1", t.Name, t.Shape)
		}
		if width *= d; width > maxWidth {
			return fmt.Errorf("tensor %s has more than %d elements a row", t.Name, maxWidth)
		}
	}
	return nil
}

func (t Tensor) elem() model.ElemType { return datatypes[t.Datatype].elem }

func (t Tensor) width() int { return t.tensor().Width() }

func (t Tensor) tensor() model.Tensor {
	return model.Tensor{Name: t.Name, Type: t.elem(), Shape: t.Shape}
}

// shape is that of a request of so many rows.
func (t Tensor) shape(rows int) []int64 {
	s := slices.Clone(t.Shape)
	s[0] = int64(rows)
	return s
}

// fits says whether an answer's type and shape are those of so many rows: [rows] stands for [rows, 1] and the reverse.
func (t Tensor) fits(datatype string, shape []int64, rows int) error {
	if datatype != t.Datatype {
		return fmt.Errorf("output %s has the type %.40s, not %s", t.Name, datatype, t.Datatype)
	}
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > math.MaxInt32 || n > math.MaxInt32 {
			n = -1
			break
		}
		n *= d
	}
	if len(shape) == 0 || shape[0] != int64(rows) || n != int64(rows*t.width()) {
		if len(shape) > 8 {
			shape = shape[:8]
		}
		return fmt.Errorf("output %s has the shape %v, not %v", t.Name, shape, t.shape(rows))
	}
	return nil
}
