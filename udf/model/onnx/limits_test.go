package onnx

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

func intAttr(name string, v int64) []byte {
	return slices.Concat(str(1, name), varint(20, attrInt), varint(3, v))
}

func textAttr(name, v string) []byte {
	return slices.Concat(str(1, name), varint(20, attrString), str(4, v))
}

// scalar is a constant of one 64-bit integer without dimensions.
func scalar(name string, v int64) []byte { return msg(5, str(8, name), varint(2, 7), varint(7, v)) }

// doubled chains so many nodes of an operator, each taking what the one before gives twice.
func doubled(op string, n int) []byte {
	var b []byte
	last := "X"
	for i := range n {
		next := fmt.Sprint("d", i)
		b = append(b, nodeOf(op, "", []string{last, last}, []string{next})...)
		last = next
	}
	return append(b, nodeOf("Identity", "", []string{last}, []string{"Y"})...)
}

// textFile is fileOf with texts: X: string[?,1].
func textFile(parts ...[]byte) []byte {
	return slices.Concat(varint(1, 8), msg(8, str(1, ""), varint(2, 20)), msg(8, str(1, "com.microsoft"), varint(2, 1)),
		msg(7, slices.Concat(parts...), tensorInfo(11, "X", 8, -1, 1), tensorInfo(12, "Y", 8, -1, 1)))
}

// large makes L of X, nearly as large as a row may be: float[?,1<<20,3].
func large() []byte {
	return slices.Concat(integers("LD", 1, 1<<20, 3), integers("LA", 1),
		nodeOf("Unsqueeze", "", []string{"X", "LA"}, []string{"LU"}), nodeOf("Expand", "", []string{"LU", "LD"}, []string{"L"}))
}

// repeated is n nodes of an operator over the same inputs, each with an output that nobody reads.
func repeated(n int, op string, in []string, attrs ...[]byte) []byte {
	var b []byte
	for i := range n {
		b = append(b, nodeOf(op, "", in, []string{fmt.Sprint(op, i)}, attrs...)...)
	}
	return append(b, nodeOf("Identity", "", []string{"X"}, []string{"Y"})...)
}

// TestBombs gives each operator numbers that are gigantic, negative or overflow. All are refused with a reason, soon and in
// little memory.
func TestBombs(t *testing.T) {
	one := func(op string, in []string, attrs ...[]byte) []byte {
		return nodeOf(op, "", in, []string{"Y"}, attrs...)
	}
	image := slices.Concat(integers("IA", 1), nodeOf("Unsqueeze", "", []string{"X", "IA"}, []string{"I"}))    // float[?,1,3]
	sequence := slices.Concat(integers("SA", 0), nodeOf("Unsqueeze", "", []string{"X", "SA"}, []string{"S"})) // float[1,?,3]
	const huge = math.MaxInt64
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"Range", fileOf(scalar("a", 0), scalar("b", 1e12), scalar("c", 1), one("Range", []string{"a", "b", "c"})), "a range of 1e+12 elements"},
		{"Range by 0", fileOf(scalar("a", 0), scalar("b", 1), scalar("c", 0), one("Range", []string{"a", "b", "c"})), "a range of +Inf elements"},
		{"Range overflows", fileOf(scalar("a", math.MinInt64), scalar("b", huge), scalar("c", 1), one("Range", []string{"a", "b", "c"})), "a range of"},
		{"Expand", fileOf(integers("D", huge, 3), one("Expand", []string{"X", "D"})), "dimension 9223372036854775807"},
		{"Expand to much", fileOf(integers("D", 1<<21, 1, 3), one("Expand", []string{"X", "D"})), "too large"},
		{"Expand below 0", fileOf(integers("D", -7, 3), one("Expand", []string{"X", "D"})), "dimension -7"},
		{"ConstantOfShape", fileOf(integers("D", 1<<31, 1<<31, 1<<31), one("ConstantOfShape", []string{"D"})), "too large"},
		{"Tile", fileOf(integers("N", 1, huge), one("Tile", []string{"X", "N"})), "repeats of axis 1"},
		{"Tile by much", fileOf(integers("N", 1, 1<<22), one("Tile", []string{"X", "N"})), "more than 4194304 elements"},
		{"Tile below 0", fileOf(integers("N", 1, math.MinInt64), one("Tile", []string{"X", "N"})), "repeats of axis 1"},
		{"Pad", fileOf(integers("P", 0, 0, 0, huge), one("Pad", []string{"X", "P"})), "leave nothing, or too much"},
		{"Pad below 0", fileOf(integers("P", 0, 0, 0, math.MinInt64), one("Pad", []string{"X", "P"})), "leave nothing, or too much"},
		{"Pad overflows", fileOf(integers("P", 0, huge, 0, huge), one("Pad", []string{"X", "P"})), "leave nothing, or too much"},
		{"TopK", fileOf(integers("K", huge), one("TopK", []string{"X", "K"})), "9223372036854775807 of 3 elements"},
		{"TopK of much", fileOf(large(), integers("K", 1<<20), nodeOf("TopK", "", []string{"L", "K"}, []string{"Y"}, intAttr("axis", 1))), "steps a row"},
		{"OneHot", fileOf(scalar("n", huge), floats("V", 2), one("OneHot", []string{"X", "n", "V"})), "depth 9223372036854775807"},
		{"Gather", fileOf(scalar("i", math.MinInt64), one("Gather", []string{"X", "i"}, intAttr("axis", 1))), "index -9223372036854775808 of 3"},
		{"Gather axis", fileOf(scalar("i", 0), one("Gather", []string{"X", "i"}, intAttr("axis", math.MinInt64))), "axis -9223372036854775808"},
		{"GatherND tuples", fileOf(integers("i", 0, 0, 0, 0), one("GatherND", []string{"X", "i"})), "GatherND"},
		{"GatherND batch_dims", fileOf(integers("i", 0), one("GatherND", []string{"X", "i"}, intAttr("batch_dims", huge))), "indices of shape [1]"},
		{"ScatterND index", fileOf(floats("V", 3), integers("i", huge), floats("U"), one("ScatterND", []string{"V", "i", "U"})), "index 9223372036854775807 of 3"},
		{"Slice", fileOf(large(), integers("s", make([]int64, 2000)...), integers("e", slices.Repeat([]int64{huge}, 2000)...),
			integers("a", slices.Repeat([]int64{2}, 2000)...), nodeOf("Slice", "", []string{"L", "s", "e", "a"}, []string{"Y"})), "rearrangements of more than"},
		{"many slices", fileOf(large(), repeated(2000, "Slice", []string{"L", "s", "s"}), integers("s")), "rearrangements of more than"},
		{"many reductions", fileOf(large(), repeated(2000, "ReduceMax", []string{"L"}, intsAttr("axes", 1, 2))), "steps a row"},
		{"many results", fileOf(large(), repeated(30, "Exp", []string{"L"})), "intermediate values of a row"},
		{"many vocabularies", fileOf(nodeOf("Cast", "", []string{"X"}, []string{"W"}, intAttr("to", 7)), repeated(2000, "TfIdfVectorizer", []string{"W"},
			intsAttr("pool_int64s", 1), intsAttr("ngram_counts", 0), intsAttr("ngram_indexes", maxRowElements-1), textAttr("mode", "IDF"))), "intermediate values of a row"},
		{"sequences that skip", fileOf(large(), nodeOf("Cast", "", []string{"L"}, []string{"W"}, intAttr("to", 7)), integers("f", -1),
			nodeOf("Reshape", "", []string{"W", "f"}, []string{"F"}), one("TfIdfVectorizer", []string{"F"}, intsAttr("pool_int64s", 1), intAttr("max_skip_count", 1000),
				intsAttr("ngram_counts", 0), intsAttr("ngram_indexes", 0), textAttr("mode", "TF"))), "steps a row"},
		{"product", fileOf(large(), floats("W", 3, 4000), one("MatMul", []string{"L", "W"})), "steps a row"},
		{"Conv pads", fileOf(image, floats("K", 1, 1, 1), one("Conv", []string{"I", "K"}, intsAttr("pads", huge, huge))), "strides, dilations or pads"},
		{"Conv dilations", fileOf(image, floats("K", 1, 1, 2), one("Conv", []string{"I", "K"}, intsAttr("dilations", 1<<15))), "a window of 32769 over 3"},
		{"Conv groups", fileOf(image, floats("K", 1, 1, 1), one("Conv", []string{"I", "K"}, intAttr("group", -1))), "-1 groups"},
		{"ConvTranspose strides", fileOf(image, floats("K", 1, 1, 1), one("ConvTranspose", []string{"I", "K"}, intsAttr("strides", huge))), "strides, dilations or pads"},
		{"ConvTranspose output", fileOf(image, floats("K", 1, 1000, 1), one("ConvTranspose", []string{"I", "K"}, intsAttr("strides", 1<<15))), "too large"},
		{"pool kernel", fileOf(image, one("MaxPool", []string{"I"}, intsAttr("kernel_shape", huge))), "kernel_shape"},
		{"LSTM hidden size", fileOf(sequence, floats("W", 1, 4, 3), floats("R", 1, 4, 1), one("LSTM", []string{"S", "W", "R"}, intAttr("hidden_size", huge))), "a hidden size of"},
		{"LSTM of many steps", fileOf(large(), nodeOf("Transpose", "", []string{"L"}, []string{"S"}, intsAttr("perm", 1, 0, 2)), floats("W", 1, 1200, 3), floats("R", 1, 1200, 300),
			one("LSTM", []string{"S", "W", "R"})), "steps a row"},
		{"GRU of other weights", fileOf(sequence, floats("W", 1, 4, 3), floats("R", 1, 4, 1), one("GRU", []string{"S", "W", "R"})), "weights [1,4,3]"},
		{"doubled product", fileOf(large(), floats("Q", 3, 3), repeated(500, "MatMul", []string{"L", "Q"})), "intermediate values of a row"},
		{"Unsqueeze", fileOf(integers("A", huge), one("Unsqueeze", []string{"X", "A"})), "axes [9223372036854775807]"},
		{"DepthToSpace", fileOf(integers("A", 2, 3), nodeOf("Unsqueeze", "", []string{"X", "A"}, []string{"D"}), one("DepthToSpace", []string{"D"}, intAttr("blocksize", huge))), "squares of"},
		{"expression", textFile(one("RegexFullMatch", []string{"X"}, textAttr("pattern", strings.Repeat("(abcdefgh){1,900}", 4)))), "more than 16384 instructions"},
		{"expression of repeats", textFile(one("RegexFullMatch", []string{"X"}, textAttr("pattern", "((a{100}){100}){100}"))), "invalid repeat count"},
		{"deep expression", textFile(one("RegexFullMatch", []string{"X"}, textAttr("pattern", strings.Repeat("(", 5000)+strings.Repeat(")", 5000)))), "nests too deeply"},
		{
			"separators", textFile(nodeOf("Tokenizer", "com.microsoft", []string{"X"}, []string{"Y"}, stringsAttr("separators", slices.Repeat([]string{"abcdefgh"}, 3000)...))),
			"an expression of",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := load(c.file, model.Options{})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.200v, want %q", err, c.want)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 512 {
				t.Errorf("%d MB were allocated", mb)
			}
		})
	}
}

// scoreTexts scores rows of one text.
func scoreTexts(t *testing.T, s model.Scorer, texts ...string) ([]model.Column, error) {
	t.Helper()
	out := make([]model.Column, len(s.Signature().Outputs))
	return out, s.Score(context.Background(), []model.Column{{String: texts}}, len(texts), out)
}

// TestTextsThatGrow: a text that is doubled and doubled again is an error before it fills the memory, and short ones are not.
func TestTextsThatGrow(t *testing.T) {
	for depth, fails := range map[int]bool{10: false, 40: true} {
		s, err := load(textFile(doubled("StringConcat", depth)), model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := scoreTexts(t, s, "ab")
		if fails != (err != nil) || err != nil && !strings.Contains(err.Error(), "texts of more than 1048576 bytes a row") {
			t.Errorf("doubled %d times: %v", depth, err)
		}
		if !fails && len(out[0].String[0]) != 2<<depth {
			t.Errorf("doubled %d times: %d bytes", depth, len(out[0].String[0]))
		}
	}
}

// TestLongTexts: what is cut into words has a bounded length.
func TestLongTexts(t *testing.T) {
	f := slices.Concat(varint(1, 8), msg(8, str(1, ""), varint(2, 20)), msg(8, str(1, "com.microsoft"), varint(2, 1)), msg(7,
		nodeOf("Tokenizer", "com.microsoft", []string{"X"}, []string{"W"}, textAttr("tokenexp", "[a-z]+"), intAttr("mincharnum", 1), intAttr("mark", 0)),
		nodeOf("TfIdfVectorizer", "", []string{"W"}, []string{"Y"}, stringsAttr("pool_strings", "ab"), intsAttr("ngram_counts", 0), intsAttr("ngram_indexes", 0),
			textAttr("mode", "TF"), intAttr("min_gram_length", 1), intAttr("max_gram_length", 1), intAttr("max_skip_count", 0)),
		tensorInfo(11, "X", 8, -1, 1), tensorInfo(12, "Y", 1, -1, 1)))
	s, err := load(f, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := scoreTexts(t, s, "ab c ab", strings.Repeat("ab ", 1000))
	if err != nil || !slices.Equal(out[0].Float32, []float32{2, 1000}) {
		t.Errorf("%v, %v", out, err)
	}
	if _, err = scoreTexts(t, s, strings.Repeat("ab ", maxTextBytes)); err == nil || !strings.Contains(err.Error(), "a text of 3145728 bytes") {
		t.Errorf("a long text: %v", err)
	}
}

// TestStatesOfRows runs a constant sequence from states that rows give: each row has its own result.
func TestStatesOfRows(t *testing.T) {
	f := fileOf(floats("S", 2, 1, 1), floats("W", 1, 3, 1), floats("R", 1, 3, 3), integers("A", 0),
		nodeOf("Unsqueeze", "", []string{"X", "A"}, []string{"H"}), nodeOf("RNN", "", []string{"S", "W", "R", "", "", "H"}, []string{"", "Y"}))
	s, err := load(f, model.Options{})
	var u *model.UnsupportedError
	if errors.As(err, &u) {
		t.Fatalf("not covered: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := make([]model.Column, 1)
	if err := s.Score(context.Background(), []model.Column{{Float32: make([]float32, 9)}}, 3, out); err != nil || len(out[0].Float32) != 9 {
		t.Errorf("%v, %v", out, err)
	}
}
