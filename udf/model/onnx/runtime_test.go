package onnx

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/ort"
)

// fewestPassedByRuntime is the number of official tests that passed through ONNX Runtime 1.31.1 when this was written.
const fewestPassedByRuntime = 1029

// runtimeBackend is ONNX Runtime, where there is a library to compare with.
func runtimeBackend(t *testing.T) ort.Backend {
	t.Helper()
	b := ort.Backend{Path: os.Getenv("MILLRACE_ONNXRUNTIME")}
	if b.Path == "" {
		t.Skip("skipped: MILLRACE_ONNXRUNTIME names no library; `make test-ort` sets it")
	}
	if _, err := b.Open(); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRuntimeOfficial runs ONNX's own backend tests through ONNX Runtime, as this program calls it. Where the native backend covers
// a test too, both must be right; where it does not, ONNX Runtime may see an operator otherwise than the tests, and some outputs have
// as many elements as the values of the inputs say, which no signature can have.
func TestRuntimeOfficial(t *testing.T) {
	b := runtimeBackend(t)
	root := os.Getenv(nodeTests)
	if root == "" {
		t.Skipf("skipped: %s names no folder; `make test-ort` sets it", nodeTests)
	}
	cases, err := filepath.Glob(filepath.Join(root, "*", "*", "model.onnx"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no tests in %s: %v", root, err)
	}
	counts := map[string]int{}
	for _, path := range cases {
		dir := filepath.Dir(path)
		name := filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
		outcome, err := runByRuntime(t, b, dir)
		counts[outcome]++
		if err != nil {
			t.Logf("%s: %s: %v", outcome, name, err)
		}
		file, err2 := os.ReadFile(path)
		if err2 != nil {
			t.Fatal(err2)
		}
		if _, native := load(file, model.Options{}); native == nil {
			counts["native too: "+outcome]++
			if outcome == "wrong" {
				t.Errorf("%s is covered by the native backend, and ONNX Runtime finds something else: %v", name, err)
			}
		}
	}
	t.Logf("%d tests: %v", len(cases), counts)
	if counts["passed"] < fewestPassedByRuntime {
		t.Errorf("%d passed, and %d did before", counts["passed"], fewestPassedByRuntime)
	}
}

// runByRuntime runs one test and says how that went.
func runByRuntime(t *testing.T, b ort.Backend, dir string) (outcome string, err error) {
	file, err := os.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Load(context.Background(), model.NewArtifact(dir, file), model.Options{})
	var u *model.UnsupportedError
	switch {
	case errors.As(err, &u):
		return "refused", err
	case err != nil:
		return "not loaded", err
	}
	defer s.Close()
	names, inputs, data := inputNames(t, file), map[string][]byte{}, filepath.Join(dir, "test_data_set_0")
	for i, d := range readProtos(t, data, "input") {
		inputs[names[i]] = d
	}
	err = checkOfficial(t, s, inputs, readProtos(t, data, "output"))
	switch {
	case err == nil:
		return "passed", nil
	case strings.Contains(err.Error(), " shape "): // of an output
		return "of a shape that depends on values", err
	}
	return "wrong", err
}

// TestRuntimeZoo compares the backends on the models of real libraries, whose own predictions the native one is compared with
// elsewhere.
func TestRuntimeZoo(t *testing.T) {
	b := runtimeBackend(t)
	for _, path := range zoo(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".onnx"), func(t *testing.T) {
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := b.Load(context.Background(), model.NewArtifact(path, file), model.Options{})
			if err != nil && strings.Contains(err.Error(), "locale") {
				t.Skipf("skipped: ONNX Runtime wants a locale of the system for texts: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			native, rows := loadFile(t, path), loadSample(t, path)
			if got, want := signatureText(s.Signature()), signatureText(native.Signature()); got != want {
				t.Errorf("signature %s, native %s", got, want)
			}
			compareScores(t, s, native, rows)
		})
	}
}

func signatureText(sig model.Signature) string {
	var list []string
	for _, t := range slices.Concat(sig.Inputs, sig.Outputs) {
		list = append(list, fmt.Sprint(t.Name, " ", t.Type, t.Width(), t.Keys))
	}
	return strings.Join(list, "; ")
}

func compareScores(t *testing.T, a, b model.Scorer, s sample) {
	t.Helper()
	in := s.columns(b.Signature())
	got, want := make([]model.Column, len(a.Signature().Outputs)), make([]model.Column, len(b.Signature().Outputs))
	if err := errors.Join(a.Score(context.Background(), in, s.Rows, got), b.Score(context.Background(), in, s.Rows, want)); err != nil {
		t.Fatal(err)
	}
	for i, o := range b.Signature().Outputs {
		g, w := elementsOf(o.Type, got[i]), elementsOf(o.Type, want[i])
		if len(g) != len(w) {
			t.Fatalf("output %s has %d elements, native %d", o.Name, len(g), len(w))
		}
		for k := range w {
			if f, ok := w[k].(float32); ok && math.Abs(float64(f-g[k].(float32))) <= 1e-5*max(1, math.Abs(float64(f))) {
				continue
			}
			if !near(g[k], w[k]) {
				t.Errorf("output %s: element %d is %v, native %v", o.Name, k, g[k], w[k])
			}
		}
	}
}

// decodeCase decodes a tensor of a test, also of types that the native backend does not have, as the widest like it.
func decodeCase(b []byte) (*tensor, error) {
	v, err := decodeTensor(b, func(int) error { return nil })
	var form *formError
	if !errors.As(err, &form) {
		return v, err
	}
	v = &tensor{}
	var elem uint64
	var raw []byte
	err = fields(b, func(f field) error {
		switch f.num {
		case 1:
			dims, err := f.varints(nil)
			for _, d := range dims {
				v.shape = append(v.shape, int(d))
			}
			return err
		case 2:
			elem = f.u64
		case 9:
			raw = f.bytes
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	size := map[uint64]int{2: 1, 3: 1, 4: 2, 5: 2, 10: 2, 12: 4, 13: 8}[elem]
	if size == 0 || len(raw) != size*product(v.shape) {
		return nil, fmt.Errorf("%w, in %d bytes of shape %v", form, len(raw), v.shape)
	}
	v.kind = map[uint64]model.ElemType{10: model.Float32, 12: model.Int64, 13: model.Int64}[elem]
	if elem < 10 {
		v.kind = model.Int32
	}
	for ; len(raw) > 0; raw = raw[size:] {
		word := binary.LittleEndian.Uint64(append(slices.Clone(raw[:size]), make([]byte, 8)...))
		switch elem {
		case 3:
			v.data.Int64 = append(v.data.Int64, int64(int8(word)))
		case 5:
			v.data.Int64 = append(v.data.Int64, int64(int16(word)))
		case 10:
			v.data.Float32 = append(v.data.Float32, halfValue(uint16(word)))
		default:
			v.data.Int64 = append(v.data.Int64, int64(word))
		}
	}
	return v, nil
}

// halfValue is the number that a binary16 stands for, by its definition.
func halfValue(h uint16) float32 {
	v, exponent := float64(h&0x3ff)/1024, int(h>>10&31)
	switch exponent {
	case 31:
		v = math.Inf(1)
		if h&0x3ff != 0 {
			v = math.NaN()
		}
	case 0:
		v = math.Ldexp(v, -14)
	default:
		v = math.Ldexp(1+v, exponent-15)
	}
	return float32(math.Copysign(v, 1-float64(h>>15)*2))
}
