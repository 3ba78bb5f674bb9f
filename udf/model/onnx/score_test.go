package onnx

import (
	"context"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf/model"
)

// TestConcurrent scores every model from several goroutines at once; each must get what one alone gets.
func TestConcurrent(t *testing.T) {
	for _, path := range zoo(t) {
		scorer, s := loadFile(t, path), loadSample(t, path)
		sig, in := scorer.Signature(), s.columns(scorer.Signature())
		want := make([]model.Column, len(sig.Outputs))
		if err := scorer.Score(context.Background(), in, s.Rows, want); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				got := make([]model.Column, len(want))
				for range 20 {
					if err := scorer.Score(context.Background(), in, s.Rows, got); err != nil {
						t.Error(err)
					}
					for i, o := range sig.Outputs {
						if !sameBits(o.Type, got[i], want[i]) {
							t.Errorf("%s: %s differs", path, o.Name)
						}
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestAllocations wants none in a warm scorer, whatever the model but those of texts, whose words are new strings.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
	for _, path := range zoo(t) {
		if strings.HasPrefix(filepath.Base(path), "text_") {
			continue
		}
		scorer, s := loadFile(t, path), loadSample(t, path)
		in, out := s.columns(scorer.Signature()), make([]model.Column, len(scorer.Signature().Outputs))
		if n := testing.AllocsPerRun(20, func() {
			if err := scorer.Score(context.Background(), in, s.Rows, out); err != nil {
				t.Fatal(err)
			}
		}); n >= 1 {
			t.Errorf("%s: %v allocations a batch", path, n)
		}
	}
}

func TestScoreRefusesWrongSizes(t *testing.T) {
	s := loadFile(t, "testdata/logistic_binary.onnx")
	out := make([]model.Column, 2)
	if err := s.Score(context.Background(), []model.Column{{Float32: make([]float32, 59)}}, 2, out); err == nil {
		t.Error("59 numbers were taken for two rows of 30")
	}
	if err := s.Score(context.Background(), nil, 1, out); err == nil {
		t.Error("no input was taken for one")
	}
	if err := s.Score(context.Background(), []model.Column{{}}, 0, out); err != nil {
		t.Errorf("an empty batch: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Score(ctx, []model.Column{{Float32: make([]float32, 30)}}, 1, out); err == nil {
		t.Error("a cancelled call scored")
	}
}

// TestDemo scores the demo's held-out rows the way SQL does and compares with scikit-learn's own predictions.
func TestDemo(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shell", "demo", "data")
	binding, err := model.Bind("CANCER", loadFile(t, filepath.Join(dir, "cancer.onnx")), slices.Repeat([]*types.Type{types.Double}, 30))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := binding.Result.String(), "STRUCT<`LABEL` STRING, `PROBABILITIES` MAP<STRING, DOUBLE>>"; got != want {
		t.Fatalf("PREDICT returns %s, want %s", got, want)
	}
	rows, predictions := csvRows(t, filepath.Join(dir, "biopsies.csv")), csvRows(t, filepath.Join(dir, "predictions.csv"))
	args := make([]*vector.Vector, 30)
	var sel []int32
	for k := range args {
		args[k] = vector.New(types.Double)
	}
	for r, row := range rows {
		if row[1] == "held_out" {
			sel = append(sel, int32(r))
		}
		for k := range args {
			args[k].Append(parse(t, row[2+k]))
		}
	}
	out := vector.New(binding.Result)
	if err := binding.Score(context.Background(), args, len(rows), sel, out); err != nil {
		t.Fatal(err)
	}
	if len(sel) != len(predictions) {
		t.Fatalf("%d held-out rows, %d predictions", len(sel), len(predictions))
	}
	worst := 0.0
	for i, p := range predictions {
		fields := out.Value(int(sel[i])).([]any)
		malignant, _ := fields[1].(types.Map).Get("malignant")
		worst = max(worst, math.Abs(malignant.(float64)-parse(t, p[3])))
		if p[0] != rows[sel[i]][0] || fields[0] != p[1] {
			t.Errorf("row %s: %v, want %s for row %s", rows[sel[i]][0], fields[0], p[1], p[0])
		}
	}
	if !(worst <= 1e-5) {
		t.Errorf("differs from scikit-learn by %g", worst)
	}
	t.Logf("%d rows, max difference %.2g", len(sel), worst)
}

// csvRows reads the rows of a csv file behind its header.
func csvRows(t *testing.T, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// BenchmarkScore measures whole models. The network has the shape 16-64-32-1 with Relu and Sigmoid.
func BenchmarkScore(b *testing.B) {
	b.Run("logistic", func(b *testing.B) { benchmark(b, loadFile(b, "testdata/logistic_binary.onnx"), 30) })
	b.Run("mlp", func(b *testing.B) { benchmark(b, network(b, 16, 64, 32, 1), 16) })
	b.Run("forest", func(b *testing.B) { benchmark(b, loadFile(b, "testdata/random_forest_binary.onnx"), 30) })
}

func benchmark(b *testing.B, s model.Scorer, features int) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, rows := range []int{1, 16, 256} {
		b.Run("batch="+strconv.Itoa(rows), func(b *testing.B) {
			in := []model.Column{{Float32: make([]float32, rows*features)}}
			for i := range in[0].Float32 {
				in[0].Float32[i] = float32(r.NormFloat64())
			}
			out := make([]model.Column, len(s.Signature().Outputs))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Score(context.Background(), in, rows, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}

// network writes a file with dense layers of the widths and loads it.
func network(b *testing.B, widths ...int) model.Scorer {
	r := rand.New(rand.NewPCG(9, 9))
	weights := func(name string, dims ...int) []byte {
		t, n := slices.Concat(str(8, name), varint(2, 1)), 1
		for _, d := range dims {
			t = append(t, varint(1, int64(d))...)
			n *= d
		}
		data := make([]byte, 0, 4*n)
		for range n {
			v := math.Float32bits(float32(r.NormFloat64() / 8))
			data = append(data, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
		}
		return msg(5, t, appendBytes(nil, 9, data))
	}
	var graph []byte
	from := "X"
	for i := range widths[1:] {
		n := strconv.Itoa(i)
		act, to := "Relu", "h"+n
		if i == len(widths)-2 {
			act, to = "Sigmoid", "Y"
		}
		graph = slices.Concat(graph, weights("W"+n, widths[i], widths[i+1]), weights("B"+n, widths[i+1]),
			nodeOf("Gemm", "", []string{from, "W" + n, "B" + n}, []string{"g" + n}), nodeOf(act, "", []string{"g" + n}, []string{to}))
		from = to
	}
	s, err := load(slices.Concat(msg(8, str(1, ""), varint(2, 15)), msg(7, graph,
		tensorInfo(11, "X", 1, -1, int64(widths[0])), tensorInfo(12, "Y", 1, -1, 1))), model.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}
