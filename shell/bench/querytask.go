package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/optimizer"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/builtin"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/wasm"
)

const (
	queryBatch   = task.DefaultBatchSize // rows that a query works on at a time
	timesOver    = 16                    // how often the rows are read between two commits: about as many as come in their interval
	numbersTopic = "numbers"
)

// queryTask is the task of a query with PREDICT or its counterpart, as a server runs it: from records' bytes to records' bytes, with the
// statistics of what is scored. It is fed from memory, in this goroutine, and nothing is fetched or sent.
type queryTask struct {
	task    *task.Task
	records []record.Record
	stats   model.Statistics
	watch   *stopwatch
}

// stopwatch takes the time of each call of PREDICT and of the scorer in it. It is the scorer, the backend that gives it, and who calls it.
type stopwatch struct {
	model.Scorer
	expr.Predictor
	on      bool
	scoring time.Duration // of the latest call
	calls   []timedCall
}

type timedCall struct{ whole, scorer time.Duration }

// Score implements model.Scorer.
func (s *stopwatch) Score(ctx context.Context, in []model.Column, rows int, out []model.Column) error {
	if !s.on {
		return s.Scorer.Score(ctx, in, rows, out)
	}
	began := time.Now()
	err := s.Scorer.Score(ctx, in, rows, out)
	s.scoring = time.Since(began)
	return err
}

// Predict implements expr.Predictor.
func (s *stopwatch) Predict(rows expr.Rows, args []*vector.Vector, sel []int32, out *vector.Vector, fail func(int, error)) error {
	if !s.on {
		return s.Predictor.Predict(rows, args, sel, out, fail)
	}
	began := time.Now()
	err := s.Predictor.Predict(rows, args, sel, out, fail)
	s.calls = append(s.calls, timedCall{time.Since(began), s.scoring})
	return err
}

// Name implements model.Backend.
func (*stopwatch) Name() string { return "given" }

// Load implements model.Backend: every model is this one.
func (s *stopwatch) Load(context.Context, model.Artifact, model.Options) (model.Scorer, error) {
	return s, nil
}

// watched are models whose calls take the stopwatch along.
type watched struct {
	task.Models
	watch *stopwatch
}

// Predictor implements expr.Models.
func (w watched) Predictor(p *plan.Predict, at expr.Place) (_ expr.Predictor, err error) {
	w.watch.Predictor, err = w.Models.Predictor(p, at)
	return w.watch, err
}

// definitions are what a query of the benchmark sees.
type definitions struct {
	cat     *catalog.Catalog
	library *model.Library
}

// Lookup implements analyzer.Topics.
func (*definitions) Lookup(topic string) (partitions int32, replicas int16, ok bool, err error) {
	return 1, 1, topic == numbersTopic, nil
}

// ResolvePredict implements analyzer.Models.
func (d *definitions) ResolvePredict(name string, version int, args []*types.Type) (*types.Type, error) {
	m, ok := d.cat.Model(name)
	if !ok {
		return nil, fmt.Errorf("model %s does not exist", name)
	}
	return d.library.Resolve(context.Background(), m, version, args)
}

// now implements [catalog.Definitions].
func (d *definitions) now() (*catalog.Catalog, int64) { return d.cat, 1 }

// nowhere is the processing log of records that are all sound.
type nowhere struct{}

func (nowhere) Log(operator.Entry) {}

func newQueryTask(m *modelQuery, with bool, rows [][]byte) (*queryTask, error) {
	q := &queryTask{watch: &stopwatch{Scorer: m.scorer}}
	d := &definitions{
		cat: (&catalog.Catalog{}).WithModelVersion(&catalog.ModelVersion{Name: "IT", Version: 1, SHA256: "it"}, 0),
		library: &model.Library{
			Backends: []model.Backend{q.watch}, Statistics: &q.stats,
			Fetch: func(context.Context, string) ([]byte, error) { return nil, nil },
		},
	}
	functions := builtin.Registry()
	root, err := d.plan(functions, m.define(), m.query(with))
	if err != nil {
		return nil, err
	}
	topo, err := topology.Build(root, topology.Options{Service: "bench", Query: "q", Partitions: func(string) (int32, error) { return 1, nil }})
	if err != nil {
		return nil, err
	}
	q.task, err = task.New(topo.Subs[0], 0, task.Deps{
		Stores: memory.New(topo.Subs[0].Specs()), Functions: functions, UDF: &udf.Env{}, Log: nowhere{},
		Models: func() task.Models {
			return watched{task.ModelsOf(d.library.View(1, d.now).Count(), new(wasm.Library).View(1, d.now)), q.watch}
		},
	}, task.Options{BatchSize: queryBatch, MaxIdle: -1})
	for i, value := range rows {
		q.records = append(q.records, record.Record{Offset: int64(i), Timestamp: 1_700_000_000_000, Value: value})
	}
	return q, err
}

// plan carries the first statement out and gives the plan of the second.
func (d *definitions) plan(functions *udf.Registry, define, query string) (plan.Node, error) {
	a := analyzer.New(functions, d, analyzer.Options{Topics: d, DefaultPartitions: 1})
	for _, text := range []string{define, query} {
		stmt, err := parser.ParseOne(text)
		if err != nil {
			return nil, err
		}
		res, err := a.Analyze(stmt, d.cat, text, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		switch x := res.(type) {
		case *analyzer.CreateSource:
			d.cat = d.cat.WithSource(x.Source)
		case *analyzer.CreateAs:
			return optimizer.Optimize(x.Plan, optimizer.Options{Volatile: functions.Volatile}), nil
		}
	}
	return nil, fmt.Errorf("%s: it is no query", query)
}

// run reads all records, over and over, and commits.
func (q *queryTask) run() error {
	for range timesOver {
		if err := q.process(); err != nil {
			return err
		}
		q.task.ResetOutputs()
	}
	q.task.Committed(q.task.State())
	return nil
}

// process makes the outputs of all records.
func (q *queryTask) process() error {
	if err := q.task.Add(numbersTopic, q.records, int64(len(q.records)), true); err != nil {
		return err
	}
	for more := true; more; {
		var err error
		if more, err = q.task.Process(time.Time{}); err != nil {
			return err
		}
	}
	if err := q.task.Flush(); err != nil {
		return err
	}
	if got := len(q.task.Outputs()); got != len(q.records) {
		return fmt.Errorf("%d records of %d came out", got, len(q.records))
	}
	return nil
}

// timed is run with the stopwatch.
func (q *queryTask) timed() error {
	q.watch.on = true
	err := q.run()
	q.watch.on = false
	return err
}

// spent is the nanoseconds a row in calls of PREDICT and in the scorer there, and how much the one is over the other, call by call: medians.
func (q *queryTask) spent() (inCalls, inScorer, over float64) {
	var lists [3][]float64
	for _, c := range q.watch.calls {
		whole, scorer := float64(c.whole.Nanoseconds()), float64(c.scorer.Nanoseconds())
		for i, v := range []float64{whole / queryBatch, scorer / queryBatch, whole/scorer - 1} {
			lists[i] = append(lists[i], v)
		}
	}
	return median(lists[0]), median(lists[1]), median(lists[2])
}
