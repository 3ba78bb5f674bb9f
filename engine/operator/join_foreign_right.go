package operator

import (
	"fmt"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
)

// foreignRight is the right half of a foreign-key join: it keeps the right rows, and for each of their keys who
// subscribed to it.
type foreignRight struct {
	node          *plan.ForeignKeyJoin
	env           *Env
	side          joinSide
	rows          state.KeyValueStore
	subscriptions state.KeyValueStore // key: foreign key, left key; value: a message
	topic         string
	key           []byte
	end           []byte
}

func newForeignRight(n *plan.ForeignKeyJoin, env *Env) (*foreignRight, error) {
	f := &foreignRight{node: n, env: env, side: newJoinSide(n.Right)}
	_, f.topic = env.Sub.ForeignTopics(n)
	var err error
	if f.rows, err = openKeyValue(env, n.ID, "right"); err != nil {
		return nil, err
	}
	f.subscriptions, err = openKeyValue(env, n.ID, "subscriptions")
	return f, err
}

// Process takes changes of the right table and tells all who subscribed, in the order of their keys.
func (f *foreignRight) Process(b *vector.Batch) error {
	f.side.key.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		if b.Op(r) == vector.UpdateBefore || b.NullKey.Has(r) {
			continue
		}
		if err := f.change(b, r); err != nil {
			return fmt.Errorf("join rows of %s: %w", f.node.ID, err)
		}
	}
	return nil
}

func (f *foreignRight) change(b *vector.Batch, r int) error {
	key := f.side.key.key(r)
	var row []byte
	var err error
	if b.Op(r) == vector.Delete {
		err = f.rows.Delete(key)
	} else {
		row = f.side.rows.encode(b, r)
		err = f.rows.Put(key, row)
	}
	if err != nil {
		return err
	}
	f.end = prefixEnd(f.end[:0], key)
	var failed error
	err = f.subscriptions.Range(key, f.end, func(_, message []byte) bool {
		failed = f.answer(b, r, message, row, b.Time[r])
		return failed == nil
	})
	if err != nil {
		return err
	}
	return failed
}

// prefixEnd is the smallest key behind all that begin with the prefix. Encoded keys never are 0xff alone.
func prefixEnd(dst, prefix []byte) []byte {
	dst = append(dst, prefix...)
	for i := len(dst) - 1; i >= 0; i-- {
		if dst[i]++; dst[i] != 0 {
			return dst[:i+1]
		}
	}
	return nil
}

// answer writes an answer to a subscription. Row is nil if there is none.
func (f *foreignRight) answer(b *vector.Batch, r int, message, row []byte, t int64) error {
	_, partition, parts, err := readMessage(message)
	if err != nil {
		return err
	}
	o := f.env.Out
	rec := record.Out{Topic: f.topic, Partition: int32(partition), Timestamp: t, Headers: headersOf(b, r)}
	mark := len(o.arena)
	o.arena = append(o.arena, parts[1]...)
	rec.Key = o.since(mark)
	mark = len(o.arena)
	o.arena = appendMessage(o.arena, 0, 0, parts[1], parts[2], row)
	rec.Value = o.since(mark)
	o.Records = append(o.Records, rec)
	return nil
}

// subscribe takes a subscription.
func (f *foreignRight) subscribe(b *vector.Batch, r int, message []byte) error {
	how, _, parts, err := readMessage(message)
	if err != nil {
		return err
	}
	f.key = append(append(f.key[:0], parts[0]...), parts[1]...)
	if how == deleteSilently || how == deleteAndAnswer {
		err = f.subscriptions.Delete(f.key)
	} else {
		err = f.subscriptions.Put(f.key, message)
	}
	if err != nil || how == deleteSilently {
		return err
	}
	if how == deleteAndAnswer {
		return f.answer(b, r, message, nil, b.Time[r])
	}
	row, err := f.rows.Get(parts[0])
	if err != nil || row == nil && how == answerIfFound {
		return err
	}
	t := b.Time[r]
	if row != nil {
		t = max(t, timeOf(row))
	}
	return f.answer(b, r, message, row, t)
}

// subscribers is the operator that takes subscriptions.
type subscribers struct{ f *foreignRight }

// Process implements Operator.
func (s subscribers) Process(b *vector.Batch) error {
	for i := range b.Rows() {
		r := b.Row(i)
		if err := s.f.subscribe(b, r, b.Cols[0].Str(r)); err != nil {
			return fmt.Errorf("take subscriptions of %s: %w", s.f.node.ID, err)
		}
	}
	return nil
}

// messages reads the topics between the halves of a foreign-key join: one column, the record's value.
type messages struct {
	batch vector.Batch
	next  Operator
}

func newMessages(next Operator, env *Env) *messages {
	m := &messages{next: next}
	m.batch.Cols = []*vector.Vector{vector.New(types.Bytes)}
	m.batch.Partition = env.Partition
	return m
}

// Next implements Reader.
func (m *messages) Next() Operator { return m.next }

// Decode implements Reader.
func (m *messages) Decode(recs []record.Record) (*vector.Batch, error) {
	b := &m.batch
	reset(b)
	b.Ops = nil
	for i := range recs {
		rec := &recs[i]
		b.Cols[0].AppendBytes(rec.Value)
		b.Time, b.Offset = append(b.Time, rec.Timestamp), append(b.Offset, rec.Offset)
		if len(rec.Headers) > 0 || b.Headers != nil {
			for len(b.Headers) < i {
				b.Headers = append(b.Headers, nil)
			}
			b.Headers = append(b.Headers, rec.Headers)
		}
		b.N++
	}
	return b, nil
}
