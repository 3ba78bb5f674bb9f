// Package task runs one partition of one sub-topology.
//
// A Task is a state machine: records go in, records come out, and the same calls give the same results. It has no
// goroutine, no clock and does no I/O but through its stores; whoever drives it (engine/cluster on Kafka, engine/testdriver
// without) fetches, produces and commits:
//
//	t.Add(topic, records, next, atEnd)       whenever a fetch returned
//	for more { more, err = t.Process(now) }
//	t.Flush()                                before a commit: now stores and outputs are complete
//	produce t.Outputs(); store t.Positions() and t.State() in the same transaction
//	t.ResetOutputs(); t.Committed(state)
//
// If the transaction was aborted, the driver takes the stores back to the last commit and calls Rewind with the positions
// and state committed then; it fetches again from there. After a crash it does the same with a new Task.
package task

import (
	"fmt"
	"math"
	"time"

	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/udf"
)

// Deps are what a task is given. Log is required; Rows only if the root is a Result.
type Deps struct {
	Stores    state.Stores
	Functions *udf.Registry
	UDF       *udf.Env
	Models    func() Models     // a view for each task; nil: PREDICT and functions that statements defined are refused
	Schemas   registry.Registry // nil: there is no schema registry
	Log       operator.Log
	// Rows takes a Result's rows; project lists the positions of its columns in the batch, which is valid until it returns.
	Rows func(b *vector.Batch, project []int) error
}

// Options tune a task.
type Options struct {
	BatchSize int           // rows per batch at most; 0: 256
	Exact     bool          // emit every update (see operator.Env)
	MaxGroups int           // groups that an aggregate holds in memory; 0: operator.DefaultMaxGroups
	Piece     int           // results of what one record ends that are emitted at a time; 0: operator.DefaultPiece
	OnError   ErrorPolicy   // the zero policy leaves out what cannot be processed
	MaxIdle   time.Duration // how long an input that is at its end is waited for; negative: no input is ever waited for
}

// DefaultBatchSize is the largest batch of the zero Options.
const DefaultBatchSize = 256

// State is what a task remembers outside its stores: times and counters of its operators by node id. It is committed with the
// input positions.
type State struct {
	Marks map[string][]int64 `json:",omitempty"`
	// Models is an offset of the command log: the commands below it say which versions of models score the records from the
	// input positions on. It is 0 where no model can change, and was before models had versions.
	Models int64 `json:",omitempty"`
	// Owed is what operators have yet to emit of rows before the input positions, by node id.
	Owed map[string][]operator.Sweep `json:",omitempty"`
}

// Task is one partition of one sub-topology. One goroutine at a time may use it.
type Task struct {
	sub    *topology.SubTopology
	opts   Options
	pipe   *operator.Pipeline
	inputs []*input
	fails  *failures
	out    operator.Output
	count  operator.Counters
	kept   operator.Counters // count as of the last commit
	// exchanges says that the task takes its rows one by one, and answers to them before the next row: every update is to be
	// emitted, and what another task answers to a row is void once the row has changed again.
	exchanges bool
	models    Models // nil: there are none
}

// New builds a task that has read nothing. Use Rewind to begin elsewhere.
func New(sub *topology.SubTopology, partition int32, deps Deps, opts Options) (*Task, error) {
	if opts.BatchSize <= 0 {
		opts.BatchSize = DefaultBatchSize
	}
	if opts.MaxGroups <= 0 {
		opts.MaxGroups = operator.DefaultMaxGroups
	}
	if opts.Piece <= 0 {
		opts.Piece = operator.DefaultPiece
	}
	t := &Task{sub: sub, opts: opts, fails: &failures{policy: opts.OnError, log: deps.Log}}
	if deps.Models != nil {
		t.models = deps.Models()
	}
	env := &operator.Env{
		Sub: sub, Partition: partition, Stores: deps.Stores, Functions: deps.Functions, UDF: deps.UDF, Log: t.fails,
		Schemas:         deps.Schemas,
		FailOnTimestamp: deps.UDF != nil && deps.UDF.Props["ksql.timestamp.throw.on.invalid"] == "true",
		Out:             &t.out, Count: &t.count, Exact: opts.Exact, MaxGroups: opts.MaxGroups, Piece: opts.Piece, Rows: deps.Rows, Compile: t.compiler(deps),
	}
	t.fails.env = env
	var err error
	if t.pipe, err = operator.Build(env); err != nil {
		return nil, err
	}
	for i, in := range sub.Inputs {
		answers := in.Loop && in.Nodes[0] != sub.Root // a right half has its join as root, and loops with questions
		t.exchanges = t.exchanges || opts.Exact && answers
		t.inputs = append(t.inputs, &input{fails: t.fails, topic: in.Topic, readers: t.pipe.Readers[i], table: in.Nodes[0].IsTable(), answers: answers, order: i, latest: math.MinInt64})
	}
	return t, nil
}

// compiler makes evaluators whose failures are the policy's to answer.
func (t *Task) compiler(deps Deps) func(plan.Node, plan.Expr) (operator.Evaluator, error) {
	return func(n plan.Node, e plan.Expr) (operator.Evaluator, error) {
		node, input := plan.IDOf(n), n.Inputs()[0]
		sink := func(b *vector.Batch, row int, part plan.Expr, err error) {
			t.fails.failed(operator.RowEntry(node, b, row, operator.RecordProcessing, "error computing expression "+part.String(), err))
		}
		env := &expr.Env{
			Functions: deps.Functions, UDF: deps.UDF, Sink: sink,
			Place: expr.Place{Columns: input.Columns(), Fixed: t.sub.WantsOld(input)},
		}
		if t.models != nil {
			env.Models, env.Callers = t.models, t.models
		}
		ev, err := expr.Compile(e, env)
		if err != nil {
			return nil, fmt.Errorf("compile %s of %s: %w", e, node, err)
		}
		return ev, nil
	}
}

// Add gives the task records of an input, in offset order. Next is the position behind them: gaps in offsets are normal.
// atEnd says that next is the end of what is committed. The records' bytes must stay as they are until they were
// processed.
func (t *Task) Add(topic string, recs []record.Record, next int64, atEnd bool) error {
	for _, in := range t.inputs {
		if in.topic == topic {
			in.add(recs, next, atEnd)
			return nil
		}
	}
	return fmt.Errorf("add records to task of %s: it does not read topic %s", t.sub.ID, topic)
}

// Buffered counts the records of an input that wait to be processed, and about the memory that they take.
func (t *Task) Buffered(topic string) (records, bytes int) {
	for _, in := range t.inputs {
		if in.topic == topic {
			return in.buffered(), in.bytes
		}
	}
	return 0, 0
}

// Flush completes what the commit must hold: operators write their state and push the updates they held back.
func (t *Task) Flush() error {
	t.fails.from = nil
	for _, op := range t.pipe.Stateful {
		if err := op.Flush(); err != nil {
			return fmt.Errorf("flush %s: %w", op.ID, err)
		}
	}
	return t.fails.stop
}

// Outputs are the records written since the last ResetOutputs. They belong to the task.
func (t *Task) Outputs() []record.Out { return t.out.Records }

// ResetOutputs forgets the outputs, whose bytes are then used again. Updates that are held back are not among them.
func (t *Task) ResetOutputs() { t.out.Reset() }

// OutputBytes is about the memory that the outputs take, those included that are held back.
func (t *Task) OutputBytes() int { return t.out.Bytes() }

// Positions are the offsets of the next records to process, by topic.
func (t *Task) Positions() map[string]int64 {
	p := make(map[string]int64, len(t.inputs))
	for _, in := range t.inputs {
		p[in.topic] = in.position()
	}
	return p
}

// State returns what is to be committed with the positions.
func (t *Task) State() State {
	var s State
	for _, op := range t.pipe.Stateful {
		if m := op.Marks(); m != nil {
			if s.Marks == nil {
				s.Marks = map[string][]int64{}
			}
			s.Marks[op.ID] = m
		}
		if sw, ok := op.Stateful.(operator.Sweeper); ok {
			if owed := sw.Owed(); len(owed) > 0 {
				if s.Owed == nil {
					s.Owed = map[string][]operator.Sweep{}
				}
				s.Owed[op.ID] = owed
			}
		}
	}
	if t.models != nil {
		s.Models = t.models.Latest()
	}
	return s
}

// Committed tells the task that a commit with the state has succeeded: from now on the models score as it says.
func (t *Task) Committed(s State) {
	t.kept = t.count
	if t.models != nil {
		t.models.Use(s.Models)
	}
}

// Behind says that models were changed since the last commit: a commit, be it of nothing else, brings the change in.
func (t *Task) Behind() bool { return t.models != nil && t.models.Behind() }

// Rewind takes the task to a commit: its stores are there already, positions and state are what was committed. Records that were
// added and what was not committed are forgotten.
func (t *Task) Rewind(positions map[string]int64, s State) {
	t.out.Reset()
	t.fails.from, t.fails.stop = nil, nil
	for _, in := range t.inputs {
		in.rewind(positions[in.topic])
	}
	for _, op := range t.pipe.Stateful {
		op.Reset()
		if m, ok := s.Marks[op.ID]; ok {
			op.SetMarks(m)
		}
		if sw, ok := op.Stateful.(operator.Sweeper); ok {
			sw.SetOwed(s.Owed[op.ID])
		}
	}
	t.count = t.kept
	if t.models != nil {
		t.models.Drop()
	}
	t.Committed(s)
}

// Counters are the task's counts since it was built. A rewind takes them back to the commit too.
func (t *Task) Counters() operator.Counters { return t.count }

// StreamTime is the largest event time that the operators have seen which keep time, or else the inputs; math.MinInt64 before the first
// record.
func (t *Task) StreamTime() int64 {
	latest := int64(math.MinInt64)
	kept := false
	for _, op := range t.pipe.Stateful {
		if m := op.Marks(); len(m) > 0 {
			kept, latest = true, max(latest, m[0])
		}
	}
	if kept {
		return latest
	}
	for _, in := range t.inputs {
		latest = max(latest, in.latest)
	}
	return latest
}

// Release makes the operators write what they keep in memory, as Flush does, and forget it. Call it between batches; what it writes belongs to
// the running transaction.
func (t *Task) Release() error {
	t.fails.from = nil
	for _, op := range t.pipe.Stateful {
		if h, ok := op.Stateful.(operator.Holder); ok {
			if err := h.Release(); err != nil {
				return fmt.Errorf("release memory of %s: %w", op.ID, err)
			}
		}
	}
	return t.fails.stop
}

// HeldBytes is about what operators keep in memory between batches.
func (t *Task) HeldBytes() (n int) {
	for _, op := range t.pipe.Stateful {
		if h, ok := op.Stateful.(operator.Holder); ok {
			n += h.HeldBytes()
		}
	}
	return n
}
