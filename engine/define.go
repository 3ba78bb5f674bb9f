package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
)

// define runs a statement that changes the catalog: it is analysed in its turn of the command log, so that it is checked
// against exactly the definitions it will follow.
func (e *Engine) define(ctx context.Context, s *session, stmt ast.Statement, text string) ([]EntityBody, error) {
	var d definition
	var left []string // queries' own topics that interrupted turns made
	seq, err := e.commands.Submit(ctx, func(seq int64) (*command.Command, error) {
		// Anew for each turn: a sink's topic that an interrupted turn created may be in use by whoever interrupted it, and is not undone.
		left = append(left, d.made...)
		d = definition{e: e, ctx: ctx, s: s, text: text, seq: seq}
		r, err := e.analyze(s, stmt, text)
		if err != nil {
			return nil, err
		}
		return d.command(r, seq)
	})
	if errors.Is(err, command.ErrUncertain) {
		return nil, err // the topics may be in use
	}
	if err != nil {
		left = append(left, d.made...)
	}
	if err := e.kafka.DeleteTopics(e.unused(left)...); err != nil {
		e.log.Warn("topics are left of a statement that did not go through, or not at once", "topics", left, "error", err)
	}
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{d.message}), nil
	}
	if err != nil {
		return nil, errors.Join(err, d.undo())
	}
	if d.deleteTopic != "" {
		if err := e.kafka.DeleteTopics(d.deleteTopic); err != nil {
			return nil, err
		}
	}
	return one(e.succeeded(d.id, d.message, d.queryID, seq)), nil
}

// definition is the making of one command.
type definition struct {
	e           *Engine
	ctx         context.Context
	s           *session
	text        string
	seq         int64  // of the command
	id          string // of the command: stream/NAME/create
	message     string
	queryID     string
	internal    []topology.Topic // that its query has for itself
	created     string           // topic that this statement created
	made        []string         // of internal, those that this turn created
	deleteTopic string
}

// undo deletes the topic of a statement that failed behind its creation.
func (d *definition) undo() error {
	if d.created == "" {
		return nil
	}
	return d.e.kafka.DeleteTopics(d.created)
}

// unused are those topics, made for queries alone, that no query has. Whoever interrupted a turn may have made one of the same statement, with the
// same number in the command log, and so with the same topics.
func (e *Engine) unused(topics []string) []string {
	used := map[string]bool{}
	if len(topics) > 0 {
		e.stored.Range(func(_, q any) bool {
			for _, name := range e.internalTopics(q.(*command.Query)) {
				used[name] = true
			}
			return true
		})
	}
	return slices.DeleteFunc(slices.Clone(topics), func(name string) bool { return used[name] })
}

func (d *definition) command(r analyzer.Result, seq int64) (*command.Command, error) {
	c := &command.Command{Text: d.text}
	var err error
	switch r := r.(type) {
	case *analyzer.CreateSource:
		err = d.createSource(c, r, seq)
	case *analyzer.CreateAs:
		err = d.createAs(c, r, seq)
	case *analyzer.InsertInto:
		err = d.insertInto(c, r, seq)
	case *analyzer.Drop:
		d.drop(c, r)
	case *analyzer.Alter:
		d.id = commandID(r.Source.Kind, r.Source.Name, "alter")
		d.message = fmt.Sprintf("%s %s altered", r.Source.Kind, r.Source.Name)
		c.Changes = []command.Change{{Kind: command.PutSource, Source: r.Source}}
	case *analyzer.CreateType:
		d.id, d.message = "type/"+r.Name+"/create", "type "+r.Name+" created"
		c.Changes = []command.Change{{Kind: command.PutType, Name: r.Name, Type: r.Type}}
	case *analyzer.DropType:
		d.id, d.message = "type/"+r.Name+"/drop", "type "+r.Name+" dropped"
		c.Changes = []command.Change{{Kind: command.DropType, Name: r.Name}}
	case *analyzer.Nothing:
		d.message = r.Message
		return nil, command.ErrNothing
	default:
		return nil, fmt.Errorf("statement %q has no definition (%T)", d.text, r)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func commandID(kind catalog.SourceKind, name, action string) string {
	return strings.ToLower(string(kind)) + "/" + name + "/" + action
}

func (d *definition) createSource(c *command.Command, r *analyzer.CreateSource, seq int64) error {
	d.id = commandID(r.Source.Kind, r.Source.Name, "create")
	d.message = fmt.Sprintf("%s %s created", r.Source.Kind, r.Source.Name)
	if err := d.topics(r.Topic); err != nil {
		return err
	}
	if err := d.replicas(r.Source); err != nil {
		return err
	}
	if err := d.schemas(r.Source, true); err != nil {
		return err
	}
	if r.Plan != nil {
		id := fmt.Sprintf("CST_%s_%d", r.Source.Name, seq)
		r.Source.Query = id
		q, err := d.query(id, id, r.Plan, []string{r.Source.Name}, "")
		if err != nil {
			return err
		}
		if err := d.topics(analyzer.Topic{}); err != nil {
			return err
		}
		c.Changes = append(c.Changes, command.Change{Kind: command.PutQuery, Query: q})
	}
	c.Changes = append([]command.Change{{Kind: command.PutSource, Source: r.Source}}, c.Changes...)
	return nil
}

func (d *definition) createAs(c *command.Command, r *analyzer.CreateAs, seq int64) error {
	d.id = commandID(r.Sink.Kind, r.Sink.Name, "create")
	id := r.Replaces
	if id == "" {
		id = fmt.Sprintf("C%cAS_%s_%d", r.Sink.Kind[0], r.Sink.Name, seq)
	}
	d.message, d.queryID = "created query with id "+id, id
	r.Sink.Query = id
	q, err := d.query(id, id, r.Plan, r.Sources, r.Sink.Name)
	if err == nil && r.Replaces != "" {
		d.message, err = d.takeOver(r, q)
	}
	if err != nil {
		return err
	}
	if err := d.inherit(&r.Topic, r.Sources[0]); err != nil {
		return err
	}
	if err := d.topics(r.Topic); err != nil {
		return err
	}
	if err := d.replicas(r.Sink); err != nil {
		return err
	}
	if err := d.schemas(r.Sink, false); err != nil {
		return err
	}
	c.Changes = []command.Change{{Kind: command.PutSource, Source: r.Sink}, {Kind: command.PutQuery, Query: q}}
	return nil
}

func (d *definition) insertInto(c *command.Command, r *analyzer.InsertInto, seq int64) error {
	id := r.QueryID
	if id == "" {
		id = fmt.Sprintf("INSERTQUERY_%d", seq)
	}
	d.id = commandID(r.Sink.Kind, r.Sink.Name, "create")
	d.message, d.queryID = "created query with id "+id, id
	runs := id
	if r.QueryID != "" {
		runs = fmt.Sprintf("%s_%d", id, seq)
	}
	q, err := d.query(id, runs, r.Plan, r.Sources, r.Sink.Name)
	if err != nil {
		return err
	}
	c.Changes = []command.Change{{Kind: command.PutQuery, Query: q}}
	return d.topics(analyzer.Topic{})
}

func (d *definition) drop(c *command.Command, r *analyzer.Drop) {
	d.id = commandID(r.Source.Kind, r.Source.Name, "drop")
	d.message = fmt.Sprintf("source %s (topic: %s) was dropped", r.Source.Name, r.Source.Topic)
	if r.Query != "" {
		c.Changes = append(c.Changes, command.Change{Kind: command.DropQuery, Name: r.Query})
	}
	c.Changes = append(c.Changes, command.Change{Kind: command.DropSource, Name: r.Source.Name, DropAll: r.DeleteTopic})
	if r.DeleteTopic {
		d.deleteTopic = r.Source.Topic
	}
}

// query stores a plan: optimised, checked to be runnable, with its start offsets resolved. Runs is the name that its state is kept under.
func (d *definition) query(id, runs string, node plan.Node, sources []string, sink string) (*command.Query, error) {
	node = d.e.optimize(node)
	props := d.e.effective(d.s)
	partitions := d.e.partitions(node)
	start, err := d.e.startOffsets(d.ctx, node, props, partitions)
	if err != nil {
		return nil, err
	}
	t, err := d.e.named(runs, node, nil, partitions)
	if err != nil {
		return nil, err
	}
	if !namesTopics(t) {
		return nil, &ast.Error{Code: "query.id", Message: "no topic can have the names of the internal topics of query " + id, Hint: "choose a shorter name"}
	}
	if err := d.e.checkDeadLetters(d.e.errorPolicy(id, props), t); err != nil {
		return nil, err
	}
	if err := checkModelServers(d.e.Catalog(), t); err != nil {
		return nil, err
	}
	b, err := plan.Marshal(node)
	if err != nil {
		return nil, fmt.Errorf("store plan of %s: %w", id, err)
	}
	d.internal = t.Topics
	q := &command.Query{ID: id, Statement: d.text, Sources: sources, Sink: sink, Plan: b, Props: props, Models: d.seq, Start: start, IDs: &t.IDs}
	if runs != id {
		q.Incarnation = runs
	}
	return q, nil
}

// namesTopics says that the internal topics of a query can have the names that it gives them.
func namesTopics(t *topology.Topology) bool {
	return !slices.ContainsFunc(t.Topics, func(t topology.Topic) bool { return !kafka.ValidTopic(t.Name) })
}

// inherit gives a sink's topic the retention of the first source's topic, unless the statement says one: what is read in old
// records must not be deleted for its age when it is written. A window's own retention is the least.
func (d *definition) inherit(t *analyzer.Topic, source string) error {
	src, ok := d.e.Catalog().Source(source)
	if t.Exists || !ok || !strings.Contains(t.Cleanup, "delete") || d.retentionSet(t) {
		return nil
	}
	configs, err := d.e.kafka.DescribeConfigs(src.Topic)
	if err != nil {
		return err
	}
	// Where the source's topic does not say, the broker's default holds for both.
	if ms, err := strconv.ParseInt(configs["retention.ms"], 10, 64); err == nil {
		if t.Retention = max(t.Retention, time.Duration(ms)*time.Millisecond); ms < 0 {
			t.Retention = -time.Millisecond
		}
	}
	return nil
}

// retentionSet says whether the statement itself asks for a retention: only a window's may be there otherwise.
func (d *definition) retentionSet(t *analyzer.Topic) bool {
	return t.Retention != 0 && t.Cleanup == "delete"
}

// topics creates the topic of a statement where it is missing, and those that its query has for itself: with one request, since brokers take hardly
// longer for many than for one.
func (d *definition) topics(t analyzer.Topic) error {
	var specs []kafka.TopicSpec
	for _, own := range d.internal {
		specs = append(specs, cluster.InternalTopic(own))
	}
	if t.Name != "" && !t.Exists {
		specs = append(specs, sinkTopic(t))
	}
	if len(specs) == 0 {
		return nil
	}
	made, err := d.e.kafka.MakeTopics(d.ctx, specs...)
	for _, name := range made {
		if name == t.Name {
			d.created = name
		} else {
			d.made = append(d.made, name)
		}
	}
	if errors.Is(err, kafka.ErrTopicExists) {
		return nil
	}
	return err
}

// sinkTopic says how the topic of a statement is to be.
func sinkTopic(t analyzer.Topic) kafka.TopicSpec {
	// Results carry event time, which may be ahead of the broker's clock: that must not stop the query.
	spec := kafka.TopicSpec{
		Name: t.Name, Partitions: t.Partitions, Replicas: t.Replicas, Configs: map[string]string{kafka.FutureLimit: kafka.NoLimit},
	}
	if t.Cleanup != "" {
		spec.Configs["cleanup.policy"] = t.Cleanup
	}
	switch {
	case t.Cleanup == "compact":
		spec.Configs["retention.ms"] = "-1" // the embedded broker would apply it; Kafka does not look at it
	case t.Retention != 0:
		spec.Configs["retention.ms"] = fmt.Sprint(t.Retention.Milliseconds())
	}
	return spec
}

// replicas notes how many replicas the topic got where the statement left it to the broker.
func (d *definition) replicas(src *catalog.Source) error {
	if src.Replicas != 0 {
		return nil
	}
	if d.created == src.Topic {
		var err error
		src.Replicas, err = d.e.kafka.Replicas(src.Topic)
		return err
	}
	info, err := d.e.kafka.DescribeTopic(src.Topic)
	src.Replicas = info.Replicas
	return err
}

// startOffsets resolves where each source topic of a plan is read from: as auto.offset.reset says, tables always from the
// earliest record, since half a table is no table.
func (e *Engine) startOffsets(ctx context.Context, node plan.Node, props map[string]string, partitions partitions) (map[string][]int64, error) {
	reset, ok := props["auto.offset.reset"]
	if !ok {
		reset = e.property("auto.offset.reset")
	}
	start := map[string][]int64{}
	var failed error
	plan.Walk(node, func(n plan.Node) bool {
		src, ok := n.(*plan.Source)
		if !ok || failed != nil {
			return true
		}
		at := kafka.LastStable
		if src.Table || strings.EqualFold(reset, "earliest") {
			at = kafka.Earliest
		}
		if start[src.Topic] == nil || src.Table {
			start[src.Topic], failed = e.offsetsBy(ctx, partitions, src.Topic, at)
		}
		return true
	})
	return start, failed
}

// offsets asks for one position of every partition of a topic.
func (e *Engine) offsets(ctx context.Context, topic string, at kafka.At) ([]int64, error) {
	return e.offsetsBy(ctx, func(topic string) (int32, error) {
		info, err := e.kafka.DescribeTopic(topic)
		return info.Partitions, err
	}, topic, at)
}

// offsetsBy is offsets where somebody knows the partitions.
func (e *Engine) offsetsBy(ctx context.Context, partitions partitions, topic string, at kafka.At) ([]int64, error) {
	n, err := partitions(topic)
	if err != nil {
		return nil, err
	}
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(i)
	}
	byPartition, err := e.kafka.Offsets(ctx, topic, all, at)
	if err != nil {
		return nil, err
	}
	out := make([]int64, n)
	for p, o := range byPartition {
		out[p] = o
	}
	return out, nil
}

// succeeded notes how a command ended and gives the entity that says so.
func (e *Engine) succeeded(id, message, queryID string, seq int64) CurrentStatus {
	st := CommandStatus{Status: "SUCCESS", Message: message, QueryID: queryID}
	e.statuses.Store(id, st)
	return CurrentStatus{CommandID: id, CommandStatus: st, CommandSequenceNumber: seq}
}

// terminate ends persistent queries: their state, internal topics and positions go; sinks stay.
func (e *Engine) terminate(ctx context.Context, st *ast.Terminate, text string) ([]EntityBody, error) {
	if st.Query != nil && e.CloseQuery(st.Query.Name) {
		return one(TerminateQuery{QueryID: st.Query.Name, WasTerminated: true}), nil
	}
	var ids []string
	seq, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		queries, err := e.targets(st.Query)
		if err != nil {
			return nil, err
		}
		c := &command.Command{Text: text}
		ids = nil
		for _, q := range queries {
			if q.Sink == "" && st.Query != nil {
				return nil, &ast.Error{
					Code: "terminate.source-table", Span: st.Query.Span(),
					Message: "query " + q.ID + " belongs to a source table and ends with it", Hint: "DROP TABLE ends it",
				}
			}
			if q.Sink != "" {
				ids = append(ids, q.ID)
				c.Changes = append(c.Changes, command.Change{Kind: command.DropQuery, Name: q.ID})
			}
		}
		if len(ids) == 0 {
			return nil, command.ErrNothing
		}
		return c, nil
	})
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{"there is no query to terminate"}), nil
	}
	if err != nil {
		return nil, err
	}
	var out []EntityBody
	for _, id := range ids {
		out = append(out, e.succeeded("terminate/"+id+"/execute", "query "+id+" terminated", id, seq))
	}
	return out, nil
}

// pause appends one PauseQuery or ResumeQuery change a query.
func (e *Engine) pause(ctx context.Context, target *ast.Ident, text string, kind command.Kind, verb string) ([]EntityBody, error) {
	var ids []string
	seq, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		queries, err := e.targets(target)
		if err != nil {
			return nil, err
		}
		c := &command.Command{Text: text}
		ids = nil
		for _, q := range queries {
			ids = append(ids, q.ID)
			c.Changes = append(c.Changes, command.Change{Kind: kind, Name: q.ID})
		}
		if len(ids) == 0 {
			return nil, command.ErrNothing
		}
		return c, nil
	})
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{"there is no query to " + verb}), nil
	}
	if err != nil {
		return nil, err
	}
	var out []EntityBody
	for _, id := range ids {
		out = append(out, e.succeeded(verb+"/"+id+"/execute", "query "+id+": "+verb+"d", id, seq))
	}
	return out, nil
}

// targets are the persistent queries that a statement names: one, or all if it names none.
func (e *Engine) targets(name *ast.Ident) ([]*catalog.Query, error) {
	cat := e.Catalog()
	if name == nil {
		return cat.Queries(), nil
	}
	if q, ok := cat.Query(name.Name); ok {
		return []*catalog.Query{q}, nil
	}
	var ids []string
	for _, q := range cat.Queries() {
		ids = append(ids, q.ID)
	}
	return nil, &ast.Error{
		Code: "name.query", Span: name.Span(), Message: "there is no query " + name.Name, Hint: ast.Suggest(name.Name, ids),
	}
}
