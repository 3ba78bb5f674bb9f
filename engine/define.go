package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// succeeded notes how a command ended and gives the entity that says so.
func (e *Engine) succeeded(id, message, queryID string, seq int64) CurrentStatus {
	st := CommandStatus{Status: "SUCCESS", Message: message, QueryID: queryID}
	e.statuses.Store(id, st)
	return CurrentStatus{CommandID: id, CommandStatus: st, CommandSequenceNumber: seq}
}
