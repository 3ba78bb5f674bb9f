package model

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/sql/types"
)

// input is one tensor and the arguments that fill it.
type input struct {
	tensor Tensor
	width  int
	first  int   // number of its first element among those of all inputs
	args   []int // by element: the argument; of an array the one argument that has them all
	array  bool

	ordered bool // args are consecutive numbers
}

// ArgumentError says what a PREDICT call should have been given.
type ArgumentError struct {
	Model    string
	Argument int // number of the wrong argument, from 0; -1: their count is wrong
	Message  string
}

func (e *ArgumentError) Error() string { return "model " + e.Model + " " + e.Message }

// bindArguments finds the arguments of each input: in their order, or the fields of the one STRUCT by their names.
func (b *Binding) bindArguments(name string, args []*types.Type) error {
	if len(args) == 1 && args[0].Kind == types.KindStruct {
		return b.bindFields(name, args[0].Fields)
	}
	next, elements := 0, 0
	for i := range b.inputs {
		in := &b.inputs[i]
		elements += in.width
		if in.array = next < len(args) && args[next].Kind == types.KindArray; in.array {
			in.args = []int{next}
			next++
			continue
		}
		for range in.width {
			in.args = append(in.args, next)
			next++
		}
	}
	if next != len(args) {
		return &ArgumentError{name, -1, fmt.Sprintf("takes %s, got %d", b.wants(elements), len(args))}
	}
	for i := range b.inputs {
		for _, a := range b.inputs[i].args {
			if err := b.inputs[i].check(name, a, fmt.Sprintf("argument %d", a+1), args[a]); err != nil {
				return err
			}
		}
	}
	return nil
}

// check says whether an input, or an element of it, can be filled by an argument.
func (in *input) check(name string, arg int, what string, t *types.Type) error {
	kind, wanted := t.Kind, argumentNames[in.tensor.Type]
	if in.array {
		kind, wanted = t.Elem.Kind, "an ARRAY of "+argumentNouns[in.tensor.Type]
	}
	if accepts(in.tensor.Type, kind) {
		return nil
	}
	return &ArgumentError{name, arg, fmt.Sprintf("takes %s as %s (input %s), got %s", wanted, what, in.tensor, t)}
}

// bindFields finds the field of each input, or of each of its elements, by the names that the model's file has. Fields that the model
// does not know are passed over.
func (b *Binding) bindFields(name string, fields []types.Field) error {
	for i := range b.inputs {
		in := &b.inputs[i]
		names := []string{in.tensor.Name}
		if f := findField(fields, in.tensor.Name); f >= 0 {
			in.array = fields[f].Type.Kind == types.KindArray
		}
		if in.width != 1 && !in.array {
			if names = in.tensor.Columns; len(names) != in.width {
				return &ArgumentError{name, 0, fmt.Sprintf("does not name the columns of input %s: give the STRUCT a field %s with an ARRAY of %d %s",
					in.tensor, fieldName(in.tensor.Name), in.width, argumentNouns[in.tensor.Type])}
			}
		}
		for e, n := range names {
			f := findField(fields, n)
			if f < 0 && len(in.tensor.Columns) == in.width {
				f = findField(fields, in.tensor.Columns[e])
			}
			if f < 0 {
				return &ArgumentError{name, 0, fmt.Sprintf("takes %s as field %s of the STRUCT (input %s), which has none of that name",
					argumentNames[in.tensor.Type], fieldName(n), in.tensor)}
			}
			if err := in.check(name, 0, "field "+fields[f].Name, fields[f].Type); err != nil {
				return err
			}
			in.args = append(in.args, f)
		}
	}
	return nil
}

// findField finds a field by a name in the model's file: by that name or, since people do not quote names, by what fieldName makes of it.
func findField(fields []types.Field, name string) int {
	for _, same := range []func(f string) bool{
		func(f string) bool { return f == name },
		func(f string) bool { return fieldName(f) == fieldName(name) },
	} {
		for i := range fields {
			if same(fields[i].Name) {
				return i
			}
		}
	}
	return -1
}

// fieldName makes a name one that needs no quotes: "sepal length" is SEPAL_LENGTH.
func fieldName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(name))
}

// wants says what a model takes, as "30 numbers (input X: float[?,30])".
func (b *Binding) wants(total int) string {
	noun := "arguments"
	inputs := make([]string, len(b.inputs))
	same := true
	for i, in := range b.inputs {
		inputs[i] = in.tensor.String()
		same = same && in.tensor.Type == b.inputs[0].tensor.Type
	}
	if same {
		noun = argumentNouns[b.inputs[0].tensor.Type]
	}
	if total == 1 {
		noun = strings.TrimSuffix(noun, "s")
	}
	word := "input"
	if len(inputs) > 1 {
		word = "inputs"
	}
	return fmt.Sprintf("%d %s (%s %s)", total, noun, word, strings.Join(inputs, ", "))
}

var argumentNouns = [...]string{
	Float32: "numbers", Float64: "numbers", Int64: "integers", Int32: "integers", Bool: "booleans", String: "strings",
}

var argumentNames = [...]string{
	Float32: "a number", Float64: "a number", Int64: "an integer", Int32: "an INTEGER", Bool: "a boolean", String: "a string",
}

// accepts says whether a column of the kind can fill a tensor. A bare NULL can fill any.
func accepts(t ElemType, k types.Kind) bool {
	switch {
	case k == types.KindNull:
		return true
	case t.IsFloat():
		return k.IsNumeric()
	case t == Int64:
		return k == types.KindInt || k == types.KindBigint
	case t == Int32:
		return k == types.KindInt
	case t == Bool:
		return k == types.KindBoolean
	}
	return k == types.KindString
}
