package operator

import (
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// The sides of a join.
const (
	leftSide = iota
	rightSide
)

// joinSide is what a join knows of one of its inputs.
type joinSide struct {
	key  *keyer // key columns and window bounds
	rows *tableRows
	cols int
}

func newJoinSide(n plan.Node) joinSide {
	cols := n.Columns()
	at := append(positions(cols, plan.Key), positions(cols, plan.WindowBound)...)
	return joinSide{key: newKeyer(cols, at), rows: newTableRows(cols), cols: len(cols)}
}

// half is one side of a joined row: a row of a batch, a stored row, or nothing.
type half struct {
	b    *vector.Batch
	row  int
	data []byte
}

// joined collects joined rows: key and window, the left columns, the right columns.
type joined struct {
	sides [2]joinSide
	out   vector.Batch
	head  int
}

func newJoined(left, right plan.Node, out []plan.OutColumn) joined {
	j := joined{sides: [2]joinSide{newJoinSide(left), newJoinSide(right)}}
	j.out.Cols = newVectors(out)
	j.head = len(out) - j.sides[leftSide].cols - j.sides[rightSide].cols
	return j
}

func (j *joined) begin(b *vector.Batch) {
	reset(&j.out)
	j.out.Ops, j.out.Partition = nil, b.Partition
}

// add appends a row whose key is that of row r of b, which is a row of side own.
func (j *joined) add(b *vector.Batch, r, own int, left, right half, t int64) error {
	out := &j.out
	key := j.sides[own].key
	for k := range j.head {
		out.Cols[k].AppendFrom(key.cols[k], r)
	}
	split := j.head + j.sides[leftSide].cols
	if err := j.fill(out.Cols[j.head:split], left, leftSide); err != nil {
		return err
	}
	if err := j.fill(out.Cols[split:], right, rightSide); err != nil {
		return err
	}
	j.finish(b, r, t)
	return nil
}

// finish completes a row: its timestamp and the headers of the row that caused it.
func (j *joined) finish(b *vector.Batch, r int, t int64) {
	out := &j.out
	if b.Headers != nil {
		out.Headers = append(out.Headers, b.Headers[r])
	}
	out.Time = append(out.Time, t)
	out.N++
}

func (j *joined) fill(cols []*vector.Vector, h half, side int) error {
	switch {
	case h.b != nil:
		for i, v := range h.b.Cols {
			cols[i].AppendFrom(v, h.row)
		}
	case h.data != nil:
		_, err := j.sides[side].rows.decode(h.data, cols)
		return err
	default:
		appendNulls(cols)
	}
	return nil
}

// sideInput is one input of a join that treats both alike.
type sideInput struct {
	side int
	join interface {
		process(side int, b *vector.Batch) error
	}
}

// Process implements Operator.
func (s sideInput) Process(b *vector.Batch) error { return s.join.process(s.side, b) }
