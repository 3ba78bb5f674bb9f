package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// FormatVersion is the version of the encoding that Marshal writes. Unmarshal reads this and every older one: plans are kept
// in the command log, and a server must execute what an earlier release wrote. Each version has a fixture in testdata.
const FormatVersion = 1

// maxPlanDepth bounds the nesting that Unmarshal follows: a stored plan is input like any other.
const maxPlanDepth = 1000

// The tags of the encoding. A tag, once released, is never renamed nor given another meaning.
var (
	nodeTags = tags[Node]{
		"source": &Source{}, "filter": &Filter{}, "project": &Project{}, "flatmap": &FlatMap{}, "rekey": &Rekey{},
		"repartition": &Repartition{}, "aggregate": &Aggregate{}, "join": &Join{}, "fkjoin": &ForeignKeyJoin{},
		"sink": &Sink{}, "result": &Result{},
	}
	exprTags = tags[Expr]{
		"column": &Column{}, "literal": &Literal{}, "arithmetic": &Arithmetic{}, "negate": &Negate{},
		"comparison": &Comparison{}, "and": &And{}, "or": &Or{}, "not": &Not{}, "isnull": &IsNull{}, "in": &In{},
		"like": &Like{}, "case": &Case{}, "cast": &Cast{}, "subscript": &Subscript{}, "field": &Field{},
		"array": &MakeArray{}, "map": &MakeMap{}, "struct": &MakeStruct{}, "lambda": &Lambda{}, "param": &LambdaParam{},
		"call": &Call{}, "predict": &Predict{}, "modelversion": &ModelVersion{},
	}
)

type tags[T any] map[string]T

func (t tags[T]) tag(v reflect.Value) string {
	for name, zero := range t {
		if reflect.TypeOf(zero) == v.Type() {
			return name
		}
	}
	panic(fmt.Sprintf("plan: no tag for %s", v.Type()))
}

type envelope struct {
	Version int             `json:"version"`
	Plan    json.RawMessage `json:"plan"`
}

// Marshal encodes a plan. The result is deterministic.
func Marshal(n Node) ([]byte, error) {
	e := encoder{}
	if err := e.value(reflect.ValueOf(&n).Elem()); err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return json.Marshal(envelope{Version: FormatVersion, Plan: e.Bytes()})
}

// SameExpr says whether two expressions are alike in all that a stored plan says of them: names, types, overloads.
func SameExpr(x, y Expr) bool {
	var a, b encoder
	return errors.Join(a.value(reflect.ValueOf(&x).Elem()), b.value(reflect.ValueOf(&y).Elem())) == nil && bytes.Equal(a.Bytes(), b.Bytes())
}

// Unmarshal decodes what Marshal wrote. It refuses unknown tags and fields, missing parts and columns out of range: what a plan does
// depends on all of it, so a release that adds a field makes plans that an earlier one does not run.
func Unmarshal(data []byte) (Node, error) {
	var head struct { // alone: a later version may have another envelope
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("decode plan: %w", err)
	}
	if head.Version > FormatVersion {
		return nil, fmt.Errorf("decode plan: it has version %d, and this release reads up to %d: a later release made it, run that one", head.Version, FormatVersion)
	}
	var env struct {
		Version int `json:"version"`
		Plan    any `json:"plan"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(&env); err != nil {
		return nil, fmt.Errorf("decode plan: %w", err)
	}
	if dec.More() {
		return nil, fmt.Errorf("decode plan: text behind the plan")
	}
	if env.Version < 1 {
		return nil, fmt.Errorf("decode plan: it has no version")
	}
	var n Node
	if err := decode(env.Plan, reflect.ValueOf(&n).Elem(), 0); err != nil {
		return nil, fmt.Errorf("decode plan: %w", err)
	}
	if err := Check(n); err != nil {
		return nil, fmt.Errorf("decode plan: %w", err)
	}
	return n, nil
}
