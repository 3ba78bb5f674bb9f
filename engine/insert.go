package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/expr"
	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// insertValues writes one record to a stream's or table's topic.
func (e *Engine) insertValues(ctx context.Context, s *session, st *ast.InsertValues, text string) error {
	r, err := e.analyze(s, st, text)
	if err != nil {
		return err
	}
	ins, ok := r.(*analyzer.InsertValues)
	if !ok {
		return fmt.Errorf("insert: %T is no INSERT VALUES", r)
	}
	rec, err := e.insertRecord(ins)
	if err != nil {
		return &ast.Error{Code: "insert.value", Span: st.Span(), Message: fmt.Sprintf("cannot insert into %s: %s", ins.Target.Name, err)}
	}
	info, err := e.kafka.DescribeTopic(ins.Target.Topic)
	if err != nil {
		return err
	}
	batch := kafka.ProduceBatch{Topic: ins.Target.Topic, Records: []kafka.Record{rec}}
	if rec.Key != nil {
		batch.Partition = kafka.PartitionFor(rec.Key, info.Partitions)
	} else {
		batch.Partition = int32(e.insertSeq.Add(1) % int64(info.Partitions))
	}
	err = e.producer.Produce(ctx, batch)
	if errors.Is(err, kafka.ErrTooLarge) {
		return &ast.Error{
			Code: "insert.too-large", Span: st.Span(),
			Message: fmt.Sprintf("cannot insert into %s: %s", ins.Target.Name, e.tooLarge(rec, ins.Target.Topic)),
			Hint:    "shorten the values, or raise max.message.bytes of the topic",
		}
	}
	if err != nil {
		return fmt.Errorf("insert into %s: %w", ins.Target.Name, err)
	}
	return nil
}

// tooLarge says how large a record is and how large it may be. The broker counts some bytes of its own beside key and value.
func (e *Engine) tooLarge(rec kafka.Record, topic string) string {
	limit := "more than topic " + topic + " takes"
	if conf, err := e.kafka.DescribeConfigs(topic); err == nil && conf["max.message.bytes"] != "" {
		limit = "topic " + topic + " takes " + conf["max.message.bytes"] + " bytes a record"
	}
	return fmt.Sprintf("the record has %d bytes; %s", len(rec.Key)+len(rec.Value), limit)
}

// insertRecord evaluates the values and encodes key and value.
func (e *Engine) insertRecord(ins *analyzer.InsertValues) (kafka.Record, error) {
	rec := kafka.Record{Timestamp: time.Now().UnixMilli()}
	if ins.RowTime != nil {
		v, err := expr.Constant(ins.RowTime, e.exprEnv())
		if err != nil {
			return rec, fmt.Errorf("ROWTIME: %w", err)
		}
		if t, ok := v.(int64); ok {
			rec.Timestamp = t
		}
	}
	var keys, values []format.Column
	var cols []*vector.Vector
	keyNull := true
	for _, cv := range ins.Values {
		v, err := expr.Constant(cv.Expr, e.exprEnv())
		if err != nil {
			return rec, fmt.Errorf("column %s: %w", cv.Column.Name, err)
		}
		fc := format.Column{Name: cv.Column.Name, Type: cv.Column.Type, Target: len(cols)}
		if cv.Column.Role == types.RoleKey {
			keys = append(keys, fc)
			keyNull = keyNull && v == nil
		} else {
			values = append(values, fc)
		}
		cols = append(cols, vector.NewConst(cv.Column.Type, v))
	}
	var err error
	if !keyNull {
		if rec.Key, err = e.encode(ins.Target.KeyFormat, keys, cols, ins.Target.Topic, true); err != nil {
			return rec, fmt.Errorf("key: %w", err)
		}
	}
	if rec.Value, err = e.encode(ins.Target.ValueFormat, values, cols, ins.Target.Topic, false); err != nil {
		return rec, fmt.Errorf("value: %w", err)
	}
	return rec, nil
}

func (e *Engine) encode(f plan.Format, cols []format.Column, vectors []*vector.Vector, topic string, key bool) ([]byte, error) {
	enc, err := format.NewEncoder(f, cols, format.Options{Key: key, Schemas: e.schemas, Topic: topic})
	if err != nil {
		return nil, err
	}
	return enc.Append([]byte{}, vectors, 0)
}
