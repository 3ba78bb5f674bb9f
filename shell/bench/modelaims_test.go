package bench

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/millrace/millrace/udf/model"
)

// TestModelAims: a file's operators say which aim its ratio is held against, and the summary counts and names.
func TestModelAims(t *testing.T) {
	var aims modelAims
	for name, ratio := range map[string]float64{"random_forest_regressor": 3.9, "boosters/xgboost_regressor": 4, "torch/mlp": 0.7, "torch/cnn": 0.1, "text_tfidf": 0.1} {
		file, err := os.ReadFile("../../udf/model/onnx/testdata/" + name + ".onnx")
		if err != nil {
			t.Fatal(err)
		}
		aims.ratio(file, name, ratio)
	}
	var out strings.Builder
	if err := aims.write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"aim: trees: direct/native at least 4: met 1 of 2; not by random_forest_regressor: 3.90\n",
		"aim: dense networks: direct/native at least 0.67: met 1 of 1\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary is %q, without %q", out.String(), want)
		}
	}
	if strings.Count(out.String(), "\n") != 2 {
		t.Errorf("the summary is %q: other models have no aim", out.String())
	}
}

// TestQueryTask: the task of the one query scores every row in calls of a batch, and writes what the scorer says; that of the other does not
// score.
func TestQueryTask(t *testing.T) {
	path := "../../udf/model/onnx/testdata/random_forest_regressor.onnx"
	s, _, err := loadNative(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModelQuery(path, s)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 2 * queryBatch
	x := make([]float32, rows*len(m.columns))
	for i := range x {
		x[i] = float32(i%97) / 128
	}
	out := make([]model.Column, 1)
	if err := s.Score(t.Context(), []model.Column{{Float32: x}}, rows, out); err != nil {
		t.Fatal(err)
	}
	for with, calls := range map[bool]int64{true: 2 * rows / queryBatch, false: 0} {
		q, err := newQueryTask(m, with, m.records(x, rows))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := q.process(); err != nil {
				t.Fatal(err)
			}
			for i, o := range q.task.Outputs() {
				want := float64(out[0].Float32[i])
				if !with {
					want = float64(x[i*len(m.columns)]) / 3
				}
				var got struct{ Y float64 }
				if err := json.Unmarshal(o.Value, &got); err != nil || math.Abs(got.Y-want) > 1e-3*math.Abs(want) {
					t.Fatalf("PREDICT %v: row %d gives %s, %v, want %g", with, i, o.Value, err, want)
				}
			}
			q.task.ResetOutputs()
		}
		q.task.Committed(q.task.State())
		if st := q.stats.Of(model.VersionID{Model: "IT", Version: 1}); st.Batches != calls || with && st.Rows != 2*rows {
			t.Errorf("PREDICT %v: %d rows in %d calls", with, st.Rows, st.Batches)
		}
	}
}

// TestModelQuery: the query and its counterpart read the same columns, which the records have; other models are refused.
func TestModelQuery(t *testing.T) {
	load := func(name string) (*modelQuery, error) {
		path := "../../udf/model/onnx/testdata/" + name + ".onnx"
		s, _, err := loadNative(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		return newModelQuery(path, s)
	}
	m, err := load("random_forest_regressor")
	if err != nil {
		t.Fatal(err)
	}
	with, without := m.query(true), m.query(false)
	if strings.Replace(with, "PREDICT(it, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10)", "x1 / 3", 1) != without {
		t.Errorf("the queries differ in more than PREDICT:\n%s\n%s", with, without)
	}
	want := `{"X1":0.500000,"X2":1.500000,"X3":2.500000,"X4":3.500000,"X5":4.500000,"X6":5.500000,"X7":6.500000,"X8":7.500000,"X9":8.500000,"X10":9.500000}`
	var x []float32
	for i := range 10 {
		x = append(x, float32(i)+0.5)
	}
	if got := m.records(x, 1); string(got[0]) != want {
		t.Errorf("a record is %s, want %s", got[0], want)
	}
	if _, err := load("mlp_binary"); err == nil || !strings.Contains(err.Error(), "return a DOUBLE") {
		t.Errorf("a model that returns a STRUCT: %v", err)
	}
}
