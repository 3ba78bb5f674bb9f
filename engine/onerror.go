package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/ast"
)

// The settings that say what becomes of a record, or of a query, that fails. The last four are ksqlDB's.
const (
	onError         = "millrace.on.error"
	deadLetterTopic = "millrace.dead.letter.topic"
	failOnRead      = "ksql.fail.on.deserialization.error"
	failOnWrite     = "ksql.fail.on.production.error"
	retryFirst      = "ksql.query.retry.backoff.initial.ms"
	retryLast       = "ksql.query.retry.backoff.max.ms"
)

// setting is the value of a property for a query: what it was created with, else the server's.
func (e *Engine) setting(props map[string]string, name string) string {
	if v, ok := e.chosen(props, name); ok {
		return v
	}
	return e.property(name)
}

// chosen is setting where the query or the server has a value of its own.
func (e *Engine) chosen(props map[string]string, name string) (string, bool) {
	if v, ok := props[name]; ok {
		return v, true
	}
	v, ok := e.opts.Properties[name]
	return v, ok
}

// errorPolicy is what a query does with records that it cannot process.
func (e *Engine) errorPolicy(id string, props map[string]string) task.ErrorPolicy {
	all := task.Action(strings.ToLower(e.setting(props, onError)))
	p := task.ErrorPolicy{Read: all, Process: all, Write: all, Query: id}
	if strings.EqualFold(e.setting(props, failOnRead), "true") {
		p.Read = task.Stop
	}
	// As in ksqlDB, a row that cannot be written stops the query unless somebody chose otherwise: a result would be missing.
	_, chosen := e.chosen(props, onError)
	if write, ok := e.chosen(props, failOnWrite); ok && strings.EqualFold(write, "true") || !ok && !chosen {
		p.Write = task.Stop
	}
	if all == task.DeadLetter {
		if p.Topic = e.setting(props, deadLetterTopic); p.Topic == "" {
			p.Topic = e.opts.Service + id + "_dead_letter"
		}
	}
	return p
}

// describePolicy tells a policy in a line: the action, and those of kinds of errors that have another.
func describePolicy(p task.ErrorPolicy) string {
	text := string(p.Process)
	if p.Topic != "" {
		text += " to topic " + p.Topic
	}
	if p.Read != p.Process {
		text += ", " + string(p.Read) + " where a record cannot be read"
	}
	if p.Write != p.Process {
		text += ", " + string(p.Write) + " where a row cannot be written"
	}
	return text
}

// checkDeadLetters refuses a topic that cannot take a query's dead letters.
func (e *Engine) checkDeadLetters(p task.ErrorPolicy, t *topology.Topology) error {
	if p.Topic == "" {
		return nil
	}
	refuse := func(format string, args ...any) error {
		return &ast.Error{Code: "query.dead-letter-topic", Message: fmt.Sprintf(format, args...), Hint: "SET '" + deadLetterTopic + "' names another topic"}
	}
	if !kafka.ValidTopic(p.Topic) {
		return refuse("%q cannot be the name of a topic for dead letters", p.Topic)
	}
	for _, sub := range t.Subs {
		if sub.Output == p.Topic {
			return refuse("the query writes its results to %s, so its dead letters cannot go there", p.Topic)
		}
		for _, in := range sub.Inputs {
			if in.Topic == p.Topic {
				return refuse("the query reads %s, so its dead letters cannot go there", p.Topic)
			}
		}
	}
	return nil
}

// ensureDeadLetters makes the topic of a query's dead letters if it is not there. Nothing in it goes by itself, whatever its time.
func (e *Engine) ensureDeadLetters(p task.ErrorPolicy) error {
	if p.Topic == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := e.kafka.CreateTopic(ctx, kafka.TopicSpec{
		Name: p.Topic, Partitions: 1, Configs: map[string]string{kafka.FutureLimit: kafka.NoLimit, "retention.ms": "-1"},
	})
	if err != nil && !errors.Is(err, kafka.ErrTopicExists) {
		return fmt.Errorf("make the topic for dead letters: %w", err)
	}
	return nil
}

// retry is how a query is started again when it fails.
func (e *Engine) retry(props map[string]string) query.Retry {
	millis := func(name string) time.Duration {
		n, err := strconv.ParseInt(e.setting(props, name), 10, 64)
		if err != nil {
			return 0 // it was checked when it was set
		}
		return time.Duration(n) * time.Millisecond
	}
	return query.Retry{First: millis(retryFirst), Last: millis(retryLast)}
}
