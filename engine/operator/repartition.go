package operator

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state/codec"
)

// A repartition record's key is the key in the plan's key format, so that it meets the rows of topics in that format; it
// only decides the partition. The value is a byte of flags and the stored form of all columns: of the old row, behind
// its length, and of the new one.
const (
	flagNew     = 1 << iota // the new row, or a stream's
	flagOld                 // the old row
	flagNullKey             // the row's key was null
	flagNull                // the row's value was null
)

// RepartitionSink writes rows to a repartition topic.
type RepartitionSink struct {
	node  *plan.Repartition
	env   *Env
	key   format.Encoder
	keyAt []int
	pair  *keyer
	row   *codec.Row
	table bool
	old   []byte // the key, then the form, of an update's old row
}

// NewRepartitionSink returns the operator that writes what a Repartition node passes on.
func NewRepartitionSink(n *plan.Repartition, env *Env) (*RepartitionSink, error) {
	s := &RepartitionSink{node: n, env: env, keyAt: positions(n.Out, plan.Key), row: newRowCodec(n.Out), table: n.IsTable()}
	s.pair = newKeyer(n.Out, s.keyAt)
	var cols []format.Column
	for _, i := range s.keyAt {
		cols = append(cols, format.Column{Name: n.Out[i].Name, Type: n.Out[i].Type, Target: i})
	}
	var err error
	if s.key, err = format.NewEncoder(n.KeyFormat, cols, format.Options{Key: true}); err != nil {
		return nil, fmt.Errorf("make key encoder of %s: %w", n.ID, err)
	}
	return s, nil
}

// Process implements Operator.
func (s *RepartitionSink) Process(b *vector.Batch) error {
	n := b.Rows()
	s.pair.begin(b)
	for i := 0; i < n; i++ {
		r := b.Row(i)
		if !s.table {
			if err := s.write(b, r, -1, r); err != nil {
				return err
			}
			continue
		}
		next := -1
		if b.Op(r) == vector.UpdateBefore && i+1 < n {
			i++
			next = b.Row(i)
		}
		if err := s.change(b, r, next); err != nil {
			return err
		}
	}
	return nil
}

// change writes a table's change: both rows at once if they have the same key, else the old one first. A row whose value
// is null, or whose new key is, has no place in a table that is grouped by it.
func (s *RepartitionSink) change(b *vector.Batch, r, next int) error {
	if b.NullValue.Has(r) {
		return nil
	}
	if next < 0 {
		if b.Op(r) == vector.Delete {
			return s.half(b, r, -1)
		}
		return s.half(b, -1, r)
	}
	s.old = append(s.old[:0], s.pair.key(r)...)
	if string(s.old) == string(s.pair.key(next)) {
		return s.half(b, r, next)
	}
	if err := s.half(b, r, -1); err != nil {
		return err
	}
	return s.half(b, -1, next)
}

// half writes the old row, the new row or both, which have one key, unless the key has a NULL.
func (s *RepartitionSink) half(b *vector.Batch, before, after int) error {
	r := max(before, after)
	if s.pair.null(r) {
		return nil
	}
	return s.write(b, r, before, after)
}

// write writes one record; r has its key and timestamp.
func (s *RepartitionSink) write(b *vector.Batch, r, before, after int) error {
	o := s.env.Out
	rec := record.Out{Topic: s.env.Sub.Output, Partition: -1, Timestamp: b.Time[r], Headers: headersOf(b, r)}
	var flags byte
	null := b.NullKey.Has(r) || len(s.keyAt) == 1 && b.Cols[s.keyAt[0]].IsNull(r)
	if null {
		flags |= flagNullKey
	} else {
		mark := len(o.arena)
		var err error
		if o.arena, err = s.key.Append(o.arena, b.Cols, r); err != nil {
			return fmt.Errorf("encode a key of %s: %w", s.node.ID, err)
		}
		rec.Key = o.since(mark)
	}
	if b.NullValue.Has(r) {
		flags |= flagNull
	}
	mark := len(o.arena)
	o.arena = append(o.arena, flags)
	if before >= 0 {
		o.arena[mark] |= flagOld
		s.old = s.row.Append(s.old[:0], b.Cols, before)
		o.arena = append(binary.AppendUvarint(o.arena, uint64(len(s.old))), s.old...)
	}
	if after >= 0 {
		o.arena[mark] |= flagNew
		o.arena = s.row.Append(o.arena, b.Cols, after)
	}
	rec.Value = o.since(mark)
	o.Records = append(o.Records, rec)
	s.env.Count.RowsOut++
	return nil
}

// RepartitionSource reads a repartition topic.
type RepartitionSource struct {
	node   *plan.Repartition
	env    *Env
	next   Operator
	stored *codec.Row
	batch  vector.Batch
}

// NewRepartitionSource returns the reader of what a Repartition node passes on.
func NewRepartitionSource(n *plan.Repartition, env *Env, next Operator) *RepartitionSource {
	s := &RepartitionSource{node: n, env: env, next: next, stored: newRowCodec(n.Out)}
	s.batch.Cols = newVectors(n.Out)
	s.batch.Partition = env.Partition
	return s
}

// Next implements Reader.
func (s *RepartitionSource) Next() Operator { return s.next }

// Decode implements Reader. A change of both rows becomes two rows of the batch, so rows and records may differ in number;
// both have the offset of the record.
func (s *RepartitionSource) Decode(recs []record.Record) (*vector.Batch, error) {
	b := &s.batch
	reset(b)
	for i := range recs {
		if err := s.row(&recs[i]); err != nil {
			return nil, fmt.Errorf("decode record %d of the repartition topic of %s: %w", recs[i].Offset, s.node.ID, err)
		}
	}
	s.env.Count.RowsIn += int64(len(recs))
	return b, nil
}

func (s *RepartitionSource) row(rec *record.Record) error {
	if len(rec.Value) == 0 {
		return codec.ErrTruncated
	}
	flags, data := rec.Value[0], rec.Value[1:]
	if unknown := flags &^ (flagNew | flagOld | flagNullKey | flagNull); unknown != 0 {
		return fmt.Errorf("it has flags %#x, which this release does not know: a later release wrote it, run that one", unknown)
	}
	both := flags&flagOld != 0 && flags&flagNew != 0
	if flags&flagOld != 0 {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return codec.ErrTruncated
		}
		op := vector.Delete
		if both {
			op = vector.UpdateBefore
		}
		if err := s.push(rec, data[size:size+int(n)], flags, op); err != nil {
			return err
		}
		data = data[size+int(n):]
	}
	if flags&flagNew == 0 {
		return nil
	}
	op := vector.Insert
	if both {
		op = vector.UpdateAfter
	}
	return s.push(rec, data, flags, op)
}

func (s *RepartitionSource) push(rec *record.Record, data []byte, flags byte, op vector.Op) error {
	b := &s.batch
	if err := s.stored.Decode(data, b.Cols); err != nil {
		return err
	}
	if flags&flagNullKey != 0 {
		b.NullKey = b.NullKey.Set(b.N)
	}
	if flags&flagNull != 0 {
		b.NullValue = b.NullValue.Set(b.N)
	}
	if len(rec.Headers) > 0 || b.Headers != nil {
		for len(b.Headers) < b.N {
			b.Headers = append(b.Headers, nil)
		}
		b.Headers = append(b.Headers, rec.Headers)
	}
	b.Ops, b.Time, b.Offset = append(b.Ops, op), append(b.Time, rec.Timestamp), append(b.Offset, rec.Offset)
	b.N++
	return nil
}
