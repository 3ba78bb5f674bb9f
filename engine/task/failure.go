package task

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/sql/vector"
)

// Action is what becomes of a record that cannot be processed. The processing log is told in any case.
type Action string

// The actions. The zero Action is Skip.
const (
	Skip       Action = "skip"        // the record is left out; an expression that fails is NULL, and its row goes on
	Stop       Action = "stop"        // the task fails at the record, and at the same one when it is started again
	DeadLetter Action = "dead-letter" // the record is written to a topic and left out
)

// ErrorPolicy is a query's choice of actions.
type ErrorPolicy struct {
	Read, Process, Write Action // for records that cannot be decoded, rows that cannot be computed, rows that cannot be encoded
	Query                string // is told in dead letters
	Topic                string // takes them
}

func (p *ErrorPolicy) action(k operator.Kind) Action {
	switch k {
	case operator.Deserialization:
		return p.Read
	case operator.RecordProcessing:
		return p.Process
	case operator.Serialization:
		return p.Write
	}
	return Stop
}

// The headers of dead letters, which follow those of Kafka Connect. All are text.
const (
	HeaderQuery     = "__millrace.errors.query"
	HeaderTopic     = "__millrace.errors.topic"
	HeaderPartition = "__millrace.errors.partition"
	HeaderOffset    = "__millrace.errors.offset"
	HeaderStage     = "__millrace.errors.stage"
	HeaderNode      = "__millrace.errors.node"
	HeaderMessage   = "__millrace.errors.message"
)

// failures is the log of a task's operators. It does with a record what the policy says.
type failures struct {
	policy ErrorPolicy
	log    operator.Log
	env    *operator.Env

	from  *input // whose records are being processed; nil: a commit is prepared
	ahead bool   // they are only decoded, and may be read again by who goes on from the next commit
	stop  error  // the first failure that must stop the task
}

// early is a dead letter that is written when its record has been passed.
type early struct {
	offset int64
	out    record.Out
}

// Log implements [operator.Log].
func (f *failures) Log(e operator.Entry) {
	f.log.Log(e)
	switch f.policy.action(e.Kind) {
	case Stop:
		f.halt(e)
	case DeadLetter:
		f.letter(e)
	case Skip:
	}
}

// failed takes a row for which an expression failed. Dead letters take the row with them.
func (f *failures) failed(e operator.Entry) {
	if f.policy.Process == DeadLetter {
		if op := e.Batch.Op(e.Row); op == vector.UpdateBefore || op == vector.Delete {
			f.env.Reject(e.Row) // its letter was written when it came
			return
		}
		if !f.env.Reject(e.Row) {
			f.log.Log(e) // another expression has failed for it
			return
		}
	}
	f.Log(e)
}

func (f *failures) halt(e operator.Entry) {
	if f.stop != nil {
		return
	}
	place := "a result of " + e.Node
	if f.from != nil && e.Offset >= 0 {
		place = fmt.Sprintf("record %d of %s/%d", e.Offset, f.from.topic, e.Partition)
	}
	if e.Err == nil {
		f.stop = fmt.Errorf("stopped at %s: %s", place, e.Message)
	} else {
		f.stop = fmt.Errorf("stopped at %s: %s: %w", place, e.Message, e.Err)
	}
}

// letter writes the record that a failure is about. A row that was made from many has none: then its columns are written.
func (f *failures) letter(e operator.Entry) {
	out := record.Out{Topic: f.policy.Topic, Partition: -1, Headers: f.headers(e)}
	rec := f.original(e.Offset)
	switch {
	case rec != nil && slices.Contains(f.from.letters, rec.Offset):
		return
	case rec != nil:
		f.from.letters = append(f.from.letters, rec.Offset)
		out.Timestamp, out.Key, out.Value = rec.Timestamp, rec.Key, rec.Value
		out.Headers = append(slices.Clip(rec.Headers), out.Headers...)
	case e.Batch != nil:
		out.Timestamp, out.Value = e.Batch.Time[e.Row], row(e.Batch, e.Row)
	}
	out.Timestamp = max(out.Timestamp, 0)
	if f.ahead {
		f.from.early = append(f.from.early, early{e.Offset, out})
		return
	}
	f.write(out)
}

func (f *failures) write(out record.Out) {
	f.env.Out.Add(out)
	f.env.Count.DeadLetters++
}

// original finds a record of the batch that is being processed.
func (f *failures) original(offset int64) *record.Record {
	if f.from == nil || offset < 0 {
		return nil
	}
	at, ok := slices.BinarySearchFunc(f.from.recs, offset, func(r record.Record, o int64) int { return int(r.Offset - o) })
	if !ok {
		return nil
	}
	return &f.from.recs[at]
}

func (f *failures) headers(e operator.Entry) []vector.Header {
	message := e.Message
	if e.Err != nil {
		message += ": " + e.Err.Error()
	}
	hs := []vector.Header{
		{Key: HeaderQuery, Value: []byte(f.policy.Query)},
		{Key: HeaderStage, Value: []byte(e.Kind)},
		{Key: HeaderNode, Value: []byte(e.Node)},
		{Key: HeaderMessage, Value: []byte(message)},
	}
	if f.from == nil || e.Offset < 0 {
		return hs
	}
	return append(hs,
		vector.Header{Key: HeaderTopic, Value: []byte(f.from.topic)},
		vector.Header{Key: HeaderPartition, Value: strconv.AppendInt(nil, int64(e.Partition), 10)},
		vector.Header{Key: HeaderOffset, Value: strconv.AppendInt(nil, e.Offset, 10)},
	)
}

// row is the columns of a row as a JSON array.
func row(b *vector.Batch, at int) []byte {
	out := []byte{'['}
	for i, v := range b.Cols {
		if i > 0 {
			out = append(out, ',')
		}
		out = format.AppendJSON(out, v, at)
	}
	return append(out, ']')
}
