package udf

import (
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Boxed is an Aggregate made of functions over boxed values: its accumulator is one value of type StateType. It serves where the
// accumulator is a list or a map anyway. The functions return a new accumulator and never change the old one, as
// values are immutable.
type Boxed struct {
	Name      string
	StateType *types.Type
	Out       *types.Type // the result's type

	Zero   any // the accumulator of a group without rows
	Add    func(acc any, args []any, seq int64) (any, error)
	Undo   func(acc any, args []any) (any, error) // nil: rows cannot be taken back
	Join   func(into, from any) (any, error)
	Finish func(acc any) (any, error) // nil: the accumulator is the result
}

// State implements Aggregate.
func (b *Boxed) State() []*types.Type { return []*types.Type{b.StateType} }

// Returns implements Aggregate.
func (b *Boxed) Returns() *types.Type { return b.Out }

// CanUndo implements Aggregate.
func (b *Boxed) CanUndo() bool { return b.Undo != nil }

// Init implements Aggregate.
func (b *Boxed) Init(s State) { s[0].Append(b.Zero) }

// Fold implements Aggregate.
func (b *Boxed) Fold(s State, f *Fold, out *vector.Vector) error {
	args := make([]any, len(f.Args))
	for i, row := range f.Rows {
		for j, v := range f.Args {
			args[j] = v.Value(int(row))
		}
		g := int(f.Group[i])
		acc := s[0].Value(g)
		var err error
		if f.Undone(i) {
			acc, err = b.Undo(acc, args)
		} else {
			acc, err = b.Add(acc, args, f.Seq+int64(i))
		}
		if err != nil {
			return &FoldError{Function: b.Name, Index: i, Err: err}
		}
		s[0].Set(g, acc)
		if out != nil {
			out.Append(b.finish(acc))
		}
	}
	return nil
}

func (b *Boxed) finish(acc any) any {
	if b.Finish == nil {
		return acc
	}
	v, err := b.Finish(acc)
	if err != nil {
		return nil // a failing result is NULL
	}
	return v
}

// Merge implements Aggregate.
func (b *Boxed) Merge(dst State, into int, src State, from int) error {
	acc, err := b.Join(dst[0].Value(into), src[0].Value(from))
	if err != nil {
		return &FoldError{Function: b.Name, Index: -1, Err: err}
	}
	dst[0].Set(into, acc)
	return nil
}

// Result implements Aggregate.
func (b *Boxed) Result(s State, groups []int32, out *vector.Vector) {
	for _, g := range groups {
		out.Append(b.finish(s[0].Value(int(g))))
	}
}
