package onnx

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace/millrace/udf/model"
)

// Bounds on what a file may ask for, far above any model that is scored a row at a time.
const (
	maxNodes      = 1 << 16
	maxEdges      = 1 << 22 // inputs times outputs, summed over nodes: what the decoder builds
	decodedFactor = 6       // decoded size allowed, in multiples of the limit on the file
	fileFactor    = 16      // the same, in multiples of the file itself, ...
	fileExtra     = 1 << 28 // ... and what even a small file may take beyond that
)

// file is what the pre-pass keeps of a ModelProto: everything that onnx-go's decoder drops or cannot decode.
type file struct {
	rewritten []byte           // the model for the decoder: nodes with flat attributes, names of inputs and outputs
	opsets    map[string]int64 // by domain; the default domain is ""
	inputs    []valueInfo      // without those that initializers define
	outputs   []valueInfo
	tensors   map[string][]byte // initializers: TensorProto bytes by name
	nodes     []nodeExtra       // in the order of the file

	budget int // bytes that decoding may still take
	edges  int
}

// nodeExtra is what the decoder would lose of a node.
type nodeExtra struct {
	name    string
	inputs  int               // the decoder fakes an input for nodes without any
	tensors map[string][]byte // tensor attributes: TensorProto bytes by name
	graphs  []string          // names of attributes that hold graphs or types, which no covered operator has
}

// valueInfo is a declared input or output.
type valueInfo struct {
	name  string
	form  string // tensor, or what else it is
	elem  int32  // TensorProto.DataType
	shape []int64
	known bool // the shape is declared
}

// prepass walks the file once and rewrites it. Nesting is never followed deeper than the fixed levels of a model's
// main graph, so no file can exhaust the stack, here or in the decoder.
func prepass(b []byte, limit int) (*file, error) {
	f := &file{opsets: map[string]int64{}, tensors: map[string][]byte{}, budget: min(decodedFactor*max(limit, 1<<20), fileFactor*len(b)+fileExtra)}
	graphs := 0
	err := fields(b, func(x field) error {
		switch x.num {
		case 7:
			if graphs++; graphs > 1 {
				return errors.New("more than one graph")
			}
			g, err := f.graph(x.bytes)
			f.rewritten = appendBytes(f.rewritten, 7, g)
			return err
		case 8:
			return f.opset(x.bytes)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if graphs == 0 {
		return nil, errors.New("no graph: this is no ONNX model")
	}
	inputs := f.inputs[:0]
	for _, v := range f.inputs {
		if _, ok := f.tensors[v.name]; !ok { // IR versions before 4 list initializers among the inputs
			inputs = append(inputs, v)
		}
	}
	f.inputs = inputs
	return f, nil
}

// spend counts bytes that decoding will take.
func (f *file) spend(n int) error {
	if f.budget -= n; f.budget < 0 {
		return errors.New("the decoded model would exceed the memory limit")
	}
	return nil
}

func (f *file) opset(b []byte) error {
	domain, version := "", int64(0)
	err := fields(b, func(x field) error {
		switch x.num {
		case 1:
			domain = string(x.bytes)
		case 2:
			version = int64(x.u64)
		}
		return nil
	})
	if domain == "ai.onnx" {
		domain = ""
	}
	f.opsets[domain] = max(f.opsets[domain], version)
	return err
}

func (f *file) graph(g []byte) ([]byte, error) {
	var out []byte
	err := fields(g, func(x field) error {
		switch x.num {
		case 1:
			n, err := f.node(x.bytes)
			out = appendBytes(out, 1, n)
			return err
		case 5:
			return f.initializer(x.bytes)
		case 11, 12:
			v, err := parseValueInfo(x.bytes)
			if err != nil {
				return err
			}
			if x.num == 11 {
				f.inputs = append(f.inputs, v)
			} else {
				f.outputs = append(f.outputs, v)
			}
			out = appendBytes(out, x.num, appendBytes(nil, 1, []byte(v.name)))
			return f.spend(256)
		case 15:
			return errors.New("sparse initializers are not covered")
		}
		return nil
	})
	return out, err
}

func (f *file) initializer(b []byte) error {
	name := ""
	err := fields(b, func(x field) error {
		if x.num == 8 {
			name = string(x.bytes)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("initializer: %w", err)
	}
	if _, ok := f.tensors[name]; ok || name == "" {
		return fmt.Errorf("initializer %q: missing or repeated name", name)
	}
	f.tensors[name] = b
	return f.spend(256)
}

// node copies the fields that the decoder may see, with the domain as a prefix of the operator.
func (f *file) node(b []byte) ([]byte, error) {
	var out []byte
	var extra nodeExtra
	domain, op, outputs := "", "", 0
	err := fields(b, func(x field) error {
		switch x.num {
		case 1, 2:
			if x.num == 1 {
				extra.inputs++
			} else {
				outputs++
			}
			out = append(out, x.whole...)
			return f.spend(64)
		case 3:
			extra.name = string(x.bytes)
		case 4:
			op = string(x.bytes)
		case 7:
			domain = string(x.bytes)
		case 5:
			a, err := f.attribute(x.bytes, &extra)
			if a != nil {
				out = appendBytes(out, 5, a)
			}
			return err
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("node %q: %w", extra.name, err)
	case outputs == 0:
		return nil, fmt.Errorf("node %q (%s) has no output", extra.name, op)
	case len(f.nodes) == maxNodes:
		return nil, fmt.Errorf("more than %d nodes", maxNodes)
	}
	if f.edges += outputs * max(extra.inputs, 1); f.edges > maxEdges {
		return nil, fmt.Errorf("more than %d edges", maxEdges)
	}
	if err := f.spend(512 + 128*outputs*max(extra.inputs, 1)); err != nil {
		return nil, err
	}
	if domain != "" && domain != "ai.onnx" {
		op = domain + "." + op
	}
	f.nodes = append(f.nodes, extra)
	return appendBytes(out, 4, []byte(op)), nil
}

// Attribute types of AttributeProto.type that the decoder reads.
const (
	attrFloat, attrInt, attrString, attrTensor = 1, 2, 3, 4
	attrFloats, attrInts, attrStrings          = 6, 7, 8
)

// attribute copies a flat attribute, keeps a tensor for our own decoder, and notes anything else by name.
func (f *file) attribute(b []byte, extra *nodeExtra) ([]byte, error) {
	var out, tensor []byte
	name, typ := "", uint64(0)
	err := fields(b, func(x field) error {
		switch x.num {
		case 1:
			name = string(x.bytes)
		case 5:
			tensor = x.bytes
			return nil
		case 20:
			typ = x.u64
		case 2, 3, 4, 7, 8, 9:
		default:
			return nil
		}
		out = append(out, x.whole...)
		return f.spend(decodedSize(x))
	})
	if err != nil {
		return nil, fmt.Errorf("attribute %q: %w", name, err)
	}
	switch typ {
	case attrFloat, attrInt, attrString, attrFloats, attrInts, attrStrings:
		return out, nil
	case attrTensor:
		if extra.tensors == nil {
			extra.tensors = map[string][]byte{}
		}
		extra.tensors[name] = tensor
	case 0:
		return nil, fmt.Errorf("attribute %q has no type", name)
	default:
		extra.graphs = append(extra.graphs, name)
	}
	return nil, nil
}

// decodedSize bounds what a field of an attribute takes in memory once decoded.
func decodedSize(x field) int {
	const header = 64
	if x.typ != protowire.BytesType {
		return 2 * 8 // a repeated field that is not packed grows by doubling
	}
	if x.num != 8 {
		return header + 2*len(x.bytes)
	}
	n := 0
	for _, c := range x.bytes {
		if c < 0x80 {
			n++
		}
	}
	return 8 * n
}

func parseValueInfo(b []byte) (valueInfo, error) {
	v := valueInfo{form: "untyped"}
	err := fields(b, func(x field) error {
		switch x.num {
		case 1:
			v.name = string(x.bytes)
		case 2:
			return fields(x.bytes, v.parseType)
		}
		return nil
	})
	if err == nil && v.name == "" {
		err = errors.New("an input or output has no name")
	}
	return v, err
}

func (v *valueInfo) parseType(x field) error {
	switch x.num {
	case 1:
		v.form = "tensor"
		return fields(x.bytes, func(x field) error {
			switch x.num {
			case 1:
				v.elem = int32(x.u64)
			case 2:
				v.known = true
				return fields(x.bytes, v.parseDim)
			}
			return nil
		})
	case 4:
		v.form = "sequence"
	case 5:
		v.form = "map"
	case 8:
		v.form = "sparse tensor"
	case 9:
		v.form = "optional"
	}
	return nil
}

const maxRank = 8

func (v *valueInfo) parseDim(x field) error {
	if x.num != 1 {
		return nil
	}
	if len(v.shape) == maxRank {
		return fmt.Errorf("%s has more than %d dimensions", v.name, maxRank)
	}
	dim := int64(-1)
	err := fields(x.bytes, func(x field) error {
		if x.num == 1 {
			dim = int64(x.u64)
		}
		return nil
	})
	v.shape = append(v.shape, dim)
	return err
}

// elemTypes maps TensorProto.DataType to the types that are scored.
var elemTypes = map[int32]model.ElemType{
	1: model.Float32, 6: model.Int32, 7: model.Int64, 8: model.String, 9: model.Bool, 11: model.Float64,
}

var elemNames = map[int32]string{
	0: "undefined", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 10: "float16", 12: "uint32", 13: "uint64",
	14: "complex64", 15: "complex128", 16: "bfloat16",
}

func elemName(t int32) string {
	if e, ok := elemTypes[t]; ok {
		return e.String()
	}
	if n, ok := elemNames[t]; ok {
		return n
	}
	return fmt.Sprintf("element type %d", t)
}
