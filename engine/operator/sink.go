package operator

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// Sink encodes rows into records of the sink's topic. A deleted or null row becomes a null value, a null key a null key. The
// key of a windowed row is followed by its window and partitioned by what stands before it.
type Sink struct {
	node       *plan.Sink
	env        *Env
	key, value format.Encoder
	keyCols    []int
	bounds     []int // WINDOWSTART and WINDOWEND; nil: not windowed
	bareValue  int   // the one value column if it is written bare, else -1
	time       *timeExtractor
	keep       *coalescer // nil: every row is written at once
}

// NewSink returns the operator of a Sink node. Coalesce says that a table's updates are to be held back until the commit.
func NewSink(n *plan.Sink, env *Env, coalesce bool) (*Sink, error) {
	s := &Sink{node: n, env: env, keyCols: positions(n.Out, plan.Key), bareValue: -1}
	if coalesce && n.Table && !env.Exact {
		s.keep = &coalescer{out: env.Out}
	}
	if n.Window != nil {
		s.bounds = positions(n.Out, plan.WindowBound)
	}
	var keys, values []format.Column
	for i, c := range n.Out {
		col := format.Column{Name: c.Name, Type: c.Type, Target: i}
		switch c.Role {
		case plan.Key:
			keys = append(keys, col)
		case plan.WindowBound:
		default:
			values = append(values, col)
		}
	}
	if len(values) == 1 && isBare(n.ValueFormat) {
		s.bareValue = values[0].Target
	}
	var err error
	if len(keys) > 0 {
		if s.key, err = format.NewEncoder(n.KeyFormat, keys, env.formatOptions(n.Topic, true)); err != nil {
			return nil, fmt.Errorf("make key encoder of %s: %w", n.Name, err)
		}
	}
	if s.value, err = format.NewEncoder(n.ValueFormat, values, env.formatOptions(n.Topic, false)); err != nil {
		return nil, fmt.Errorf("make value encoder of %s: %w", n.Name, err)
	}
	s.time, err = newTimeExtractor(n.Timestamp, n.Out)
	return s, err
}

// isBare says whether a single column is written without a record around it, so that its NULL is the record's.
func isBare(f plan.Format) bool {
	return f.Name == "KAFKA" || f.Wrap != nil && !*f.Wrap
}

// Process implements Operator.
func (s *Sink) Process(b *vector.Batch) error {
	n := b.Rows()
	for i := range n {
		r := b.Row(i)
		op := b.Op(r)
		if op == vector.UpdateBefore {
			continue
		}
		if err := s.write(b, r, op); err != nil {
			return err
		}
	}
	s.env.Count.RowsOut += int64(n)
	return nil
}

func (s *Sink) write(b *vector.Batch, r int, op vector.Op) error {
	o := s.env.Out
	rec := record.Out{Topic: s.node.Topic, Partition: -1, Timestamp: b.Time[r], Headers: headersOf(b, r)}
	deleted := op == vector.Delete || b.NullValue.Has(r) || s.bareValue >= 0 && b.Cols[s.bareValue].IsNull(r)
	if s.time != nil && !deleted {
		t, err := s.time.at(b.Cols, r)
		if err != nil || t < 0 {
			s.env.logRow(s.node.ID, b, r, RecordProcessing, "error writing row with extracted timestamp", err)
			s.env.Count.BadRows++
			return nil
		}
		rec.Timestamp = t
	}
	if err := s.encodeKey(&rec, b, r); err != nil {
		return s.refuse(b, r, "key", err)
	}
	if !deleted {
		mark := len(o.arena)
		var err error
		if o.arena, err = s.value.Append(o.arena, b.Cols, r); err != nil {
			return s.refuse(b, r, "value", err)
		}
		rec.Value = o.since(mark)
	}
	if s.keep != nil {
		s.keep.add(rec, op == vector.Insert)
		return nil
	}
	o.Records = append(o.Records, rec)
	return nil
}

// refuse leaves out a row that cannot be written. Where the schema registry did not answer the row may be good: the task fails, and tries
// again.
func (s *Sink) refuse(b *vector.Batch, r int, target string, err error) error {
	if errors.Is(err, registry.ErrUnavailable) {
		return fmt.Errorf("encode a %s of %s: %w", target, s.node.Name, err)
	}
	entry := RowEntry(s.node.ID, b, r, Serialization, "cannot write the "+target, err)
	entry.Topic, entry.Target = s.node.Topic, target
	s.env.Log.Log(entry)
	s.env.Count.BadRows++
	return nil
}

func (s *Sink) encodeKey(rec *record.Out, b *vector.Batch, r int) error {
	if len(s.keyCols) == 0 || b.NullKey.Has(r) || len(s.keyCols) == 1 && b.Cols[s.keyCols[0]].IsNull(r) {
		return nil
	}
	o := s.env.Out
	mark := len(o.arena)
	var err error
	if o.arena, err = s.key.Append(o.arena, b.Cols, r); err != nil {
		return err
	}
	rec.Key = o.since(mark)
	if s.bounds == nil {
		return nil
	}
	rec.PartitionKey = rec.Key
	start, end := b.Cols[s.bounds[0]], b.Cols[s.bounds[1]]
	o.arena = format.AppendWindow(o.arena, *s.node.Window, start.I64[start.At(r)], end.I64[end.At(r)])
	rec.Key = o.since(mark)
	return nil
}

// Flush implements Stateful.
func (s *Sink) Flush() error {
	if s.keep != nil {
		s.keep.drain()
	}
	return nil
}

// Reset implements Stateful.
func (s *Sink) Reset() {
	if s.keep != nil {
		s.keep.reset()
	}
}

// Marks implements Stateful.
func (s *Sink) Marks() []int64 { return nil }

// SetMarks implements Stateful.
func (s *Sink) SetMarks([]int64) {}
