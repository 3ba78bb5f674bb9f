package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/optimizer"
	"github.com/millrace/millrace/sql/plan"
)

// replay collects what the command log says before any query is started, so that a query that was dropped later never runs.
type replay struct {
	slots   int
	queries map[string]*command.Query
	order   []string
	paused  map[string]bool
	dropped []*command.Query
}

func newReplay() *replay {
	return &replay{queries: map[string]*command.Query{}, paused: map[string]bool{}}
}

// openCommands reads the command log to its end. The first server of a service writes the first command.
func (e *Engine) openCommands(ctx context.Context) error {
	t, err := command.OpenTopic(ctx, e.kafka, e.internalTopic("commands"), e.transactionalID("commands"))
	if err != nil {
		return err
	}
	e.commandLog = t
	e.commands = command.NewLog(t, e.apply)
	if err := e.commands.CatchUp(ctx); err != nil {
		return err
	}
	if e.replay.slots == 0 {
		if err := e.firstServer(ctx); err != nil {
			return err
		}
		_, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
			if e.replay.slots != 0 {
				return nil, command.ErrNothing
			}
			return &command.Command{Changes: []command.Change{{Kind: command.Service, Slots: e.opts.Slots}}}, nil
		})
		if err != nil && !errors.Is(err, command.ErrNothing) {
			return err
		}
	}
	if e.replay.slots != e.opts.Slots {
		return fmt.Errorf("service %s has %d slots: a server with %d cannot join it", e.opts.Service, e.replay.slots, e.opts.Slots)
	}
	return nil
}

// firstServer refuses to begin an empty command log beside a slots topic that has records: the log was deleted, and with it all
// definitions. Whoever deleted it must say what is to become of the rest.
func (e *Engine) firstServer(ctx context.Context) error {
	topic := cluster.SlotsTopic(e.opts.Service)
	m, err := e.kafka.DescribeTopics(topic)
	if err != nil || m[topic].Partitions == 0 {
		return err
	}
	ends, err := e.offsets(ctx, topic, kafka.Latest)
	if err != nil {
		return err
	}
	for _, end := range ends {
		if end > 0 {
			return fmt.Errorf("the command log of service %s is empty, but its queries have run: topic %s was deleted; restore it, or delete %s too to begin anew",
				e.opts.Service, e.internalTopic("commands"), topic)
		}
	}
	return nil
}

// startQueries starts what the log left running, defines the processing log, and begins to follow other servers' commands.
func (e *Engine) startQueries(ctx context.Context) error {
	r := e.replay
	e.replay = nil
	e.forget(r)
	for _, m := range e.Catalog().Models() {
		e.keepModel(ctx, m)
	}
	e.keepFunctions(ctx, e.Catalog())
	for _, id := range r.order {
		q, ok := r.queries[id]
		if !ok {
			continue
		}
		if err := e.startQuery(ctx, q, r.paused[id]); err != nil {
			return err
		}
	}
	if err := e.cluster.Start(ctx); err != nil {
		return err
	}
	follow, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = cancel
	if e.broker == nil {
		e.wg.Go(func() { e.follow(follow) })
	} else {
		e.wg.Go(func() { e.compact(follow) })
	}
	e.wg.Go(func() { e.queries.Run(follow) })
	e.wg.Go(func() { e.feedModels(follow) })
	e.wg.Go(func() { e.watchCanaries(follow) })
	e.wg.Go(func() { e.sweepArtifacts(follow) })
	return e.defineProcessingLog(ctx)
}

func (e *Engine) defineProcessingLog(ctx context.Context) error {
	if _, ok := e.Catalog().Source(ProcessingLogStream); ok {
		err := e.kafka.CreateTopic(ctx, kafka.TopicSpec{Name: e.processingLogTopic(), Partitions: 1})
		if err == nil {
			e.log.Warn("the topic of the processing log was missing and is made anew", "topic", e.processingLogTopic())
		} else if !errors.Is(err, kafka.ErrTopicExists) {
			e.log.Warn("the topic of the processing log cannot be checked", "error", err)
		}
		return nil
	}
	e.state.Store(running) // its own statement goes the way of all
	_, err := e.Execute(ctx, Request{SQL: fmt.Sprintf(processingLogStatement, e.processingLogTopic())})
	return err
}

func (e *Engine) processingLogTopic() string { return e.opts.Service + "ksql_processing_log" }

// follow applies the commands of other servers. An unreadable command ends it: see command.Log.CatchUp.
func (e *Engine) follow(ctx context.Context) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.commands.Hurried():
		}
		if err := e.commands.CatchUp(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("cannot follow the command log", "error", err)
			if errors.Is(err, command.ErrStopped) {
				return
			}
		}
	}
}

// apply carries out a command that was read from the log. The catalog changes last: who sees it finds what it names.
func (e *Engine) apply(ctx context.Context, offset int64, c *command.Command) error {
	before := e.Catalog()
	next, err := c.Apply(before, offset)
	if err != nil {
		return err
	}
	functions := c.DefinesFunctions()
	if functions {
		if err := e.defineFunctions(next); err != nil {
			return err
		}
	}
	for i := range c.Changes {
		if err := e.applyChange(ctx, &c.Changes[i]); err != nil {
			return err
		}
	}
	models := c.Models()
	if e.replay == nil {
		e.keepModels(ctx, models, before, next)
		if functions {
			e.keepFunctions(ctx, next)
		}
	}
	e.catalog.Store(next)
	e.applied.Store(offset + 1)
	if len(models) > 0 || functions {
		e.cluster.ModelsChanged()
	}
	if e.replay == nil {
		e.hurryUsers(next, models)
	}
	return nil
}

func (e *Engine) applyChange(ctx context.Context, ch *command.Change) error {
	if ch.Kind == command.PutQuery {
		e.stored.Store(ch.Query.ID, ch.Query)
	} else if ch.Kind == command.DropQuery {
		e.stored.Delete(ch.Name)
	}
	if r := e.replay; r != nil && r.take(ch) {
		return nil
	}
	switch ch.Kind {
	case command.PutQuery:
		return e.startQuery(ctx, ch.Query, false)
	case command.DropQuery:
		return e.queries.Stop(ctx, ch.Name)
	case command.PauseQuery:
		e.queries.Pause(ch.Name)
	case command.ResumeQuery:
		e.queries.Resume(ch.Name)
	case command.Service, command.PutSource, command.DropSource, command.PutType, command.DropType,
		command.PutModel, command.DropModel, command.RollOut, command.DropModelVersion, command.RefuseModel,
		command.PutFunction, command.DropFunction: // the catalog says it all
	}
	return nil
}

// take notes a change that waits for the end of the replay.
func (r *replay) take(ch *command.Change) bool {
	switch ch.Kind {
	case command.Service:
		r.slots = ch.Slots
	case command.PutQuery:
		if r.queries[ch.Query.ID] == nil {
			r.order = append(r.order, ch.Query.ID)
		}
		r.queries[ch.Query.ID] = ch.Query
		delete(r.paused, ch.Query.ID) // a query that replaces another runs
	case command.DropQuery:
		if q := r.queries[ch.Name]; q != nil {
			r.dropped = append(r.dropped, q)
		}
		delete(r.queries, ch.Name)
		delete(r.paused, ch.Name)
	case command.PauseQuery, command.ResumeQuery:
		r.paused[ch.Name] = ch.Kind == command.PauseQuery
	case command.PutModel, command.DropModel, command.RollOut, command.DropModelVersion, command.RefuseModel,
		command.PutSource, command.DropSource, command.PutType, command.DropType, command.PutFunction, command.DropFunction:
		return false
	}
	return true
}

// startQuery hands a stored query to the slots. Only a plan that cannot be read is an error: see query.Manager.
func (e *Engine) startQuery(ctx context.Context, q *command.Query, paused bool) error {
	def, err := q.Definition()
	if err != nil {
		return err
	}
	return e.queries.Start(ctx, query.Definition{
		ID: q.ID, Incarnation: q.Runs(), Topics: e.internalTopics(q), Retry: e.retry(q.Props),
		Build: func() (query.Spec, error) { return e.spec(q, def.Plan, paused) },
	})
}

// topology cuts the plan of a query that is not made yet by the partitions that its topics have now.
func (e *Engine) topology(id string, node plan.Node) (*topology.Topology, error) {
	return e.named(id, node, nil, e.partitions(node))
}

// named cuts the plan of a query whose command holds the names of its state; without any they are derived.
func (e *Engine) named(id string, node plan.Node, ids *topology.IDs, partitions partitions) (*topology.Topology, error) {
	t, err := topology.Build(node, e.topologyOptions(id, ids, partitions))
	var unavailable *topology.UnavailableError
	if errors.As(err, &unavailable) {
		return nil, &ast.Error{Code: unavailable.Rule(), Message: err.Error()}
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (e *Engine) topologyOptions(id string, ids *topology.IDs, partitions partitions) topology.Options {
	return topology.Options{Service: e.opts.Service, Query: id, IDs: ids, Partitions: partitions}
}

// optimize rewrites a plan before it is run or stored.
func (e *Engine) optimize(node plan.Node) plan.Node {
	return optimizer.Optimize(node, optimizer.Options{Fold: e.fold, Volatile: e.functions().Volatile})
}
