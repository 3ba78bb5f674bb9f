package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/pull"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
)

// pullBatch is how many stored rows are filtered and projected at a time.
const pullBatch = 1024

// pull answers a pull query on a table from the state of the query behind it.
func (e *Engine) pull(ctx context.Context, q *analyzer.PullQuery, text string) (ResultSet, error) {
	running, ok := e.queries.Find(q.Query)
	if !ok {
		return nil, fmt.Errorf("query %s, which keeps table %s, does not run here", q.Query, q.Source.Name)
	}
	t := &tablePull{e: e, q: q, compiler: pull.Compiler{Functions: e.functions, Expr: e.exprEnv()}}
	var err error
	if t.path, err = pull.NewPath(running.Topology.Root, t.compiler); err != nil {
		return nil, err
	}
	if err := t.compile(running.Topology.Root); err != nil {
		return nil, err
	}
	if t.lookups, err = t.constants(q.Lookups); err != nil {
		return nil, err
	}
	t.s = newStream(PullResult, text, q.Limit)
	t.s.silent = true
	for _, it := range q.Items {
		c := ResultColumn{Name: it.Name, Type: it.Expr.Type(), Key: it.Role == plan.Key || it.Role == plan.WindowBound}
		if col, ok := it.Expr.(*plan.Column); ok && q.Columns[col.Index].Role == plan.HeaderValue {
			c.Header, c.HeaderKey = true, headerKey(q.Source, q.Columns[col.Index].Name)
		}
		t.s.columns = append(t.s.columns, c)
		t.s.keys = append(t.s.keys, true)
	}
	return t.s, e.launch(ctx, t.s, q.Source.Name, func(ctx context.Context) error {
		for _, view := range running.Views(t.path.Store) {
			if err := t.partition(ctx, view); err != nil {
				e.cluster.Distrust(err)
				return err
			}
		}
		return nil
	})
}

// headerKey is the header that a column of a source holds; "" if it holds them all.
func headerKey(src *catalog.Source, column string) string {
	if at := src.Schema.Find(column); at >= 0 {
		return src.Schema.Columns[at].HeaderKey
	}
	return ""
}

// tablePull is a pull query at work; it belongs to the goroutine of its stream.
type tablePull struct {
	e        *Engine
	q        *analyzer.PullQuery
	s        *stream
	compiler pull.Compiler
	path     *pull.Path
	columns  []int // of the path's rows, in the order of q.Columns; the last may be ROWTIME
	filter   operator.Evaluator
	items    []operator.Evaluator
	project  []int
	lookups  []lookup
	pending  int
}

// lookup is an analyzer.Lookup with its constants evaluated.
type lookup struct {
	key        []byte // nil: all keys
	start, end bounds
}

// bounds are an inclusive range of times.
type bounds struct{ low, high int64 }

func (t *tablePull) compile(root plan.Node) error {
	env := *t.compiler.Expr
	env.Place.Columns = t.q.Columns
	cols := root.Columns()
	if s, ok := root.(*plan.Sink); ok {
		cols = s.Input.Columns()
	}
	for _, c := range t.q.Columns {
		at := plan.Find(cols, c.Name)
		if at < 0 && c.Role == plan.Pseudo {
			at = len(cols)
		}
		if at < 0 {
			return fmt.Errorf("table %s: its query keeps no column %s", t.q.Source.Name, c.Name)
		}
		t.columns = append(t.columns, at)
	}
	var err error
	if t.q.Filter != nil {
		if t.filter, err = expr.Compile(t.q.Filter, &env); err != nil {
			return err
		}
	}
	for i, it := range t.q.Items {
		ev, err := expr.Compile(it.Expr, &env)
		if err != nil {
			return err
		}
		t.items, t.project = append(t.items, ev), append(t.project, i)
	}
	return nil
}

// pullPatience is how long a pull query waits for a task that starts, moves or is restored.
const pullPatience = 10 * time.Second

// await opens a view, trying again while its task is on its way here.
func await(ctx context.Context, open func() (*state.View, error)) (*state.View, error) {
	for deadline := time.Now().Add(pullPatience); ; {
		v, err := open()
		if !errors.Is(err, cluster.ErrNotHere) || time.Now().After(deadline) {
			return v, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// partition reads one partition of the store.
func (t *tablePull) partition(ctx context.Context, open func() (*state.View, error)) error {
	v, err := await(ctx, open)
	if err != nil {
		return err
	}
	defer v.Close()
	if len(t.lookups) == 0 {
		t.lookups = []lookup{{start: everything, end: everything}}
	}
	for _, l := range t.lookups {
		if err := t.read(ctx, v, l); err != nil {
			return err
		}
	}
	return t.emit()
}

func (t *tablePull) read(ctx context.Context, v *state.View, l lookup) error {
	var failed error
	add := func(key []byte, start, end int64, value []byte) bool {
		if failed = t.path.Add(key, start, end, value); failed == nil {
			if t.pending++; t.pending >= pullBatch {
				failed = t.emit()
			}
		}
		if failed == nil {
			failed = ctx.Err()
		}
		return failed == nil
	}
	var err error
	switch v.Spec().Kind {
	case state.KeyValue:
		err = readKeyValue(v, l, add)
	case state.Window:
		err = readWindow(v, l, add)
	case state.Session:
		err = readSession(v, l, add)
	case state.Join:
		err = &pull.NotStoredError{What: t.q.Source.Name}
	}
	if failed != nil {
		return failed
	}
	return err
}

type adder func(key []byte, start, end int64, value []byte) bool

func readKeyValue(v *state.View, l lookup, add adder) error {
	kv, err := v.KeyValue()
	if err != nil {
		return err
	}
	if l.key == nil {
		return kv.Range(nil, nil, func(k, value []byte) bool { return add(k, 0, 0, value) })
	}
	value, err := kv.Get(l.key)
	if err == nil && value != nil {
		add(l.key, 0, 0, value)
	}
	return err
}

func readWindow(v *state.View, l lookup, add adder) error {
	w, err := v.Window()
	if err != nil {
		return err
	}
	if l.key == nil {
		return w.Scan(l.start.low, l.start.high, func(start int64, k, value []byte) bool { return add(k, start, 0, value) })
	}
	return w.Fetch(l.key, l.start.low, l.start.high, func(start int64, value []byte) bool { return add(l.key, start, 0, value) })
}

func readSession(v *state.View, l lookup, add adder) error {
	s, err := v.Session()
	if err != nil {
		return err
	}
	if l.key == nil {
		return s.Scan(l.end.low, l.end.high, func(start, end int64, k, value []byte) bool { return add(k, start, end, value) })
	}
	return s.Fetch(l.key, l.end.low, l.start.high, func(start, end int64, value []byte) bool { return add(l.key, start, end, value) })
}

// emit filters and projects what was read and hands it to the client.
func (t *tablePull) emit() error {
	if t.pending == 0 {
		return nil
	}
	t.pending = 0
	b, err := t.path.Rows()
	if err != nil {
		return err
	}
	timed := pull.WithTime(b)
	rows := *b
	rows.Cols = make([]*vector.Vector, len(t.columns))
	for i, at := range t.columns {
		rows.Cols[i] = timed.Cols[at]
		if t.q.Columns[i].Role == plan.Value && losesNulls(t.q.Source.ValueFormat) {
			rows.Cols[i] = withoutNulls(rows.Cols[i], b.N)
		}
	}
	kept := &rows
	if t.filter != nil {
		v, err := t.filter.Eval(kept)
		if err != nil {
			return err
		}
		kept = pull.Keep(kept, v)
	}
	if kept.Rows() == 0 {
		return nil
	}
	out := *kept
	out.Cols = make([]*vector.Vector, len(t.items))
	for i, ev := range t.items {
		if out.Cols[i], err = ev.Eval(kept); err != nil {
			return err
		}
	}
	return t.s.take(&out, t.project)
}
