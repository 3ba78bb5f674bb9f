package engine

import (
	"context"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
)

// query runs the statement that a client waits on.
func (e *Engine) query(ctx context.Context, s *session, stmt ast.Statement, text string) (ResultSet, error) {
	switch st := stmt.(type) {
	case *ast.Print:
		return e.print(ctx, st)
	case *ast.QueryStmt:
		r, err := e.analyze(s, st, text)
		if err != nil {
			return nil, err
		}
		return e.run(ctx, s, r, text)
	}
	return nil, &StatementError{
		Code: CodeBadRequest, Text: text,
		Message: "the query endpoint answers SELECT and PRINT; other statements are executed by the /ksql endpoint",
	}
}

func (e *Engine) run(ctx context.Context, s *session, r analyzer.Result, text string) (ResultSet, error) {
	switch q := r.(type) {
	case *analyzer.PushQuery:
		node := e.optimize(q.Plan)
		props := e.effective(s)
		start, err := e.startOffsets(ctx, node, props, e.partitions(node))
		if err != nil {
			return nil, err
		}
		return e.startStream(ctx, clientQuery{kind: PushResult, text: text, node: node, start: start, scalable: e.scalable(node, props)})
	case *analyzer.PullQuery:
		if q.Plan != nil {
			return e.scanStream(ctx, q.Plan, text)
		}
		return e.pull(ctx, s, q, text)
	}
	return nil, &StatementError{Code: CodeQueryEndpoint, Text: text, Message: "the statement does not answer with rows"}
}

// scanStream is a pull query on a stream: it reads from the start to the end as of now.
func (e *Engine) scanStream(ctx context.Context, node plan.Node, text string) (ResultSet, error) {
	node = e.optimize(node)
	var err error
	start, until := map[string][]int64{}, map[string][]int64{}
	plan.Walk(node, func(n plan.Node) bool {
		src, ok := n.(*plan.Source)
		if !ok || err != nil {
			return true
		}
		if start[src.Topic], err = e.offsets(ctx, src.Topic, kafka.Earliest); err == nil {
			until[src.Topic], err = e.offsets(ctx, src.Topic, kafka.LastStable)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return e.startStream(ctx, clientQuery{kind: PullResult, text: text, node: node, start: start, until: until})
}
