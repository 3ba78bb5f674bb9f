// Package pull answers pull queries from the state of persistent queries.
//
// A table's rows are read where its query keeps them, in the store of the operator nearest to the sink, as of the last commit. What
// the query does behind that store (HAVING, the projection) is done to each row again, then the pull query's own filter and
// projection. A row that HAVING hides is not in the table.
package pull

import (
	"fmt"

	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Path is the way from a query's stored rows to the rows of its table. It belongs to one goroutine.
type Path struct {
	Store  plan.Node // whose store holds the rows
	reader *operator.StoreReader
	steps  []step
}

// step is a Filter or a Project of the query.
type step struct {
	predicate operator.Evaluator
	items     []operator.Evaluator
}

// NotStoredError says that a query keeps no rows that could be read.
type NotStoredError struct{ What string }

func (e *NotStoredError) Error() string {
	return "the rows behind " + e.What + " are not stored in a form that can be read"
}

// Compiler makes evaluators and finds aggregate functions.
type Compiler struct {
	Functions operator.Functions
	Expr      *expr.Env
}

// NewPath finds the store behind a query's sink.
func NewPath(root plan.Node, c Compiler) (*Path, error) {
	p := &Path{}
	n := root
	if s, ok := root.(*plan.Sink); ok {
		n = s.Input
	}
	for p.Store == nil {
		var err error
		switch x := n.(type) {
		case *plan.Project:
			err = p.project(x, c)
			n = x.Input
		case *plan.Filter:
			err = p.filter(x, c)
			n = x.Input
		case *plan.Aggregate:
			p.Store = x
		case *plan.Source:
			if !x.Materialized {
				return nil, &NotStoredError{x.Name}
			}
			p.Store = x
		case *plan.Join, *plan.ForeignKeyJoin:
			if !x.IsTable() {
				return nil, &NotStoredError{"a stream"}
			}
			p.Store = x
		default:
			return nil, &NotStoredError{fmt.Sprintf("%T", n)}
		}
		if err != nil {
			return nil, err
		}
	}
	var err error
	p.reader, err = operator.NewStoreReader(p.Store, c.Functions)
	return p, err
}

// project and filter put a step in front: the walk is from the sink to the store.
func (p *Path) project(n *plan.Project, c Compiler) error {
	s := step{items: []operator.Evaluator{}}
	for _, it := range n.Items {
		ev, err := expr.Compile(it.Expr, c.Expr.Over(n.Input))
		if err != nil {
			return err
		}
		s.items = append(s.items, ev)
	}
	p.steps = append([]step{s}, p.steps...)
	return nil
}

func (p *Path) filter(n *plan.Filter, c Compiler) error {
	ev, err := expr.Compile(n.Predicate, c.Expr.Over(n.Input))
	if err != nil {
		return err
	}
	p.steps = append([]step{{predicate: ev}}, p.steps...)
	return nil
}

// Key encodes a key's constants as the store does.
func (p *Path) Key(values []any) []byte { return p.reader.Key(values) }

// Add takes an entry of the store, see operator.StoreReader.
func (p *Path) Add(key []byte, start, end int64, value []byte) error {
	return p.reader.Add(key, start, end, value)
}

// Rows gives the table's rows for what was added.
func (p *Path) Rows() (*vector.Batch, error) {
	b := p.reader.Rows()
	for i := range p.steps {
		var err error
		if b, err = p.steps[i].apply(b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (s *step) apply(b *vector.Batch) (*vector.Batch, error) {
	if s.items == nil {
		v, err := s.predicate.Eval(b)
		if err != nil {
			return nil, err
		}
		return Keep(b, v), nil
	}
	out := *b
	out.Cols = make([]*vector.Vector, len(s.items))
	for i, ev := range s.items {
		v, err := ev.Eval(b)
		if err != nil {
			return nil, err
		}
		out.Cols[i] = v
	}
	return &out, nil
}

// Keep selects the rows of which the BOOLEAN vector is true.
func Keep(b *vector.Batch, v *vector.Vector) *vector.Batch {
	out := *b
	out.Sel = make([]int32, 0, b.Rows())
	b.Each(func(row int) {
		if !v.IsNull(row) && v.Bool[v.At(row)] {
			out.Sel = append(out.Sel, int32(row))
		}
	})
	return &out
}

// WithTime adds ROWTIME behind the columns of a table.
func WithTime(b *vector.Batch) *vector.Batch {
	t := vector.New(types.Bigint)
	t.I64 = append(t.I64, b.Time...)
	out := *b
	out.Cols = append(append([]*vector.Vector{}, b.Cols...), t)
	return &out
}
