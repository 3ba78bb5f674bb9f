package operator

import (
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// Reader turns the records of an input topic into rows.
type Reader interface {
	// Decode replaces the reader's batch by the rows of recs, one a record: a row that is to be left out is not
	// selected, and was logged. The batch is valid until the next call.
	Decode(recs []record.Record) (*vector.Batch, error)
	// Next is the operator that takes the batch, or a part of its rows by Sel.
	Next() Operator
}

// Source reads a topic as a stream or table, straight into the columns that the plan reads.
type Source struct {
	node       *plan.Source
	env        *Env
	next       Operator
	key, value format.Decoder
	batch      vector.Batch
	dest       []*vector.Vector // batch.Cols, and behind them a timestamp column that nobody else reads
	keyDest    []*vector.Vector // what is NULL if the key is null
	valueDest  []*vector.Vector // what is NULL if the value is null
	bounds     []*vector.Vector // WINDOWSTART and WINDOWEND
	extras     []extra
	time       *timeExtractor
	sel        []int32
	failed     error
}

// extra fills a column that comes from neither key nor value.
type extra func(s *Source, rec *record.Record, time int64)

// NewSource returns the reader of a Source node.
func NewSource(n *plan.Source, env *Env, next Operator) (*Source, error) {
	s := &Source{node: n, env: env, next: next, sel: []int32{}} // nil would select all rows
	s.batch.Cols = newVectors(n.Out)
	s.batch.Partition = env.Partition
	s.dest = append(s.dest, s.batch.Cols...)
	targets := map[string]int{}
	for i, c := range n.Out {
		switch c.Role {
		case plan.Key, plan.Value:
			targets[c.Name] = i
		case plan.WindowBound:
			s.bounds = append(s.bounds, s.dest[i])
		case plan.HeaderValue, plan.Pseudo:
			x, err := s.extra(i, c)
			if err != nil {
				return nil, err
			}
			s.extras = append(s.extras, x)
		}
	}
	if err := s.makeTime(targets); err != nil {
		return nil, err
	}
	var err error
	if s.key, s.keyDest, err = s.decoder(n.KeyFormat, true, targets); err != nil {
		return nil, fmt.Errorf("make key decoder of %s: %w", n.Name, err)
	}
	if s.value, s.valueDest, err = s.decoder(n.ValueFormat, false, targets); err != nil {
		return nil, fmt.Errorf("make value decoder of %s: %w", n.Name, err)
	}
	return s, nil
}

// makeTime prepares the TIMESTAMP column, which is decoded even if the plan does not read it.
func (s *Source) makeTime(targets map[string]int) error {
	t := s.node.Timestamp
	if t == nil {
		return nil
	}
	at, ok := targets[t.Column]
	if !ok {
		i := s.node.Schema.Find(t.Column)
		if i < 0 {
			return fmt.Errorf("timestamp column %s of %s is not in its schema", t.Column, s.node.Name)
		}
		at = len(s.dest)
		s.dest = append(s.dest, vector.New(s.node.Schema.Columns[i].Type))
		targets[t.Column] = at
	}
	var err error
	s.time, err = newTimeExtractor(t, []plan.OutColumn{{Name: t.Column, Type: s.dest[at].Type}})
	if err == nil {
		s.time.col = at
	}
	return err
}

func (s *Source) decoder(f plan.Format, key bool, targets map[string]int) (format.Decoder, []*vector.Vector, error) {
	var dest []*vector.Vector
	cols := s.node.Schema.Values()
	if key {
		cols = s.node.Schema.Keys()
	}
	spec := make([]format.Column, len(cols))
	for i, c := range cols {
		spec[i] = format.Column{Name: c.Name, Type: c.Type, Target: format.Skip}
		if at, ok := targets[c.Name]; ok {
			spec[i].Target = at
			dest = append(dest, s.dest[at])
		}
	}
	if key && len(spec) == 0 {
		return nil, nil, nil // without key columns the key is not looked at
	}
	d, err := format.NewDecoder(f, spec, s.env.formatOptions(s.node.Topic, key))
	return d, dest, err
}

// extra makes the filler of a pseudo or header column.
func (s *Source) extra(at int, c plan.OutColumn) (extra, error) {
	v := s.batch.Cols[at]
	switch {
	case c.Role == plan.HeaderValue:
		i := s.node.Schema.Find(c.Name)
		if i < 0 {
			return nil, fmt.Errorf("header column %s of %s is not in its schema", c.Name, s.node.Name)
		}
		if k := s.node.Schema.Columns[i].HeaderKey; k != "" {
			return func(_ *Source, rec *record.Record, _ int64) { appendHeader(v, rec.Headers, k) }, nil
		}
		return func(_ *Source, rec *record.Record, _ int64) { appendHeaders(v, rec.Headers) }, nil
	case strings.HasSuffix(c.Name, "ROWTIME"):
		return func(_ *Source, _ *record.Record, t int64) { v.I64 = append(v.I64, t) }, nil
	case strings.HasSuffix(c.Name, "ROWPARTITION"):
		return func(s *Source, _ *record.Record, _ int64) { v.I32 = append(v.I32, s.batch.Partition) }, nil
	case strings.HasSuffix(c.Name, "ROWOFFSET"):
		return func(_ *Source, rec *record.Record, _ int64) { v.I64 = append(v.I64, rec.Offset) }, nil
	}
	return nil, fmt.Errorf("%s has no pseudo column %s", s.node.Name, c.Name)
}

// appendHeader adds the value of the last header with the key.
func appendHeader(v *vector.Vector, hs []vector.Header, key string) {
	for i := len(hs) - 1; i >= 0; i-- {
		if hs[i].Key == key {
			if hs[i].Value == nil {
				break
			}
			v.AppendBytes(hs[i].Value)
			return
		}
	}
	v.AppendNull()
}

// appendHeaders adds all headers as an array of structs.
func appendHeaders(v *vector.Vector, hs []vector.Header) {
	out := make([]any, len(hs))
	for i, h := range hs {
		var value any
		if h.Value != nil {
			value = append([]byte{}, h.Value...)
		}
		out[i] = []any{h.Key, value}
	}
	v.Append(out)
}

// Next implements Reader.
func (s *Source) Next() Operator { return s.next }

// Decode implements Reader.
func (s *Source) Decode(recs []record.Record) (*vector.Batch, error) {
	b := &s.batch
	reset(b)
	b.Ops = nil
	for _, v := range s.dest[len(b.Cols):] {
		v.Reset()
	}
	s.sel = s.sel[:0]
	s.env.Count.RowsIn += int64(len(recs))
	bad := false
	s.failed = nil
	for i := range recs {
		if s.row(&recs[i], i) {
			s.sel = append(s.sel, int32(i))
			continue
		}
		bad = true
		s.env.Count.BadRows++
	}
	if s.failed != nil {
		return nil, s.failed
	}
	b.N = len(recs)
	if bad {
		b.Sel = s.sel
	}
	return b, nil
}

// row appends one record; false says that it is to be left out.
func (s *Source) row(rec *record.Record, i int) bool {
	b := &s.batch
	ok := s.readKey(rec, i)
	ok = s.readValue(rec, i, ok) && ok
	t := rec.Timestamp
	if s.time != nil && ok {
		var err error
		if t, err = s.time.at(s.dest, i); err != nil {
			s.log(rec, RecordProcessing, "", "failed to extract timestamp from row", err, nil)
			s.reject(rec, err)
			ok = false
		}
	}
	if t < 0 && ok {
		s.reject(rec, fmt.Errorf("timestamp %d is negative", t))
		s.log(rec, RecordProcessing, "", fmt.Sprintf("row has negative timestamp %d", t), nil, nil)
		ok = false
	}
	if t > maxTime && ok {
		s.reject(rec, fmt.Errorf("timestamp %d is too late", t))
		s.log(rec, RecordProcessing, "", fmt.Sprintf("row has timestamp %d, which is too late", t), nil, nil)
		ok = false
	}
	b.Time = append(b.Time, t)
	b.Offset = append(b.Offset, rec.Offset)
	for _, fill := range s.extras {
		fill(s, rec, t)
	}
	if len(rec.Headers) > 0 || b.Headers != nil {
		for len(b.Headers) < i {
			b.Headers = append(b.Headers, nil)
		}
		b.Headers = append(b.Headers, rec.Headers)
	}
	if s.node.Table && ok && b.NullKey.Has(i) {
		s.log(rec, RecordProcessing, "key", "row of a table has a null key", nil, nil)
		return false
	}
	return ok
}

// reject makes a row without a usable timestamp fail the task, where that is wished.
func (s *Source) reject(rec *record.Record, err error) {
	if s.env.FailOnTimestamp && s.failed == nil {
		s.failed = fmt.Errorf("extract the timestamp of record %d of %s: %w", rec.Offset, s.node.Topic, err)
	}
}

// readKey decodes the key and its window. False says that they cannot be read; their columns are then NULL.
func (s *Source) readKey(rec *record.Record, i int) bool {
	key, w := rec.Key, s.node.Window
	if s.key == nil || key == nil {
		s.nullKey(i)
		return true
	}
	var start, end int64
	if w != nil {
		var err error
		if key, start, end, err = format.SplitWindow(key, *w); err != nil {
			s.nullKey(i)
			s.log(rec, Deserialization, "key", "cannot read the window of the key", err, rec.Key)
			return false
		}
	}
	if err := s.key.Decode(key, s.dest); err != nil {
		s.nullKey(i)
		if errors.Is(err, format.ErrNull) {
			return true
		}
		if s.unanswered(rec, err) {
			return false
		}
		s.log(rec, Deserialization, "key", "cannot read the key", err, rec.Key)
		return false
	}
	for n, v := range s.bounds {
		v.I64 = append(v.I64, [2]int64{start, end}[n])
	}
	return true
}

// unanswered makes a record fail the task whose schema the registry did not tell: it may be good, and is to be read again.
func (s *Source) unanswered(rec *record.Record, err error) bool {
	if !errors.Is(err, registry.ErrUnavailable) {
		return false
	}
	if s.failed == nil {
		s.failed = fmt.Errorf("read record %d of %s: %w", rec.Offset, s.node.Topic, err)
	}
	return true
}

// nullKey appends a row without a key.
func (s *Source) nullKey(i int) {
	s.batch.NullKey = s.batch.NullKey.Set(i)
	appendNulls(s.keyDest)
	appendNulls(s.bounds)
}

// readValue decodes the value. Behind a bad key it only keeps the columns aligned.
func (s *Source) readValue(rec *record.Record, i int, ok bool) bool {
	if !ok {
		appendNulls(s.valueDest)
		return false
	}
	if rec.Value != nil {
		err := s.value.Decode(rec.Value, s.dest)
		if err == nil {
			return true
		}
		if !errors.Is(err, format.ErrNull) {
			appendNulls(s.valueDest)
			if s.unanswered(rec, err) {
				return false
			}
			s.log(rec, Deserialization, "value", "cannot read the value", err, rec.Value)
			return false
		}
	}
	appendNulls(s.valueDest)
	s.batch.NullValue = s.batch.NullValue.Set(i)
	return true
}

func appendNulls(vs []*vector.Vector) {
	for _, v := range vs {
		v.AppendNull()
	}
}

func (s *Source) log(rec *record.Record, kind Kind, target, message string, err error, payload []byte) {
	s.env.Log.Log(Entry{
		Kind: kind, Node: s.node.ID, Topic: s.node.Topic, Partition: s.batch.Partition, Offset: rec.Offset,
		Target: target, Message: message, Err: err, Payload: payload,
	})
}
