package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/sql/types"
)

// specimen is a model of the zoo as SQL meets it: its rows, and what its own library says of them.
type specimen struct {
	names   []string // of the inputs' elements; of a single input without names: none
	columns [][]any  // by row: the elements of all inputs
	kinds   []string // SQL types of the elements
	input   string   // the name of the single input; "" if there are several
	want    [][]any  // by row: all outputs
}

// TestZooThroughSQL scores models of real libraries by every way to write their arguments, missing values and texts included, and
// compares with what the libraries predict.
func TestZooThroughSQL(t *testing.T) {
	r := newRig(t)
	for i, path := range []string{
		"onnx/testdata/mixed_columns.onnx", "onnx/testdata/ordinal.onnx", "onnx/testdata/text_columns.onnx", "onnx/testdata/integer_inputs.onnx",
		"onnx/testdata/imputer_pipeline.onnx", "onnx/testdata/hist_boosting_missing.onnx", "onnx/testdata/ridge_two_targets.onnx",
		"xgboost/testdata/binary.json", "xgboost/testdata/categorical.json", "lightgbm/testdata/regression.txt", "lightgbm/testdata/categorical_missing.txt",
	} {
		t.Run(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), func(t *testing.T) {
			r.t = t
			path = filepath.Join("../udf/model", path)
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("zoo%d", i)
			r.modelFile(name, file)
			r.must(fmt.Sprintf("CREATE MODEL %s WITH (URI='%s');", name, name))
			s := readSpecimen(t, path)
			r.meet(name, s)
		})
	}
}

// readSpecimen reads the rows beside a model's file.
func readSpecimen(t *testing.T, path string) *specimen {
	t.Helper()
	stem := strings.TrimSuffix(path, filepath.Ext(path))
	b, err := os.ReadFile(stem + ".rows.json")
	if err != nil {
		b, err = os.ReadFile(stem + ".json")
	}
	var file struct {
		Rows    int
		Input   []any
		Inputs  map[string][]any
		Outputs map[string][]any
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err == nil {
		err = dec.Decode(&file)
	}
	if err != nil {
		t.Fatal(err)
	}
	if file.Inputs == nil {
		file.Inputs = map[string][]any{"X": file.Input}
	}
	s := &specimen{columns: make([][]any, file.Rows), want: make([][]any, file.Rows)}
	for _, name := range slices.Sorted(maps.Keys(file.Inputs)) {
		values := file.Inputs[name]
		width := len(values) / file.Rows
		if s.input = name; width == 1 {
			s.names = append(s.names, name)
		}
		for e := range width {
			kind := "BIGINT"
			for row := range file.Rows {
				v := values[row*width+e]
				s.columns[row] = append(s.columns[row], v)
				if n, ok := v.(json.Number); ok && strings.ContainsAny(n.String(), ".e") {
					kind = "DOUBLE"
				} else if _, ok := v.(string); ok {
					kind = "STRING"
				}
			}
			s.kinds = append(s.kinds, kind)
		}
	}
	if len(file.Inputs) > 1 {
		s.input = ""
	}
	for _, name := range slices.Sorted(maps.Keys(file.Outputs)) { // labels come before probabilities
		width := len(file.Outputs[name]) / file.Rows
		for row := range file.Rows {
			s.want[row] = append(s.want[row], file.Outputs[name][row*width:(row+1)*width]...)
		}
	}
	return s
}

// meet scores the rows by a stream of scalars, an ARRAY and a STRUCT.
func (r *rig) meet(name string, s *specimen) {
	order := s.order(r.shape(name)) // of the elements, as the model has them
	var columns, scalars, fields, items []string
	for _, e := range order {
		scalars = append(scalars, fmt.Sprintf("c%d", e))
	}
	for e, kind := range s.kinds {
		columns = append(columns, fmt.Sprintf("c%d %s", e, kind))
	}
	single := s.input != "" && len(s.kinds) > 1
	if single {
		element := s.kinds[0]
		if slices.Contains(s.kinds, "DOUBLE") { // an ARRAY has one type
			element = "DOUBLE"
		}
		columns = append(columns, "f ARRAY<"+element+">")
		fields, items = []string{s.input + " ARRAY<" + element + ">"}, []string{s.input + " := f"}
	} else {
		for e, n := range slices.Backward(s.names) {
			fields = append(fields, "`"+n+"` "+s.kinds[e])
			items = append(items, fmt.Sprintf("`%s` := c%d", n, e))
		}
	}
	fields = append(fields, "other STRING")
	calls := []string{
		"PREDICT(%s, " + strings.Join(scalars, ", ") + ")", "ML_PREDICT('%s', " + strings.Join(scalars, ", ") + ")",
		"PREDICT(%s, STRUCT(" + strings.Join(items, ", ") + "))", "PREDICT(%s, s)",
	}
	if single {
		calls = append(calls, "PREDICT(%s, f)")
	}
	for i, c := range calls {
		calls[i] = fmt.Sprintf(c, name) + fmt.Sprintf(" AS p%d", i)
	}
	topic := name + "-rows"
	r.must(fmt.Sprintf("CREATE STREAM %s_rows (id STRING KEY, %s, s STRUCT<%s>) WITH (KAFKA_TOPIC='%s', VALUE_FORMAT='JSON', PARTITIONS=1);",
		name, strings.Join(columns, ", "), strings.Join(fields, ", "), topic))
	r.sendRows(topic, s, single)
	seen := 0
	for row := range r.values(fmt.Sprintf("SELECT id, %s FROM %s_rows EMIT CHANGES LIMIT %d;", strings.Join(calls, ", "), name, len(s.columns))) {
		seen++
		id, err := strconv.Atoi(row[0].(string))
		if err != nil {
			r.t.Fatal(err)
		}
		for i, got := range row[1:] {
			if diff := difference(flatten(nil, got), s.want[id]); !(diff <= 1e-5) {
				r.t.Fatalf("row %d by %s: %v, the library says %v", id, calls[i], got, s.want[id])
			}
		}
	}
	if seen != len(s.columns) {
		r.t.Errorf("%d rows of %d were scored", seen, len(s.columns))
	}
}

// shape is how DESCRIBE MODEL shows the inputs.
func (r *rig) shape(name string) string {
	var all []string
	for _, in := range r.must("DESCRIBE MODEL " + name + ";")[0].Body.(engine.ModelDescription).Inputs {
		all = append(all, in.Name)
	}
	return strings.Join(all, ",")
}

// order gives the elements in the order of the model's inputs.
func (s *specimen) order(shape string) []int {
	var order []int
	if s.input != "" {
		for e := range s.kinds {
			order = append(order, e)
		}
		return order
	}
	for name := range strings.SplitSeq(shape, ",") {
		order = append(order, slices.Index(s.names, name))
	}
	return order
}

func (r *rig) sendRows(topic string, s *specimen, single bool) {
	r.t.Helper()
	p := r.Kafka().NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	var batch kafka.ProduceBatch
	batch.Topic = topic
	for id, elements := range s.columns {
		row, fields := map[string]any{}, map[string]any{"other": "x"}
		for e, v := range elements {
			row[fmt.Sprintf("c%d", e)] = v
			if !single {
				fields[s.names[e]] = v
			}
		}
		if single {
			row["f"], fields[s.input] = elements, elements
		}
		row["s"] = fields
		value, err := json.Marshal(row)
		if err != nil {
			r.t.Fatal(err)
		}
		batch.Records = append(batch.Records, kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte(strconv.Itoa(id)), Value: value})
	}
	if err := p.Produce(r.t.Context(), batch); err != nil {
		r.t.Fatal(err)
	}
}

// values runs a query to its end.
func (r *rig) values(sql string) func(func([]any) bool) {
	return func(yield func([]any) bool) {
		ctx, cancel := context.WithTimeout(r.t.Context(), patience)
		defer cancel()
		rs, err := r.Query(ctx, engine.Request{SQL: sql, Properties: fromStart})
		if err != nil {
			r.t.Fatalf("%s\n%v", sql, err)
		}
		defer func() { _ = rs.Close() }()
		n := 0
		for {
			batch, err := rs.Next(ctx)
			if err != nil {
				if n == 0 || rs.Final() == "" {
					r.t.Errorf("%s: after %d rows: %v", sql, n, err)
				}
				return
			}
			for _, row := range batch {
				if n++; !yield(row.Values) {
					return
				}
			}
		}
	}
}

// flatten lists the scalars of a value.
func flatten(out []any, v any) []any {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			out = flatten(out, x)
		}
		return out
	case types.Map:
		for i := range v {
			out = append(out, v[i].Value)
		}
		return out
	}
	return append(out, v)
}

// difference is the largest one of two lists of scalars, relative above 1; infinite where they cannot be compared.
func difference(got, want []any) float64 {
	worst := 0.0
	if len(got) != len(want) {
		return math.Inf(1)
	}
	for i := range got {
		a, errA := strconv.ParseFloat(fmt.Sprint(got[i]), 64)
		b, errB := strconv.ParseFloat(fmt.Sprint(want[i]), 64)
		switch {
		case errA != nil || errB != nil:
			if fmt.Sprint(got[i]) != fmt.Sprint(want[i]) {
				return math.Inf(1)
			}
		case !(math.Abs(a-b)/max(1, math.Abs(b)) <= worst):
			worst = math.Abs(a-b) / max(1, math.Abs(b))
		}
	}
	return worst
}
