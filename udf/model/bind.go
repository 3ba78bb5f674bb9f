package model

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/sql/types"
)

// Binding is one PREDICT call: a scorer with the types of its arguments checked, and the memory of its calls. What calls have in common
// is worked out here, once. It belongs to one goroutine.
type Binding struct {
	// Result is the SQL type of the call.
	Result *types.Type

	scorer   Scorer
	tolerant *tolerant // the scorer, if it is one
	inputs   []input
	outputs  []output
	single   bool // the result is the one output itself, not a STRUCT
	choosy   bool // there are inputs that cannot be made of every row's arguments
	// seen are the elements that statistics look at.
	seenIn, seenOut []seen
	scratch         scratch
}

// output is one tensor that the result shows.
type output struct {
	tensor Tensor
	width  int
	number int // in the signature
	result *types.Type
	keys   []any // boxed keys of a map
}

// Bind checks the argument types of PREDICT(name, args...) against a scorer's signature and works out the type of the
// result. The package comment has the rules.
func Bind(name string, s Scorer, args []*types.Type) (*Binding, error) {
	sig := s.Signature()
	b := &Binding{scorer: s, single: len(sig.Outputs) == 1}
	b.tolerant, _ = s.(*tolerant)
	first := 0
	for _, t := range sig.Inputs {
		b.inputs = append(b.inputs, input{tensor: t, width: t.Width(), first: first})
		first += t.Width()
	}
	if err := b.bindArguments(name, args); err != nil {
		return nil, err
	}
	if err := b.bindOutputs(name, sig.Outputs); err != nil {
		return nil, err
	}
	for i := range b.inputs {
		in := &b.inputs[i]
		b.choosy = b.choosy || in.array || !in.tensor.Type.IsFloat()
		in.ordered = len(in.args) > 0
		for k, a := range in.args {
			in.ordered = in.ordered && a == in.args[0]+k
		}
	}
	b.seenIn, b.seenOut = seenOf(sig.Inputs), seenOf(sig.Outputs)
	b.scratch = newScratch(sig)
	return b, nil
}

func (b *Binding) bindOutputs(name string, tensors []Tensor) error {
	var fields []types.Field
	for i, t := range tensors {
		o := output{tensor: t, width: t.Width(), number: i, result: resultType(t)}
		for _, k := range t.Keys {
			o.keys = append(o.keys, k)
		}
		b.outputs = append(b.outputs, o)
		field := strings.ToUpper(t.Name)
		for _, f := range fields {
			if f.Name == field {
				return fmt.Errorf("model %s has two outputs called %s", name, field)
			}
		}
		fields = append(fields, types.Field{Name: field, Type: o.result})
	}
	b.Result = types.StructOf(fields...)
	if b.single {
		b.Result = b.outputs[0].result
	}
	return nil
}

// resultType is the SQL type of an output.
func resultType(t Tensor) *types.Type {
	var elem *types.Type
	switch t.Type {
	case Float32, Float64:
		elem = types.Double
	case Int64, Int32:
		elem = types.Bigint
	case Bool:
		elem = types.Boolean
	case String:
		elem = types.String
	}
	switch {
	case t.Keys != nil:
		return types.MapOf(types.String, elem)
	case t.Width() == 1:
		return elem
	}
	return types.ArrayOf(elem)
}

// Field returns a binding of the same call that gives one field of its STRUCT alone, for PREDICT(...)->name; nil if
// the result is no STRUCT or has no such field. It spares making the fields that nobody reads.
func (b *Binding) Field(name string) *Binding {
	if b.single {
		return nil
	}
	for i, f := range b.Result.Fields {
		if f.Name == name {
			one := *b
			one.outputs, one.single, one.Result = b.outputs[i:i+1], true, b.outputs[i].result
			one.scratch = newScratch(b.scorer.Signature())
			return &one
		}
	}
	return nil
}
