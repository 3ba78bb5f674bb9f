package engine

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/pull"
	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
)

// pullBatch is how many stored rows are filtered and projected at a time.
const pullBatch = 1024

// pull answers a pull query on a table from the state of the query behind it, wherever its partitions are.
func (e *Engine) pull(ctx context.Context, ses *session, q *analyzer.PullQuery, text string) (ResultSet, error) {
	t, err := e.tablePull(q)
	if err != nil {
		return nil, err
	}
	s := newStream(PullResult, text, q.Limit)
	s.silent = true
	s.columns = t.columns()
	for range s.columns {
		s.keys = append(s.keys, true)
	}
	t.take = func(b *vector.Batch) error { return s.take(b, t.project) }
	t.where(ses)
	return s, e.launch(ctx, s, q.Source.Name, func(ctx context.Context) error {
		return newRoute(t, &pull.Request{
			Service: e.opts.Service, Command: e.applied.Load(), SQL: text, Properties: ses.props,
			Query: t.running.Topology.Query, Columns: t.schema(), Standby: t.standby, MaxLag: t.maxLag,
		}).run(ctx)
	})
}

// tablePull prepares a pull query for work, here or for another server.
func (e *Engine) tablePull(q *analyzer.PullQuery) (*tablePull, error) {
	running, ok := e.queries.Find(q.Query)
	if !ok {
		return nil, fmt.Errorf("query %s, which keeps table %s, does not run here", q.Query, q.Source.Name)
	}
	t := &tablePull{e: e, q: q, running: running, compiler: pull.Compiler{Functions: e.functions(), Expr: e.exprEnv()}}
	var err error
	if t.path, err = pull.NewPath(running.Topology.Root, t.compiler); err != nil {
		return nil, err
	}
	if t.sub, t.store, ok = running.StoreOf(t.path.Store); !ok {
		return nil, &pull.NotStoredError{What: q.Source.Name}
	}
	if err := t.compile(running.Topology.Root); err != nil {
		return nil, err
	}
	t.lookups, err = t.constants(q.Lookups)
	return t, err
}

// columns describes the result.
func (t *tablePull) columns() []ResultColumn {
	list := make([]ResultColumn, 0, len(t.q.Items))
	for _, it := range t.q.Items {
		c := ResultColumn{Name: it.Name, Type: it.Expr.Type(), Key: it.Role == plan.Key || it.Role == plan.WindowBound}
		if col, ok := it.Expr.(*plan.Column); ok && t.q.Columns[col.Index].Role == plan.HeaderValue {
			c.Header, c.HeaderKey = true, headerKey(t.q.Source, t.q.Columns[col.Index].Name)
		}
		list = append(list, c)
	}
	return list
}

// types are those of the result.
func (t *tablePull) types() []*types.Type {
	list := make([]*types.Type, 0, len(t.q.Items))
	for _, it := range t.q.Items {
		list = append(list, it.Expr.Type())
	}
	return list
}

// schema is the result's columns as text: servers that answer together must agree on it.
func (t *tablePull) schema() string {
	s := types.Schema{}
	for _, it := range t.q.Items {
		s.Columns = append(s.Columns, types.Column{Name: it.Name, Type: it.Expr.Type()})
	}
	return s.String()
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
	running  *query.Running
	sub      *topology.SubTopology // whose tasks keep the rows,
	store    string                // in this store
	take     func(*vector.Batch) error
	compiler pull.Compiler
	path     *pull.Path
	stored   []int // of the path's rows, in the order of q.Columns; the last may be ROWTIME
	filter   operator.Evaluator
	items    []operator.Evaluator
	project  []int
	lookups  []lookup
	pending  int
	standby  bool  // copies of other servers' state will do where the owner does not answer,
	maxLag   int64 // if they lack at most so many offsets
	alone    bool  // other servers are not asked
}

// lookup is an analyzer.Lookup with its constants evaluated.
type lookup struct {
	key        []byte // nil: all keys
	start, end bounds
	home       int32 // the partition of the key; anyPartition: it is not known
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
		t.stored = append(t.stored, at)
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

// partition reads one partition of the store. The error is [cluster.ErrNotHere] if it is not here.
func (t *tablePull) partition(ctx context.Context, p int32) error {
	v, err := t.running.View(t.store, p)
	if err != nil {
		return err
	}
	return t.view(ctx, v, p)
}

// copied reads one partition of the copy that this server keeps. The error is [cluster.ErrNotHere] if there is none, or a [cluster.BehindError].
func (t *tablePull) copied(ctx context.Context, p int32) error {
	v, err := t.e.cluster.StandbyView(t.running.Topology.Query, t.store, p, t.maxLag)
	if err != nil {
		return err
	}
	return t.view(ctx, v, p)
}

func (t *tablePull) view(ctx context.Context, v *state.View, p int32) error {
	defer v.Close()
	for _, l := range t.lookups {
		if l.home != anyPartition && l.home != p {
			continue
		}
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
	rows.Cols = make([]*vector.Vector, len(t.stored))
	for i, at := range t.stored {
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
	return t.take(&out)
}
