package operator

import (
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state/codec"
	"github.com/millrace/millrace/udf"
)

// StoreReader turns what a table's operator stored back into rows: pull queries read with it, on any goroutine. It handles Aggregate nodes,
// materialised Sources and joins of tables. Rows are collected until Rows is called.
type StoreReader struct {
	node  plan.Node
	key   *codec.Key
	keys  int
	row   *tableRows // of a Source or a join
	calls []call     // of an Aggregate
	out   vector.Batch
	size  int64 // of a time window
}

// NewStoreReader returns a reader of the node's store. Functions finds the aggregates of an Aggregate node.
func NewStoreReader(n plan.Node, functions Functions) (*StoreReader, error) {
	r := &StoreReader{node: n}
	r.out.Cols = newVectors(n.Columns())
	switch n := n.(type) {
	case *plan.Aggregate:
		at := positions(n.Out, plan.Key)
		r.keys = len(at)
		for i := range n.Calls {
			agg, err := functions.Aggregate(&n.Calls[i], nil)
			if err != nil {
				return nil, fmt.Errorf("find aggregate function %s: %w", n.Calls[i].Name, err)
			}
			r.calls = append(r.calls, newCallState(agg))
		}
		if n.Window != nil {
			r.size = n.Window.Size.Milliseconds()
		}
	case *plan.Source, *plan.Join, *plan.ForeignKeyJoin:
		cols := n.Columns()
		r.keys = len(positions(cols, plan.Key)) + len(positions(cols, plan.WindowBound))
		r.row = newTableRows(cols)
	default:
		return nil, fmt.Errorf("the state of %T cannot be read", n)
	}
	r.key = codec.NewKey(columnTypes(n.Columns()[:r.keys]))
	return r, nil
}

// Key encodes the constants of a key as the store does.
func (r *StoreReader) Key(values []any) []byte { return r.key.AppendValues(nil, values) }

// Add takes an entry of the store. Start is the start of its window; end that of a session, and otherwise ignored.
func (r *StoreReader) Add(key []byte, start, end int64, value []byte) error {
	b := &r.out
	if r.row != nil {
		t, err := r.row.decode(value, b.Cols)
		if err != nil {
			return fmt.Errorf("decode a stored row: %w", err)
		}
		b.Time = append(b.Time, t)
		b.N++
		return nil
	}
	if _, err := r.key.Decode(key, b.Cols[:r.keys]); err != nil {
		return fmt.Errorf("decode a stored key: %w", err)
	}
	var t int64
	columns := stateColumns(r.calls)
	t, err := appendState(columns, value)
	if err != nil {
		return fmt.Errorf("decode a stored aggregate: %w", err)
	}
	if w := r.node.(*plan.Aggregate).Window; w != nil {
		if w.Kind != plan.Session {
			end = start + r.size
		}
		b.Cols[r.keys].I64 = append(b.Cols[r.keys].I64, start)
		b.Cols[r.keys+1].I64 = append(b.Cols[r.keys+1].I64, end)
	}
	b.Time = append(b.Time, t)
	b.N++
	return nil
}

// Rows returns what was added, with the columns of the node, and begins anew. The batch is valid until the next Add.
func (r *StoreReader) Rows() *vector.Batch {
	groups := make([]int32, r.out.N)
	for i := range groups {
		groups[i] = int32(i)
	}
	first := len(r.out.Cols) - len(r.calls)
	for i := range r.calls {
		c := &r.calls[i]
		c.agg.Result(c.state, groups, r.out.Cols[first+i])
		c.state.Reset()
	}
	done := r.out
	r.out = vector.Batch{Cols: newVectors(r.node.Columns())}
	return &done
}

func newCallState(agg udf.Aggregate) call { return call{agg: agg, state: udf.NewState(agg.State())} }

func stateColumns(calls []call) []*udf.Column {
	var cols []*udf.Column
	for i := range calls {
		cols = append(cols, calls[i].state...)
	}
	return cols
}
