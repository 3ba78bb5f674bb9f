package testdriver

import (
	"maps"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/pull"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf/builtin"
)

// TestPullAgrees compares what pull queries read in the stores with what the sink's topic holds in the end.
func TestPullAgrees(t *testing.T) {
	for name, query := range queries {
		if !strings.HasPrefix(query, "CREATE TABLE") || strings.Contains(query, "WINDOW") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d := New(Options{Functions: builtin.Registry()})
			for _, s := range append(strings.SplitAfter(sources, ";")[:4], query) {
				if err := d.Execute(s); err != nil {
					t.Fatal(err)
				}
			}
			for i, r := range inputs(1) {
				r.Offset = int64(i)
				d.Input(r)
			}
			q := d.queries[0]
			r, err := newRun(d, q)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.transaction(d.feed(r.topics)); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			for _, rec := range d.Outputs("O") {
				delete(want, string(rec.Key))
				if rec.Value != nil {
					want[string(rec.Key)] = string(rec.Value)
				}
			}
			if got := stored(t, d, r, q.Plan.(*plan.Sink)); !maps.Equal(got, want) {
				t.Errorf("stores hold %v, the topic %v", got, want)
			}
		})
	}
}

// stored reads the rows behind a sink as a pull query does, and writes them as the sink would.
func stored(t *testing.T, d *Driver, r *run, sink *plan.Sink) map[string]string {
	t.Helper()
	path, err := pull.NewPath(sink, pull.Compiler{Functions: d.opts.Functions, Expr: d.exprEnv()})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range r.tasks {
		id, ok := m.sub.StoreID(plan.IDOf(path.Store), "")
		if !ok {
			continue
		}
		kv, err := m.stores.KeyValue(id)
		if err != nil {
			t.Fatal(err)
		}
		var failed error
		err = kv.Range(nil, nil, func(key, value []byte) bool {
			failed = path.Add(key, 0, 0, value)
			return failed == nil
		})
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
	}
	b, err := path.Rows()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for i := range b.Rows() {
		k, v := written(t, sink, b, b.Row(i))
		out[k] = v
	}
	return out
}

// written is the key and value of a row as the sink writes them.
func written(t *testing.T, sink *plan.Sink, b *vector.Batch, row int) (key, value string) {
	t.Helper()
	var keys, values []format.Column
	for i, c := range sink.Out {
		col := format.Column{Name: c.Name, Type: c.Type, Target: i}
		if c.Role == plan.Key {
			keys = append(keys, col)
		} else {
			values = append(values, col)
		}
	}
	var text [2]string
	for i, side := range [][]format.Column{keys, values} {
		f := []plan.Format{sink.KeyFormat, sink.ValueFormat}[i]
		enc, err := format.NewEncoder(f, side, format.Options{Key: i == 0})
		if err != nil {
			t.Fatal(err)
		}
		data, err := enc.Append(nil, b.Cols, row)
		if err != nil {
			t.Fatal(err)
		}
		text[i] = string(data)
	}
	return text[0], text[1]
}
