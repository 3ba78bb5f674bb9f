package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/sql/ast"
)

// assertTimeout is how long ASSERT waits without a TIMEOUT clause, as in ksqlDB.
const assertTimeout = time.Second

// assertTopic is ASSERT [NOT EXISTS] TOPIC: it waits until the topic is as the statement says.
func (e *Engine) assertTopic(ctx context.Context, st *ast.AssertTopic) ([]EntityBody, error) {
	want, err := topicProperties(st.With)
	if err != nil {
		return nil, err
	}
	err = awaitAssertion(ctx, st.Timeout, func() (string, error) { return e.checkTopic(st, want) })
	if err != nil {
		return nil, err
	}
	return one(AssertTopic{TopicName: st.Topic.Name, Exists: !st.NotExists}), nil
}

// awaitAssertion repeats a check until it finds nothing wrong or the statement's patience ends; check says what is not as it should be, or "".
func awaitAssertion(ctx context.Context, timeout *ast.Duration, check func() (failure string, err error)) error {
	patience := assertTimeout
	if timeout != nil {
		ms, ok := timeout.Millis()
		if !ok {
			return &ast.Error{Code: "assert.timeout", Span: timeout.Span(), Message: "the timeout is too long"}
		}
		patience = time.Duration(ms) * time.Millisecond
	}
	for deadline := time.Now().Add(patience); ; {
		failure, err := check()
		if err != nil || failure == "" {
			return err
		}
		if time.Now().After(deadline) {
			return &StatementError{Code: CodeAssertFailed, Rule: "assert.failed", Message: failure}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// topicProperties reads the WITH clause of ASSERT TOPIC: PARTITIONS and REPLICAS.
func topicProperties(with *ast.Properties) (map[string]int64, error) {
	want := map[string]int64{}
	if with == nil {
		return want, nil
	}
	for _, p := range with.Items {
		name := strings.ToUpper(p.Name.Name)
		n, ok := p.Value.(*ast.IntLit)
		switch {
		case name != "PARTITIONS" && name != "REPLICAS":
			return nil, &ast.Error{
				Code: "assert.property", Span: p.Span(), Message: "ASSERT TOPIC does not check " + name, Hint: "it checks PARTITIONS and REPLICAS",
			}
		case !ok:
			return nil, &ast.Error{Code: "assert.property", Span: p.Span(), Message: name + " must be a whole number"}
		}
		want[name] = n.Value
	}
	return want, nil
}

// checkTopic says what is not as it should be, or "".
func (e *Engine) checkTopic(st *ast.AssertTopic, want map[string]int64) (string, error) {
	m, err := e.kafka.DescribeTopics(st.Topic.Name)
	if err != nil {
		return "", err
	}
	info, exists := m[st.Topic.Name]
	switch {
	case st.NotExists && exists:
		return "topic " + st.Topic.Name + " exists", nil
	case st.NotExists:
		return "", nil
	case !exists:
		return "topic " + st.Topic.Name + " does not exist", nil
	}
	if n, ok := want["PARTITIONS"]; ok && n != int64(info.Partitions) {
		return fmt.Sprintf("topic %s has %d partitions, not %d", info.Name, info.Partitions, n), nil
	}
	if n, ok := want["REPLICAS"]; ok && n != int64(info.Replicas) {
		return fmt.Sprintf("topic %s has %d replicas, not %d", info.Name, info.Replicas, n), nil
	}
	return "", nil
}
