package rqtt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/testdriver/qtt"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
)

// Run implements qtt.Server.
func (s *Server) Run(c *qtt.Case) error {
	ctx, cancel := context.WithTimeout(context.Background(), caseTimeout)
	defer cancel()
	if err := s.clean(ctx); err != nil {
		return qtt.Failf("server", "start: %v", err)
	}
	s.used = true
	if err := s.createTopics(ctx, c); err != nil {
		return qtt.Failf("topics", "%v", err)
	}
	c.Register(s.registry.memory())
	admin, queries := split(c.Statements)
	answers, err := s.execute(ctx, c, admin)
	if err != nil || answers == nil {
		return err
	}
	if !c.Live {
		if err := s.feed(ctx, c); err != nil {
			return err
		}
		if c.Expected == nil {
			if err := s.engine.Settle(ctx); err != nil {
				return qtt.Failf("queries do not settle", "%v", err)
			}
		}
	}
	for i, q := range queries {
		rows, err := s.query(ctx, c, q, asJSON, i == 0)
		if err != nil || rows == nil {
			return err
		}
		answers = append(answers, rows)
	}
	for i := 0; c.Protobuf && i < len(queries); i++ {
		rows, err := s.query(ctx, c, queries[i], asProtobuf, false)
		if err != nil || rows == nil {
			return err
		}
		answers = append(answers, rows)
	}
	if c.Expected != nil {
		return qtt.Failf("not refused", "expected a refusal: %s", c.Expected.Message)
	}
	if err := s.compareTopics(ctx, c); err != nil {
		return err
	}
	return compareAnswers(c, answers)
}

// split parts the statements from the queries behind them.
func split(statements []string) (admin, queries []string) {
	for i, text := range statements {
		if strings.HasPrefix(text, "SELECT ") {
			return statements[:i], statements[i:]
		}
	}
	return statements, nil
}

// createTopics makes the topics that the case names itself, those of its CREATE statements and those of its records.
func (s *Server) createTopics(ctx context.Context, c *qtt.Case) error {
	topics := map[string]int32{}
	add := func(name string, partitions int32) {
		if _, ok := topics[name]; !ok && name != "" {
			topics[name] = partitions
		}
	}
	for _, t := range c.Topics {
		n := int32(1)
		if t.Partitions != nil {
			n = *t.Partitions
		}
		add(t.Name, n)
	}
	for _, text := range c.Statements {
		stmt, err := parser.ParseOne(text)
		create, ok := stmt.(*ast.CreateSource)
		if err != nil || !ok { // the server will say what is wrong
			continue
		}
		add(topicOf(create.With))
	}
	for _, list := range [][]qtt.Record{c.Inputs, c.Outputs} {
		for i := range list {
			add(list[i].Topic, defaultPartitions)
		}
	}
	for name, n := range topics {
		err := s.engine.Kafka().CreateTopic(ctx, kafka.TopicSpec{Name: name, Partitions: n, Configs: map[string]string{"retention.ms": "-1"}})
		if err != nil && !errors.Is(err, kafka.ErrTopicExists) {
			return err
		}
	}
	return nil
}

// topicOf reads topic and partitions of a WITH clause.
func topicOf(with *ast.Properties) (name string, partitions int32) {
	if lit, ok := with.Get("kafka_topic").(*ast.StringLit); ok {
		name = lit.Value
	}
	partitions = defaultPartitions
	if e := with.Get("partitions"); e != nil {
		if n, err := strconv.ParseInt(e.String(), 10, 32); err == nil {
			partitions = int32(n)
		}
	}
	return name, partitions
}

// feed writes the inputs in their order, as a producer of Kafka's Java clients spreads them.
func (s *Server) feed(ctx context.Context, c *qtt.Case) error {
	p := s.engine.Kafka().NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for i := range c.Inputs {
		in := &c.Inputs[i]
		rec, err := in.Encode(s.formats(c, in.Topic))
		if err != nil {
			return qtt.Failf("input", "input %d: %v", i, err)
		}
		info, err := s.engine.Kafka().DescribeTopic(in.Topic)
		if err != nil {
			return qtt.Failf("input", "input %d: %v", i, err)
		}
		batch := kafka.ProduceBatch{Topic: in.Topic, Records: []record.Record{rec}}
		if rec.Key != nil {
			batch.Partition = kafka.PartitionFor(rec.Key, info.Partitions)
		}
		if err := p.Send(ctx, batch); err != nil {
			return qtt.Failf("input", "input %d: %v", i, err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		return qtt.Failf("input", "%v", err)
	}
	return nil
}

// formats are those of a topic's records.
func (s *Server) formats(c *qtt.Case, topic string) qtt.Formats {
	f := qtt.FormatsOf(s.engine.Catalog(), c, topic)
	f.Schemas = s.registry.memory()
	return f
}

// compareTopics compares the records that the case expects with the first ones of their topics.
func (s *Server) compareTopics(ctx context.Context, c *qtt.Case) error {
	want := map[string][]*qtt.Record{}
	var order []string
	for i := range c.Outputs {
		t := c.Outputs[i].Topic
		if want[t] == nil {
			order = append(order, t)
		}
		want[t] = append(want[t], &c.Outputs[i])
	}
	for _, topic := range order {
		got, err := s.records(ctx, topic, len(want[topic]))
		if err != nil {
			return qtt.Failf("output", "read %s: %v", topic, err)
		}
		if len(got) < len(want[topic]) {
			return qtt.Failf("output count", "%d records in %s, expected %d", len(got), topic, len(want[topic]))
		}
		f := s.formats(c, topic)
		for i, w := range want[topic] {
			if what, detail := qtt.CompareRecord(w, &got[i], f); what != "" {
				return qtt.Failf("output "+what, "record %d of %s: %s", i, topic, detail)
			}
		}
	}
	return nil
}

// records reads a topic, partition by partition, until it has n records or a while has passed.
func (s *Server) records(ctx context.Context, topic string, n int) ([]record.Record, error) {
	for deadline := time.Now().Add(5 * time.Second); ; {
		got, err := s.readAll(ctx, topic)
		if err != nil || len(got) >= n || time.Now().After(deadline) {
			return got, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *Server) readAll(ctx context.Context, topic string) ([]record.Record, error) {
	info, err := s.engine.Kafka().DescribeTopic(topic)
	if err != nil {
		return nil, err
	}
	r := s.engine.Kafka().NewReader()
	defer r.Close()
	var out []record.Record
	for p := range info.Partitions {
		for b, err := range r.All(ctx, topic, p) {
			if err != nil {
				return nil, err
			}
			out = append(out, b.Records...)
		}
	}
	return out, nil
}

// answer is what the server said to one statement: an entity, or the objects of a query's rows.
type answer []map[string]any

func compareAnswers(c *qtt.Case, got []answer) error {
	if len(got) < len(c.Responses) {
		return qtt.Failf("answers", "%d answers, expected %d", len(got), len(c.Responses))
	}
	for i, want := range c.Responses {
		statement := ""
		if i < len(c.Statements) {
			statement = c.Statements[i]
		}
		var err error
		switch {
		case want.Admin != nil:
			err = matchFields(got[i][0], want.Admin, statement)
		case want.Query != nil:
			err = compareRows(got[i], want.Query, c.VerifyOrder, statement)
		case want.QueryProto != nil:
			err = compareMessages(got[i], want.QueryProto, c.VerifyOrder)
		default:
			err = errors.New("it is of a form that is not compared")
		}
		var f *qtt.Failure
		if errors.As(err, &f) {
			return qtt.Failf(f.Reason, "answer %d: %s", i, f.Detail)
		}
		if err != nil {
			return qtt.Failf("answer", "answer %d: %v", i, err)
		}
	}
	return nil
}

// show writes a value for messages.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
