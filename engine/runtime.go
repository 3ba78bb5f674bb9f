package engine

import (
	"context"
	"strconv"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/state/badger"
)

// openRuntime prepares the slots; they begin to work when the queries are known.
func (e *Engine) openRuntime(context.Context) error {
	e.plog = startProcessingLog(e.kafka, e.processingLogTopic(), e.log)
	e.guard = badger.Guard{Dir: e.opts.DataDir, Reserve: uint64(e.opts.DiskReserve)}
	e.models.Statistics, e.models.Panicked = &e.scored, e.scorerPanicked
	cfg := cluster.Config{
		Kafka: e.kafka, Service: e.opts.Service, Slots: int32(e.opts.Slots), Store: e.store, Logger: e.log,
		CommitInterval: e.opts.CommitInterval, FlushInterval: e.opts.FlushInterval, AtLeastOnce: e.opts.Guarantee == "at_least_once", Guard: e.guard.Check,
		FlushBytes: e.memory.state, InputBytes: e.memory.inputs, TransactionBytes: e.memory.transactions, OperatorBytes: e.memory.operators,
		CommandOffset: func() int64 { return e.applied.Load() },
		CatchUp:       e.catchUp,
		EndsHold:      e.sessionTimeout(),
		Dropped:       func(incarnation string) bool { return e.dropped[incarnation] },
		TransactionalID: func(slot int32) string {
			return e.transactionalID("slot-" + strconv.Itoa(int(slot)))
		},
	}
	if e.broker == nil {
		cfg.Ownership = cluster.GroupOwnership{
			Kafka: e.kafka, Service: e.opts.Service, InstanceID: e.instance, Standbys: e.standbyReplicas(), SessionTimeout: e.sessionTimeout(),
			Report: func(err error) { e.log.Warn("group membership", "error", err) },
		}
	}
	c, err := cluster.New(cfg)
	if err != nil {
		return err
	}
	e.cluster = c
	e.queries = query.NewManager(c, e.kafka, e.opts.Service+"-", e.log)
	return nil
}

// awaitApplied waits until the commands below offset were applied. It does not read the log itself: the log's turn may be
// waiting for the very slot that asks.
func (e *Engine) awaitApplied(ctx context.Context, offset int64) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for e.applied.Load() < offset {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// spec makes a stored query runnable.
func (e *Engine) spec(q *command.Query, node plan.Node, paused bool) (query.Spec, error) {
	topo, start, err := e.partitioned(q, node)
	if err != nil {
		return query.Spec{}, err
	}
	options := e.taskOptions(q.ID, q.Props)
	if err := e.ensureDeadLetters(options.OnError); err != nil {
		return query.Spec{}, err
	}
	interrupt := task.NewInterrupt()
	deps := e.countedDeps(q, interrupt.Context)
	deps.UDF = newUDFEnv(q.Props)
	return query.Spec{
		Topology: topo, Start: start, Deps: deps, Options: options, Paused: paused, Interrupt: interrupt,
	}, nil
}

func (e *Engine) taskOptions(id string, props map[string]string) task.Options {
	o := task.Options{Exact: e.setting(props, cacheBytes) == "0", OnError: e.errorPolicy(id, props)}
	if ms, err := strconv.ParseInt(e.setting(props, idleMillis), 10, 64); err == nil {
		o.MaxIdle = time.Duration(ms) * time.Millisecond
	}
	return o
}
