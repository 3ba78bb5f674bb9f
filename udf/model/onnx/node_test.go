package onnx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

// nodeTests names the folder that holds ONNX's own backend tests: node, simple and others, as `make onnx-node-tests` lays
// them out.
const nodeTests = "MILLRACE_ONNX_TESTS"

// fewestPassed is the number of official tests that passed when this was written; onnx 1.18.0 has 1,590.
const fewestPassed = 909

// TestOfficial runs ONNX's own backend tests. Each must be right or be refused by the name of what is not covered. The tests
// feed everything as an input, weights and shapes too; so each is also tried with all inputs but one as constants of the
// model, and every form that loads must be right.
func TestOfficial(t *testing.T) {
	root := os.Getenv(nodeTests)
	if root == "" {
		t.Skipf("skipped: %s names no folder; `make onnx-node-tests` sets it", nodeTests)
	}
	cases, err := filepath.Glob(filepath.Join(root, "*", "*", "model.onnx"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no tests in %s: %v", root, err)
	}
	passed, refused, forms := 0, map[string][]string{}, 0
	for _, path := range cases {
		dir := filepath.Dir(path)
		name := filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			n, reason := runOfficial(t, dir)
			forms += n
			if n > 0 {
				passed++
			} else {
				refused[reason] = append(refused[reason], name)
			}
		})
	}
	total := 0
	for _, reason := range slices.Sorted(maps.Keys(refused)) {
		total += len(refused[reason])
		t.Logf("refused %d: %s: %s", len(refused[reason]), reason, strings.Join(refused[reason], " "))
	}
	t.Logf("%d tests: %d passed (%d forms), %d refused by name", len(cases), passed, forms, total)
	if passed < fewestPassed {
		t.Errorf("%d passed, and %d did before", passed, fewestPassed)
	}
}

// runOfficial runs one test in all forms. It returns how many loaded, or why the test as it stands does not.
func runOfficial(t *testing.T, dir string) (loaded int, reason string) {
	b, err := os.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	data := readProtos(t, filepath.Join(dir, "test_data_set_0"), "input")
	for keep := -1; keep < len(data); keep++ {
		if keep == 0 && len(data) == 1 {
			break
		}
		form, names := b, inputNames(t, b)
		if len(names) < len(data) {
			t.Fatalf("%d inputs and %d files", len(names), len(data))
		}
		constants := map[string][]byte{}
		for i, d := range data {
			if keep >= 0 && i != keep {
				constants[names[i]] = d
			}
		}
		if keep >= 0 {
			form = withConstants(t, b, constants)
		}
		s, err := load(form, model.Options{})
		var u *model.UnsupportedError
		switch {
		case errors.As(err, &u):
			if keep < 0 || reason == "" {
				reason = strings.Join(u.Missing, "; ")
			}
			continue
		case err != nil && keep >= 0:
			continue // a constant that the declared shapes contradict, say
		case err != nil:
			t.Errorf("not refused by name: %v", err)
			continue
		}
		loaded++
		inputs := map[string][]byte{}
		for i, d := range data {
			inputs[names[i]] = d
		}
		if err := checkOfficial(t, s, inputs, readProtos(t, filepath.Join(dir, "test_data_set_0"), "output")); err != nil {
			t.Errorf("form %d: %v", keep, err)
		}
	}
	return loaded, reason
}

func readProtos(t *testing.T, dir, what string) [][]byte {
	t.Helper()
	var out [][]byte
	for i := 0; ; i++ {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%s_%d.pb", what, i)))
		if errors.Is(err, os.ErrNotExist) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
}

// inputNames lists the declared inputs of a model.
func inputNames(t *testing.T, b []byte) []string {
	t.Helper()
	var names []string
	err := fields(b, func(x field) error {
		if x.num != 7 {
			return nil
		}
		return fields(x.bytes, func(g field) error {
			if g.num != 11 {
				return nil
			}
			v, err := parseValueInfo(g.bytes)
			names = append(names, v.name)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// withConstants makes initializers of inputs.
func withConstants(t *testing.T, b []byte, constants map[string][]byte) []byte {
	t.Helper()
	var out []byte
	err := fields(b, func(x field) error {
		if x.num != 7 {
			out = append(out, x.whole...)
			return nil
		}
		var graph []byte
		err := fields(x.bytes, func(g field) error {
			if g.num == 11 {
				if v, err := parseValueInfo(g.bytes); err != nil || constants[v.name] != nil {
					return err
				}
			}
			graph = append(graph, g.whole...)
			return nil
		})
		for _, name := range slices.Sorted(maps.Keys(constants)) {
			graph = append(graph, msg(5, withoutName(constants[name]), str(8, name))...)
		}
		out = appendBytes(out, 7, graph)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func withoutName(tensor []byte) []byte {
	var out []byte
	_ = fields(tensor, func(x field) error {
		if x.num != 8 {
			out = append(out, x.whole...)
		}
		return nil
	})
	return out
}

// checkOfficial scores the inputs and compares with the outputs.
func checkOfficial(t *testing.T, s model.Scorer, inputs map[string][]byte, outputs [][]byte) error {
	t.Helper()
	sig, n := s.Signature(), 1
	in := make([]model.Column, len(sig.Inputs))
	for i, tensor := range sig.Inputs {
		v, err := decodeCase(inputs[tensor.Name])
		if err != nil {
			return err
		}
		if at := slices.Index(tensor.Shape, -1); at >= 0 {
			n = v.shape[at]
		}
		in[i] = columnOf(v.kind, stackRows(elementsOf(v.kind, v.data), v.shape, tensor.Shape))
	}
	out := make([]model.Column, len(sig.Outputs))
	if err := s.Score(context.Background(), in, n, out); err != nil {
		return err
	}
	if len(outputs) != len(out) {
		return fmt.Errorf("%d outputs, want %d", len(out), len(outputs))
	}
	for i, o := range sig.Outputs {
		want, err := decodeCase(outputs[i])
		if err != nil {
			return err
		}
		if want.kind != o.Type || len(want.shape) != len(o.Shape) {
			return fmt.Errorf("output %s of %s %v", o, want.kind, want.shape)
		}
		for d, length := range o.Shape {
			if int64(want.shape[d]) != length && (length >= 0 || want.shape[d] != n) {
				return fmt.Errorf("output %s of shape %v", o, want.shape)
			}
		}
		got := elementsOf(o.Type, out[i])
		for k, w := range stackRows(elementsOf(want.kind, want.data), want.shape, o.Shape) {
			if !near(got[k], w) {
				return fmt.Errorf("output %s: element %d is %v, want %v", o, k, got[k], w)
			}
		}
	}
	return nil
}

// stackRows moves the dimension that the shape marks with -1 to the front.
func stackRows(elements []any, dims []int, shape []int64) []any {
	at := slices.Index(shape, -1)
	if at < 1 {
		return elements
	}
	outer, n, inner := around(dims, at)
	out := make([]any, 0, len(elements))
	for r := range n {
		for o := range outer {
			out = append(out, elements[(o*n+r)*inner:][:inner]...)
		}
	}
	return out
}

// near compares as ONNX's own runner does.
func near(got, want any) bool {
	number := func(v any) (float64, bool) {
		switch v := v.(type) {
		case float32:
			return float64(v), true
		case float64:
			return v, true
		}
		return 0, false
	}
	g, ok := number(got)
	w, _ := number(want)
	if !ok {
		return got == want
	}
	return g == w || g != g && w != w || math.Abs(g-w) <= 1e-7+1e-3*math.Abs(w)
}

func elementsOf(kind model.ElemType, c model.Column) []any {
	switch kind {
	case model.Float32:
		return boxed(c.Float32)
	case model.Float64:
		return boxed(c.Float64)
	case model.Int64, model.Int32:
		return boxed(c.Int64)
	case model.Bool:
		return boxed(c.Bool)
	}
	return boxed(c.String)
}

func boxed[T any](s []T) []any {
	out := make([]any, len(s))
	for i, v := range s {
		out[i] = v
	}
	return out
}

func columnOf(kind model.ElemType, elements []any) model.Column {
	var c model.Column
	c.Resize(kind, len(elements))
	for i, e := range elements {
		switch v := e.(type) {
		case float32:
			c.Float32[i] = v
		case float64:
			c.Float64[i] = v
		case int64:
			c.Int64[i] = v
		case bool:
			c.Bool[i] = v
		case string:
			c.String[i] = v
		}
	}
	return c
}
