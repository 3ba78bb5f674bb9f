package engine

import (
	"context"
	"errors"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
)

// step is a change in the life of persistent queries.
type step struct {
	kind command.Kind
	verb string // also of the command's id: terminate/ID/execute
	done string // what follows the query's id when it has been done
}

var (
	terminated = step{command.DropQuery, "terminate", " terminated"}
	paused     = step{command.PauseQuery, "pause", ": paused"}
	resumed    = step{command.ResumeQuery, "resume", ": resumed"}
)

// terminate ends queries: the state, internal topics and positions of persistent ones go; sinks stay.
func (e *Engine) terminate(ctx context.Context, target *ast.Ident, text string) ([]EntityBody, error) {
	if target != nil && e.CloseQuery(target.Name) {
		return one(TerminateQuery{QueryID: target.Name, WasTerminated: true}), nil
	}
	return e.take(ctx, terminated, target, text, func(q *catalog.Query) (bool, error) {
		if q.Sink == "" && target != nil {
			return false, &ast.Error{
				Code: "terminate.source-table", Span: target.Span(),
				Message: "query " + q.ID + " belongs to a source table and ends with it", Hint: "DROP TABLE ends it",
			}
		}
		return q.Sink != "", nil
	})
}

// pause takes the step paused or resumed.
func (e *Engine) pause(ctx context.Context, s step, target *ast.Ident, text string) ([]EntityBody, error) {
	return e.take(ctx, s, target, text, func(*catalog.Query) (bool, error) { return true, nil })
}

// take has the persistent queries that a statement means, and that are fit, take a step: with one command for all.
func (e *Engine) take(
	ctx context.Context, s step, target *ast.Ident, text string, fit func(*catalog.Query) (bool, error),
) ([]EntityBody, error) {
	var ids []string
	seq, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		queries, err := e.targets(target)
		if err != nil {
			return nil, err
		}
		c := &command.Command{Text: text}
		ids = nil
		for _, q := range queries {
			ok, err := fit(q)
			if err != nil {
				return nil, err
			}
			if ok {
				ids = append(ids, q.ID)
				c.Changes = append(c.Changes, command.Change{Kind: s.kind, Name: q.ID})
			}
		}
		if len(ids) == 0 {
			return nil, command.ErrNothing
		}
		return c, nil
	})
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{"there is no query to " + s.verb}), nil
	}
	if err != nil {
		return nil, err
	}
	var out []EntityBody
	for _, id := range ids {
		out = append(out, e.succeeded(s.verb+"/"+id+"/execute", "query "+id+s.done, id, seq))
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
