package operator

import (
	"github.com/millrace/millrace/engine/format"
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
	key  *keyer // key columns and what tells windows apart
	rows *tableRows
	cols int
}

func newJoinSide(n plan.Node) joinSide {
	cols := n.Columns()
	at := append(positions(cols, plan.Key), windowKey(n)...)
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
	head  int              // how many columns key and window have
	times *plan.WindowInfo // the time windows of the key; nil: it has none
}

func newJoined(left, right plan.Node, out []plan.OutColumn) joined {
	j := joined{sides: [2]joinSide{newJoinSide(left), newJoinSide(right)}}
	j.out.Cols = newVectors(out)
	j.head = len(out) - j.sides[leftSide].cols - j.sides[rightSide].cols
	if w := keyWindow(left); w != nil && w.Kind != plan.Session {
		j.times = w
	}
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
	for k, c := range key.cols {
		out.Cols[k].AppendFrom(c, r)
	}
	j.endWindow()
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

// addKey appends the columns of a key that a store holds.
func (j *joined) addKey(side int, key []byte) error {
	c := j.sides[side].key
	if _, err := c.codec.Decode(key, j.out.Cols[:len(c.at)]); err != nil {
		return err
	}
	j.endWindow()
	return nil
}

// endWindow appends the end of the window that the new row's key has, where the key holds its start alone: the left side says
// how long windows are.
func (j *joined) endWindow() {
	if j.times == nil {
		return
	}
	start, end := j.out.Cols[j.head-2], j.out.Cols[j.head-1]
	if start.IsNull(j.out.N) {
		end.AppendNull()
		return
	}
	end.I64 = append(end.I64, format.WindowEnd(*j.times, start.I64[j.out.N]))
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
