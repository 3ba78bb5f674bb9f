package operator

import (
	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/udf"
)

// Evaluator computes an expression for the selected rows of a batch. The vector is the evaluator's, or a column of the batch,
// and is valid until the evaluator's next call or the end of the batch. A row that fails is NULL and was logged.
type Evaluator interface {
	Eval(b *vector.Batch) (*vector.Vector, error)
}

// Functions finds the functions that a plan calls; *udf.Registry is one.
type Functions interface {
	Aggregate(call *plan.AggregateCall, env *udf.Env) (udf.Aggregate, error)
	Table(call *plan.TableCall, env *udf.Env) (*udf.Table, error)
}

// Env is what the operators of one task are built in.
type Env struct {
	Sub       *topology.SubTopology
	Partition int32
	Stores    state.Stores
	Functions Functions
	UDF       *udf.Env
	// Compile makes the evaluator of an expression of a node, over batches of its first input.
	Compile func(node plan.Node, e plan.Expr) (Evaluator, error)
	// FailOnTimestamp makes a row whose timestamp cannot be extracted an error of the task, as
	// ksql.timestamp.throw.on.invalid asks; else it is left out.
	FailOnTimestamp bool

	// Schemas is the schema registry; nil: there is none.
	Schemas registry.Registry

	Log   Log
	Out   *Output
	Count *Counters
	// Exact says that every update is emitted, as ksqlDB does without its cache. Otherwise updates are coalesced per
	// commit: per key the first old row and the last new one are kept.
	Exact bool
	// MaxGroups bounds the groups that an aggregate holds in memory.
	MaxGroups int
	// Piece is how many results a Sweep emits.
	Piece int
	// Rows takes what a Result root yields; may be nil for other roots.
	Rows func(b *vector.Batch, project []int) error

	rejected vector.Bitmap // see Reject
	rejects  bool          // rejected is not empty
}

// formatOptions are those of the key or value of a topic's records.
func (e *Env) formatOptions(topic string, key bool) format.Options {
	return format.Options{Key: key, Schemas: e.Schemas, Topic: topic}
}

func (e *Env) compileAll(node plan.Node, exprs []plan.Expr) ([]Evaluator, error) {
	out := make([]Evaluator, len(exprs))
	for i, x := range exprs {
		ev, err := e.Compile(node, x)
		if err != nil {
			return nil, err
		}
		out[i] = ev
	}
	return out, nil
}

// logRow tells the processing log about a row of a batch.
func (e *Env) logRow(node string, b *vector.Batch, row int, kind Kind, message string, err error) {
	e.Log.Log(RowEntry(node, b, row, kind, message, err))
}

// RowEntry is the processing log's entry about a row of a batch.
func RowEntry(node string, b *vector.Batch, row int, kind Kind, message string, err error) Entry {
	entry := Entry{Kind: kind, Node: node, Partition: b.Partition, Offset: -1, Message: message, Err: err, Batch: b, Row: row}
	if row < len(b.Offset) {
		entry.Offset = b.Offset[row]
	}
	return entry
}
