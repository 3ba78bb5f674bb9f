package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/pull"
	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/vector"
)

// commandPatience is how long a server that is asked may be behind the commands that the other one knows.
const commandPatience = 5 * time.Second

// ServePull implements API. It reads what is here and asks nobody else, so that no question goes round.
func (e *Engine) ServePull(ctx context.Context, r *pull.Request, out *pull.Writer) error {
	t, err := e.requested(ctx, r)
	if err != nil {
		return refusal(err, r.SQL, nil)
	}
	t.standby, t.maxLag = r.Standby, r.MaxLag
	out.Columns(t.types())
	left := int64(1<<31 - 1)
	if t.q.Limit != nil {
		left = min(left, *t.q.Limit)
	}
	t.take = func(b *vector.Batch) error {
		if err := out.Rows(b, int(left)); err != nil {
			return err
		}
		if t.q.Limit != nil {
			if left -= min(int64(b.Rows()), left); left == 0 {
				return query.ErrDone
			}
		}
		return nil
	}
	s := newStream(PullResult, r.SQL, nil)
	err = e.launch(ctx, s, t.q.Source.Name, func(ctx context.Context) error { return t.serve(ctx, r.Partitions, out) })
	if err != nil {
		return err
	}
	_, err = s.Next(ctx)
	_ = s.Close() // its work has ended, or ends with it
	switch {
	case errors.Is(err, io.EOF):
		return out.End()
	case out.Began() && ctx.Err() == nil:
		return out.Fail(err)
	}
	return err
}

// serve writes partitions.
func (t *tablePull) serve(ctx context.Context, partitions []int32, out *pull.Writer) error {
	for _, p := range partitions {
		err := t.partition(ctx, p)
		if t.standby && errors.Is(err, cluster.ErrNotHere) {
			err = t.copied(ctx, p)
		}
		var behind *cluster.BehindError
		switch {
		case errors.Is(err, cluster.ErrNotHere), errors.As(err, &behind):
			err = out.Moved(p)
		case err == nil:
			err = out.Done(p)
		case !errors.Is(err, query.ErrDone):
			t.e.cluster.Distrust(err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sameService checks that a question comes from a server of this service, and waits until this one knows the commands that the other one knew.
func (e *Engine) sameService(ctx context.Context, service string, applied int64) error {
	if service != e.opts.Service {
		return &StatementError{Code: CodeBadRequest, Message: fmt.Sprintf("this server belongs to service %s, not %s", e.opts.Service, service)}
	}
	behind, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	if err := e.awaitApplied(behind, applied); err != nil {
		return &StatementError{Code: CodeNotReady, Message: fmt.Sprintf("this server has not yet applied the commands below %d", applied), Err: err}
	}
	return nil
}

// requested analyzes the query of another server, and checks that both mean the same by it.
func (e *Engine) requested(ctx context.Context, r *pull.Request) (*tablePull, error) {
	props := map[string]any{}
	for name, v := range r.Properties {
		props[name] = v
	}
	s, pieces, err := e.begin(Request{SQL: r.SQL, Properties: props})
	if err != nil {
		return nil, err
	}
	if err := e.sameService(ctx, r.Service, r.Command); err != nil {
		return nil, err
	}
	stmt, err := parser.ParseOne(pieces[0].Text) // variables were put in where it was asked first
	if err != nil {
		return nil, err
	}
	q, err := e.pullQuery(s, stmt, pieces[0].Text+";")
	if err != nil {
		return nil, err
	}
	t, err := e.tablePull(q)
	if err != nil {
		return nil, err
	}
	if t.running.Topology.Query != r.Query || t.schema() != r.Columns {
		return nil, &StatementError{Code: CodeNotReady, Message: fmt.Sprintf("%s was replaced meanwhile", q.Source.Name)}
	}
	return t, nil
}

// pullQuery analyzes what must be a pull query on a table.
func (e *Engine) pullQuery(s *session, stmt ast.Statement, text string) (*analyzer.PullQuery, error) {
	if q, ok := stmt.(*ast.QueryStmt); ok {
		r, err := e.analyze(s, q, text)
		if err != nil {
			return nil, err
		}
		if p, ok := r.(*analyzer.PullQuery); ok && p.Plan == nil {
			return p, nil
		}
	}
	return nil, &StatementError{Code: CodeBadRequest, Text: text, Message: "servers ask each other for pull queries on tables and nothing else"}
}
