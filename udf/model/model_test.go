package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// echo is a scorer whose signature is free: it copies what it is given, so tests see how values travel.
type echo struct {
	sig   Signature
	calls int
}

func (e *echo) Signature() Signature { return e.sig }
func (e *echo) Close() error         { return nil }

func (e *echo) Score(_ context.Context, in []Column, rows int, out []Column) error {
	e.calls++
	for i, o := range e.sig.Outputs {
		n := rows * o.Width()
		if in[i].Len(o.Type) != n {
			return fmt.Errorf("input %d has %d elements, want %d", i, in[i].Len(o.Type), n)
		}
		out[i].Resize(o.Type, n)
		copy(out[i].Float32, in[i].Float32)
		copy(out[i].Int64, in[i].Int64)
		copy(out[i].String, in[i].String)
	}
	return nil
}

func same(tensors ...Tensor) *echo { return &echo{sig: Signature{Inputs: tensors, Outputs: tensors}} }

func vec(t *types.Type, values ...any) *vector.Vector {
	v := vector.New(t)
	for _, x := range values {
		v.Append(x)
	}
	return v
}

func repeat(t *types.Type, n int) []*types.Type {
	out := make([]*types.Type, n)
	for i := range out {
		out[i] = t
	}
	return out
}

var features = Tensor{Name: "X", Type: Float32, Shape: []int64{-1, 3}}

func TestBindRefusals(t *testing.T) {
	label := Tensor{Name: "colour", Type: String, Shape: []int64{-1, 1}}
	for _, c := range []struct {
		scorer Scorer
		args   []*types.Type
		want   string
	}{
		{same(features), repeat(types.Double, 2), "model FRAUD takes 3 numbers (input X: float[?,3]), got 2"},
		{same(features), repeat(types.Double, 4), "model FRAUD takes 3 numbers (input X: float[?,3]), got 4"},
		{
			same(features),
			[]*types.Type{types.Double, types.String, types.Double},
			"model FRAUD takes a number as argument 2 (input X: float[?,3]), got STRING",
		},
		{same(features, label), nil, "model FRAUD takes 4 arguments (inputs X: float[?,3], colour: string[?,1]), got 0"},
		{
			same(label),
			[]*types.Type{types.Bigint},
			"model FRAUD takes a string as argument 1 (input colour: string[?,1]), got BIGINT",
		},
	} {
		_, err := Bind("FRAUD", c.scorer, c.args)
		if err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
		var typed *ArgumentError
		if !errors.As(err, &typed) {
			t.Errorf("%v is no ArgumentError", err)
		}
	}
}

func TestResultTypes(t *testing.T) {
	scalar := Tensor{Name: "variable", Type: Float32, Shape: []int64{-1, 1}}
	label := Tensor{Name: "label", Type: Int64, Shape: []int64{-1}}
	proba := Tensor{Name: "probabilities", Type: Float32, Shape: []int64{-1, 2}}
	named := proba
	named.Keys = []string{"0", "1"}
	for want, outputs := range map[string][]Tensor{
		"DOUBLE":              {scalar},
		"BIGINT":              {label},
		"ARRAY<DOUBLE>":       {proba},
		"MAP<STRING, DOUBLE>": {named},
		"STRUCT<`LABEL` BIGINT, `PROBABILITIES` MAP<STRING, DOUBLE>>": {label, named},
	} {
		b, err := Bind("M", &echo{sig: Signature{Inputs: []Tensor{scalar}, Outputs: outputs}}, repeat(types.Int, 1))
		if err != nil {
			t.Fatal(err)
		}
		if b.Result.String() != want {
			t.Errorf("got %s, want %s", b.Result, want)
		}
	}
}

// TestScore checks every numeric type, NULL, const columns and the selection against the rules of the package comment.
func TestScore(t *testing.T) {
	s := same(features)
	dec := types.DecimalOf(4, 2)
	b, err := Bind("M", s, []*types.Type{types.Bigint, dec, types.Int})
	if err != nil {
		t.Fatal(err)
	}
	args := []*vector.Vector{
		vec(types.Bigint, int64(1), nil, int64(3), int64(4)),
		vec(dec, types.NewDecimal(125, 2), types.NewDecimal(250, 2), types.NewDecimal(5, 2), nil),
		vector.NewConst(types.Int, int32(7)),
	}
	out := vector.New(b.Result)
	if err := b.Score(context.Background(), args, 4, []int32{0, 1, 3}, out); err != nil {
		t.Fatal(err)
	}
	if s.calls != 1 {
		t.Errorf("the scorer was called %d times for one batch", s.calls)
	}
	nan := math.NaN()
	want := fmt.Sprint([]any{1.0, 1.25, 7.0}, []any{nan, 2.5, 7.0}, []any{4.0, nan, 7.0})
	if got := fmt.Sprint(out.Value(0), out.Value(1), out.Value(3)); got != want || out.Len() != 4 {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestScoreNullOfString(t *testing.T) {
	colour := Tensor{Name: "colour", Type: String, Shape: []int64{-1, 1}}
	size := Tensor{Name: "size", Type: Int64, Shape: []int64{-1, 1}}
	b, err := Bind("M", same(colour, size), []*types.Type{types.String, types.Bigint})
	if err != nil {
		t.Fatal(err)
	}
	args := []*vector.Vector{vec(types.String, "red", nil, "blue"), vec(types.Bigint, int64(1), int64(2), nil)}
	out := vector.New(b.Result)
	if err := b.Score(context.Background(), args, 3, nil, out); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(out.Value(0), out.Value(1), out.Value(2)), "[red 1] <nil> <nil>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	field := b.Field("COLOUR")
	text := vector.New(field.Result)
	if err := field.Score(context.Background(), args, 3, []int32{0, 1}, text); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%v %v %d", text.Value(0), text.Value(1), text.Len()); got != "red <nil> 3" {
		t.Errorf("the field alone gives %s", got)
	}
	if b.Field("ABSENT") != nil {
		t.Error("a field that does not exist was bound")
	}
}

func TestScoreAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
	scalar := Tensor{Name: "x", Type: Float32, Shape: []int64{-1, 1}}
	b, err := Bind("M", same(scalar), repeat(types.Double, 1))
	if err != nil {
		t.Fatal(err)
	}
	in := vector.New(types.Double)
	for i := range 256 {
		in.Append(float64(i))
	}
	out, args := vector.New(b.Result), []*vector.Vector{in}
	if n := testing.AllocsPerRun(50, func() {
		out.Reset()
		if err := b.Score(context.Background(), args, 256, nil, out); err != nil {
			t.Fatal(err)
		}
	}); n > 1 { // the pool may lose an element to the collector
		t.Errorf("%v allocations a batch", n)
	}
}

// TestBoxedRows: what is boxed of nested results shares nothing, whatever the result nests and whichever rows are scored, also of a vector that is used again.
func TestBoxedRows(t *testing.T) {
	list := Tensor{Name: "list", Type: Float32, Shape: []int64{-1, 3}}
	keyed := Tensor{Name: "keyed", Type: Float32, Shape: []int64{-1, 2}, Keys: []string{"a", "b"}}
	b, err := Bind("M", same(list, keyed), repeat(types.Double, 5))
	if err != nil {
		t.Fatal(err)
	}
	const rows = 53
	var args []*vector.Vector
	for k := range 5 {
		v := vector.New(types.Double)
		for r := range rows {
			v.Append(float64(10*r + k))
		}
		args = append(args, v)
	}
	out := vector.New(b.Result)
	for _, skip := range []int{3, rows} { // one in seven, none
		out.Reset()
		var sel []int32
		for r := range int32(rows) {
			if r%7 != int32(skip) {
				sel = append(sel, r)
			}
		}
		if err := b.Score(context.Background(), args, rows, sel, out); err != nil {
			t.Fatal(err)
		}
		boxedRows(t, out, rows, skip)
	}
}

// boxedRows checks the results of TestBoxedRows.
func boxedRows(t *testing.T, out *vector.Vector, rows, skip int) {
	for r := range rows {
		x := float64(10 * r)
		want := any([]any{[]any{x, x + 1, x + 2}, types.Map{{Key: "a", Value: x + 3}, {Key: "b", Value: x + 4}}})
		if r%7 == skip {
			want = nil
		}
		got := out.Value(r)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("row %d is %v, want %v", r, got, want)
		}
		if fields, ok := got.([]any); ok { // an append must not reach the next row
			_, _ = append(fields, nil), append(fields[0].([]any), nil)
		}
	}
}

type stub struct {
	name string
	err  error
}

func (s stub) Name() string { return s.name }

func (s stub) Load(context.Context, Artifact, Options) (Scorer, error) { return same(features), s.err }

func TestLoadChoosesBackend(t *testing.T) {
	lacking := stub{"a", fmt.Errorf("load: %w", &UnsupportedError{Backend: "a", Missing: []string{"operator Loop"}})}
	broken := stub{"b", errors.New("truncated")}
	good := stub{"c", nil}
	a := NewArtifact("m.onnx", []byte("x"))
	if v, err := Load(context.Background(), []Backend{lacking, good}, a, Options{}); err != nil || v.Backend != "c" {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := Load(context.Background(), []Backend{broken, good}, a, Options{}); err == nil {
		t.Error("a file that one backend finds broken was loaded by the next")
	}
	_, err := Load(context.Background(), []Backend{lacking}, a, Options{})
	if err == nil || !strings.Contains(err.Error(), "operator Loop") {
		t.Errorf("the refusal does not name the operator: %v", err)
	}
	if _, err := Load(context.Background(), []Backend{good}, a, Options{Backend: "ort"}); err == nil {
		t.Error("a backend that does not exist was found")
	}
	big := NewArtifact("big.onnx", make([]byte, 9))
	if _, err := Load(context.Background(), []Backend{good}, big, Options{MaxBytes: 8}); err == nil {
		t.Error("an artifact over the limit was loaded")
	}
}
