package model

import (
	"strconv"
	"strings"
)

// ElemType is the type of a tensor's elements.
type ElemType uint8

// The element types. Int32 elements are carried in Column.Int64.
const (
	Float32 ElemType = iota
	Float64
	Int64
	Int32
	Bool
	String
)

var elemNames = [...]string{
	Float32: "float", Float64: "double", Int64: "int64", Int32: "int32", Bool: "bool", String: "string",
}

// String names the type as ONNX does.
func (e ElemType) String() string { return elemNames[e] }

// IsFloat says whether the elements are floating-point numbers, which can be NaN.
func (e ElemType) IsFloat() bool { return e == Float32 || e == Float64 }

// IsInt says whether the elements are integers.
func (e ElemType) IsInt() bool { return e == Int64 || e == Int32 }

// Tensor describes one input or output of a model.
type Tensor struct {
	Name  string
	Type  ElemType
	Shape []int64  // -1 is the batch
	Keys  []string // set on map outputs: the key of each of the Width columns

	// Columns are the names of the Width elements of an input, where the file has them.
	Columns []string
}

// Width is the number of elements a row has.
func (t Tensor) Width() int {
	w := 1
	for _, d := range t.Shape {
		if d >= 0 {
			w *= int(d)
		}
	}
	return w
}

// String prints the tensor as "X: float[?,30]".
func (t Tensor) String() string {
	dims := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		dims[i] = "?"
		if d >= 0 {
			dims[i] = strconv.FormatInt(d, 10)
		}
	}
	s := t.Type.String() + "[" + strings.Join(dims, ",") + "]"
	if t.Keys != nil {
		s = "map(" + s + ")"
	}
	return t.Name + ": " + s
}

// Describe prints the tensor as "X: float[?,2] (amount, age)": String with the names of its columns.
func (t Tensor) Describe() string {
	if t.Columns == nil {
		return t.String()
	}
	return t.String() + " (" + strings.Join(t.Columns, ", ") + ")"
}

// Signature is the typed interface of a model, as its file declares it.
type Signature struct {
	Inputs, Outputs []Tensor
}

// Column is one tensor of a batch: rows times Width elements in row-major order, in the slice that the element type
// names. The other slices are unused.
type Column struct {
	Float32 []float32
	Float64 []float64
	Int64   []int64 // Int64 and Int32
	Bool    []bool
	String  []string
}

// Resize sets the length of the slice for the type to n, and allocates only when it must grow. Elements are
// unspecified.
func (c *Column) Resize(t ElemType, n int) {
	switch t {
	case Float32:
		c.Float32 = resize(c.Float32, n)
	case Float64:
		c.Float64 = resize(c.Float64, n)
	case Int64, Int32:
		c.Int64 = resize(c.Int64, n)
	case Bool:
		c.Bool = resize(c.Bool, n)
	case String:
		c.String = resize(c.String, n)
	}
}

// Len is the length of the slice for the type.
func (c *Column) Len(t ElemType) int {
	switch t {
	case Float32:
		return len(c.Float32)
	case Float64:
		return len(c.Float64)
	case Int64, Int32:
		return len(c.Int64)
	case Bool:
		return len(c.Bool)
	}
	return len(c.String)
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
