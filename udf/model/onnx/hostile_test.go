package onnx

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millrace/millrace/udf/model"
)

func load(b []byte, o model.Options) (model.Scorer, error) {
	return Backend{}.Load(context.Background(), model.NewArtifact("test", b), o)
}

// The smallest pieces of a ModelProto, for files that no exporter writes.

func msg(num protowire.Number, parts ...[]byte) []byte {
	return appendBytes(nil, num, slices.Concat(parts...))
}
func str(num protowire.Number, s string) []byte { return appendBytes(nil, num, []byte(s)) }

func varint(num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), uint64(v))
}

func tensorInfo(num protowire.Number, name string, elem int64, dims ...int64) []byte {
	var shape []byte
	for _, d := range dims {
		var dim []byte
		if d >= 0 {
			dim = varint(1, d)
		}
		shape = append(shape, msg(1, dim)...)
	}
	return msg(num, str(1, name), msg(2, msg(1, varint(1, elem), msg(2, shape))))
}

func nodeOf(op, domain string, in, out []string, attrs ...[]byte) []byte {
	var b []byte
	for _, s := range in {
		b = append(b, str(1, s)...)
	}
	for _, s := range out {
		b = append(b, str(2, s)...)
	}
	b = append(b, str(4, op)...)
	b = append(b, str(7, domain)...)
	for _, a := range attrs {
		b = append(b, msg(5, a)...)
	}
	return msg(1, b)
}

func intsAttr(name string, v ...int64) []byte {
	b := slices.Concat(str(1, name), varint(20, attrInts))
	for _, i := range v {
		b = append(b, varint(8, i)...)
	}
	return b
}

func floatsAttr(name string, v ...uint32) []byte {
	b := slices.Concat(str(1, name), varint(20, attrFloats))
	for _, i := range v {
		b = protowire.AppendFixed32(protowire.AppendTag(b, 7, protowire.Fixed32Type), i)
	}
	return b
}

func stringsAttr(name string, v ...string) []byte {
	b := slices.Concat(str(1, name), varint(20, attrStrings))
	for _, s := range v {
		b = append(b, str(9, s)...)
	}
	return b
}

// fileOf makes a model with input X: float[?,3] and output Y.
func fileOf(parts ...[]byte) []byte {
	return slices.Concat(varint(1, 8), msg(8, str(1, ""), varint(2, 15)), msg(8, str(1, "ai.onnx.ml"), varint(2, 3)),
		msg(7, slices.Concat(parts...), tensorInfo(11, "X", 1, -1, 3), tensorInfo(12, "Y", 1, -1, 3)))
}

func treeNode(modes []string, whenTrue, whenFalse, features []int64) []byte {
	n := len(modes)
	ids, zeros := make([]int64, n), make([]int64, n)
	for i := range ids {
		ids[i] = int64(i)
	}
	return nodeOf("TreeEnsembleRegressor", "ai.onnx.ml", []string{"X"}, []string{"Y"},
		intsAttr("nodes_treeids", zeros...), intsAttr("nodes_nodeids", ids...), intsAttr("nodes_featureids", features...),
		floatsAttr("nodes_values", make([]uint32, n)...), stringsAttr("nodes_modes", modes...),
		intsAttr("nodes_truenodeids", whenTrue...), intsAttr("nodes_falsenodeids", whenFalse...),
		intsAttr("target_treeids", 0), intsAttr("target_nodeids", int64(n-1)), intsAttr("target_ids", 0),
		floatsAttr("target_weights", 0))
}

// TestRefuses gives files that are wrong in one way each, and wants the reason.
func TestRefuses(t *testing.T) {
	relu := func(in, out string) []byte { return nodeOf("Relu", "", []string{in}, []string{out}) }
	var bomb []byte
	for range 2000 {
		bomb = msg(6, msg(1, str(4, "If"), msg(5, str(1, "g"), varint(20, 5), bomb)))
		if len(bomb) > 1<<20 {
			break
		}
	}
	many := make([]string, 3000)
	for i := range many {
		many[i] = "X"
	}
	outs := make([]string, 3000)
	for i := range outs {
		outs[i] = "o" + strings.Repeat("x", i)
	}
	leaf := []string{"BRANCH_LEQ", "LEAF", "LEAF"}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "no graph"},
		{"text", []byte("this is not a model at all"), "malformed protobuf"},
		{"no nodes", fileOf(), "decode"},
		{"two graphs", slices.Concat(fileOf(relu("X", "Y")), msg(7)), "more than one graph"},
		{"cycle", fileOf(relu("b", "a"), relu("a", "b"), relu("X", "Y")), "cyclic or not in order"},
		{"self cycle", fileOf(relu("Y", "Y")), "cyclic or not in order"},
		{"defined twice", fileOf(relu("X", "Y"), relu("X", "Y")), "defined twice"},
		{"input redefined", fileOf(relu("X", "X"), relu("X", "Y")), "defined twice"},
		{"output never computed", fileOf(relu("X", "Z")), "output Y"},
		{"no output", slices.Concat(msg(7, relu("X", "Y"), tensorInfo(11, "X", 1, -1, 3))), "decode"},
		{"node without output", fileOf(nodeOf("Relu", "", []string{"X"}, nil)), "has no output"},
		{"too many edges", fileOf(nodeOf("Sum", "", many, outs)), "more than 4194304 edges"},
		{"gigantic constant", fileOf(msg(5, str(8, "W"), varint(2, 1), varint(1, 1<<30), varint(1, 2)),
			nodeOf("Add", "", []string{"X", "W"}, []string{"Y"})), "shape wants 2147483648 elements, the file has 0"},
		{"overflowing constant", fileOf(msg(5, str(8, "W"), varint(2, 1), varint(1, 1<<31), varint(1, 1<<31), varint(1, 1<<31)),
			nodeOf("Add", "", []string{"X", "W"}, []string{"Y"})), "too large"},
		{"negative dimension", fileOf(msg(5, str(8, "W"), varint(2, 1), varint(1, -5)),
			nodeOf("Add", "", []string{"X", "W"}, []string{"Y"})), "dimension -5"},
		{"external data", fileOf(msg(5, str(8, "W"), varint(2, 1), varint(14, 1), msg(13, str(1, "location"), str(2, "/etc/passwd"))),
			nodeOf("Add", "", []string{"X", "W"}, []string{"Y"})), "in another file"},
		{"lengths differ", fileOf(msg(5, str(8, "W"), varint(2, 1), varint(1, 4), appendBytes(nil, 9, make([]byte, 16))),
			nodeOf("Add", "", []string{"X", "W"}, []string{"Y"})), "lengths 3 and 4"},
		{"missing input", fileOf(nodeOf("Add", "", []string{"X"}, []string{"Y"}), relu("X", "Z")), ""},
		{"tree cycle", fileOf(treeNode(leaf, []int64{0, 0, 0}, []int64{2, 0, 0}, []int64{0, 0, 0})), "reached twice"},
		{"tree child", fileOf(treeNode(leaf, []int64{9, 0, 0}, []int64{2, 0, 0}, []int64{0, 0, 0})), "does not exist"},
		{"tree feature", fileOf(treeNode(leaf, []int64{1, 0, 0}, []int64{2, 0, 0}, []int64{3, 0, 0})), "does not exist"},
		{"tree lists", fileOf(treeNode(leaf, []int64{1, 0}, []int64{2, 0, 0}, []int64{0, 0, 0})), "differ in length"},
		{"sparse initializer", fileOf(msg(15), relu("X", "Y")), "sparse initializers"},
		{"nested graphs", fileOf(nodeOf("If", "", []string{"X"}, []string{"Y"}, slices.Concat(str(1, "g"), varint(20, 5), bomb))), "operator If"},
		{"gather index", fileOf(msg(5, str(8, "I"), varint(2, 7), varint(1, 1), varint(7, 99)),
			nodeOf("Gather", "", []string{"X", "I"}, []string{"Y"}, slices.Concat(str(1, "axis"), varint(20, attrInt), varint(3, 1)))), "index 99 of 3"},
		{"attribute of the wrong type", fileOf(nodeOf("Softmax", "", []string{"X"}, []string{"Y"}, floatsAttr("axis", 0))), "wrong type"},
		{"untyped attribute", fileOf(nodeOf("Softmax", "", []string{"X"}, []string{"Y"}, str(1, "axis"))), "has no type"},
		{"unknown attribute", fileOf(nodeOf("Relu", "", []string{"X"}, []string{"Y"}, intsAttr("trick", 1))), "attribute trick not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := load(c.file, model.Options{})
			if c.want == "" && err == nil {
				return
			}
			if err == nil {
				t.Fatalf("loaded as %v", s.Signature())
			}
			text := err.Error()
			var u *model.UnsupportedError
			if errors.As(err, &u) {
				text += " not covered"
			}
			if !strings.Contains(text, strings.TrimSuffix(c.want, " not")) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestLimit refuses a file by its size before anything else.
func TestLimit(t *testing.T) {
	b, err := os.ReadFile("testdata/mlp_binary.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load(b, model.Options{MaxBytes: len(b) - 1}); err == nil || !strings.Contains(err.Error(), "exceed the limit") {
		t.Errorf("got %v", err)
	}
	if _, err := load(b, model.Options{MaxBytes: len(b)}); err != nil {
		t.Errorf("a file of exactly the limit: %v", err)
	}
}

// TestNamesEverythingMissing loads models that are not covered, and wants each operator and form by name.
func TestNamesEverythingMissing(t *testing.T) {
	for file, want := range map[string][]string{
		"testdata/refused/neighbours.onnx": {"operator Scan"},
	} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = load(b, model.Options{})
		var u *model.UnsupportedError
		if !errors.As(err, &u) {
			t.Fatalf("%s: %v", file, err)
		}
		for _, w := range want {
			if !slices.Contains(u.Missing, w) {
				t.Errorf("%s: %q is not among %q", file, w, u.Missing)
			}
		}
	}
}

// TestTruncated cuts real files at many places: an error each time, never a panic. Only what stands behind the graph and
// the operator sets can be missing without harm.
func TestTruncated(t *testing.T) {
	for _, path := range zoo(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(b); n += 1 + len(b)/100 {
			if s, err := load(b[:n], model.Options{}); err == nil && n < len(b)-40 {
				t.Errorf("%s loaded from its first %d of %d bytes: %v", path, n, len(b), s.Signature())
			}
		}
	}
}

// TestMutated flips bytes of real files. Most results are refused; what loads must score without a panic.
func TestMutated(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	loaded, tried := 0, 0
	for _, path := range zoo(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			m := slices.Clone(b)
			for range 1 + r.IntN(3) {
				m[r.IntN(len(m))] = byte(r.Uint32())
			}
			tried++
			if scoreAnything(t, m) {
				loaded++
			}
		}
	}
	runtime.ReadMemStats(&after)
	t.Logf("%d of %d mutated files still load; %d MB allocated a file", loaded, tried, (after.TotalAlloc-before.TotalAlloc)>>20/uint64(tried))
}

// scoreAnything loads a file and, if it loads, scores a few rows of ones.
func scoreAnything(t testing.TB, b []byte) bool {
	s, err := load(b, model.Options{MaxBytes: 1 << 20})
	if err != nil {
		return false
	}
	sig := s.Signature()
	const n = 11
	in, out := make([]model.Column, len(sig.Inputs)), make([]model.Column, len(sig.Outputs))
	if s.(*program).work > 1<<24 {
		return true // a row may take as much, and a fuzzer has not the time
	}
	for i, tensor := range sig.Inputs {
		in[i].Resize(tensor.Type, n*tensor.Width())
		for k := range in[i].Float32 {
			in[i].Float32[k] = float32(k % 7)
		}
	}
	if err := s.Score(context.Background(), in, n, out); err == nil {
		for i, o := range sig.Outputs {
			if got, want := out[i].Len(o.Type), n*o.Width(); got != want {
				t.Errorf("output %s has %d elements, want %d", o, got, want)
			}
		}
	}
	return true
}

// FuzzLoad looks for files that panic, hang or fill the memory.
func FuzzLoad(f *testing.F) {
	for _, path := range zoo(f) {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 5000 { // small seeds mutate faster
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) { scoreAnything(t, b) })
}

// floats is a constant of the shape, filled with zeros.
func floats(name string, dims ...int64) []byte {
	t, n := slices.Concat(str(8, name), varint(2, 1)), 1
	for _, d := range dims {
		t, n = append(t, varint(1, d)...), n*int(d)
	}
	return msg(5, t, appendBytes(nil, 9, make([]byte, 4*n)))
}

// integers is a constant list.
func integers(name string, v ...int64) []byte {
	t := slices.Concat(str(8, name), varint(2, 7), varint(1, int64(len(v))))
	for _, i := range v {
		t = append(t, varint(7, i)...)
	}
	return msg(5, t)
}

// TestRefusesShapes gives operators operands of shapes that no exporter writes. What a small file asks for must not fill the memory
// before it is refused.
func TestRefusesShapes(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	ones := make([]int64, maxRank+1)
	for i := range ones {
		ones[i] = 1
	}
	lstm := func(more ...string) []byte {
		return slices.Concat(integers("A", 0), nodeOf("Unsqueeze", "", []string{"X", "A"}, []string{"S"}), floats("W", 1, 4, 3), floats("R", 1, 4, 1), floats("B"),
			nodeOf("LSTM", "", append([]string{"S", "W", "R"}, more...), []string{"Y"}))
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"scalar bias", fileOf(lstm("B")), "LSTM: a bias of shape []"},
		{"scalar peepholes", fileOf(lstm("", "", "", "", "B")), "LSTM: peepholes of shape []"},
		{"many dimensions", fileOf(integers("D", ones...), nodeOf("Reshape", "", []string{"X", "D"}, []string{"Y"})), "more than 8 dimensions"},
		{"outer product", fileOf(integers("D", 1<<20, 1, 1), integers("E", 1, 1<<8, 1), nodeOf("ConstantOfShape", "", []string{"D"}, []string{"a"}),
			nodeOf("ConstantOfShape", "", []string{"E"}, []string{"b"}), nodeOf("MatMul", "", []string{"b", "a"}, []string{"c"}),
			nodeOf("Add", "", []string{"X", "c"}, []string{"Y"})), "too large"},
	} {
		_, err := load(c.file, model.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	runtime.ReadMemStats(&after)
	if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 256 {
		t.Errorf("%d MB were allocated", mb)
	}
}
