package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
)

// MaxStatementBytes bounds a script.
const MaxStatementBytes = 4 << 20

// Execute implements API.
func (e *Engine) Execute(ctx context.Context, r Request) ([]Entity, error) {
	s, pieces, err := e.begin(r)
	if err != nil {
		return nil, err
	}
	entities := []Entity{}
	for _, p := range pieces {
		bodies, text, err := e.statement(ctx, s, p)
		if err != nil {
			return entities, refusal(err, text, entities)
		}
		for _, b := range bodies {
			entity := Entity{StatementText: text, Body: b}
			if i, ok := b.(incomplete); ok {
				entity.Warnings = i.warnings()
			}
			entities = append(entities, entity)
		}
	}
	return entities, nil
}

// incomplete is an answer that can say what is missing in it.
type incomplete interface{ warnings() []string }

// begin checks a request and cuts it into statements.
func (e *Engine) begin(r Request) (*session, []parser.Piece, error) {
	if err := e.ready(); err != nil {
		return nil, nil, err
	}
	if len(r.SQL) > MaxStatementBytes {
		return nil, nil, &StatementError{Code: CodeBadRequest, Message: fmt.Sprintf("the statements are longer than %d bytes", MaxStatementBytes)}
	}
	s, err := newSession(r)
	if err != nil {
		return nil, nil, &StatementError{Code: CodeBadRequest, Rule: "property", Message: err.Error(), Err: err}
	}
	if err := e.admits(s); err != nil {
		return nil, nil, &StatementError{Code: CodeBadRequest, Rule: "property", Message: err.Error(), Err: err}
	}
	pieces, complete := parser.Split(r.SQL)
	if len(pieces) == 0 {
		return nil, nil, &StatementError{Code: CodeBadRequest, Message: "there is no statement in the request"}
	}
	if !complete {
		last := pieces[len(pieces)-1].Text
		at := ast.Span{Start: len(last), End: len(last)}
		err := &ast.Error{Code: "syntax", Span: at, Message: "the statement does not end", Hint: "statements end with ;"}
		return nil, nil, refusal(err, last, nil)
	}
	return s, pieces, nil
}

// statement runs one statement of a script; text is what ran, after variables were put in.
func (e *Engine) statement(ctx context.Context, s *session, p parser.Piece) (bodies []EntityBody, text string, err error) {
	stmt, text, err := e.parse(s, p)
	if err != nil {
		return nil, text, err
	}
	if done, err := e.change(s, stmt); done || err != nil {
		return nil, text, err
	}
	if c, ok := stmt.(*ast.CreateConnector); ok {
		text = withoutSecrets(c)
	}
	if body, done, err := e.connector(ctx, stmt); done {
		return one(body), text, err
	}
	if bodies, done, err := e.show(ctx, s, stmt); done {
		return bodies, text, err
	}
	bodies, err = e.effect(ctx, s, stmt, text)
	return bodies, text, err
}

// change carries out a statement that changes the session alone, unless the server cannot honor it.
func (e *Engine) change(s *session, stmt ast.Statement) (bool, error) {
	done, err := s.change(stmt)
	if done && err == nil {
		if err := e.admits(s); err != nil {
			return true, &ast.Error{Code: "property", Span: stmt.Span(), Message: err.Error()}
		}
	}
	return done, err
}

// admits refuses settings that are the server's and not a session's: nothing is accepted and then ignored where results depend on it.
func (e *Engine) admits(s *session) error {
	if v, ok := s.props[guarantee]; ok && !strings.EqualFold(v, e.opts.Guarantee) {
		return fmt.Errorf("%s is the server's: it runs %s; start it with --guarantee %s", guarantee, e.opts.Guarantee, v)
	}
	return nil
}

func (e *Engine) parse(s *session, p parser.Piece) (ast.Statement, string, error) {
	text, err := parser.Substitute(p.Text, s.vars)
	if err != nil {
		return nil, p.Text, err
	}
	stmt, err := parser.ParseOne(text)
	return stmt, text + ";", err
}

// effect runs a statement that defines, changes or writes something.
func (e *Engine) effect(ctx context.Context, s *session, stmt ast.Statement, text string) ([]EntityBody, error) {
	switch st := stmt.(type) {
	case *ast.QueryStmt, *ast.Print:
		return nil, &StatementError{
			Code: CodeQueryEndpoint, Text: text,
			Message: "SELECT and PRINT answer with rows: send them to the query endpoint",
		}
	case *ast.CreateModel:
		return e.createModel(ctx, st, text)
	case *ast.AlterModel:
		return e.alterModel(ctx, st, text)
	case *ast.DropModel:
		return e.dropModel(ctx, st, text)
	case *ast.CreateFunction:
		return e.createFunction(ctx, st, text)
	case *ast.DropFunction:
		return e.dropFunction(ctx, st, text)
	case *ast.Terminate:
		return e.terminate(ctx, st.Query, text)
	case *ast.Pause:
		return e.pause(ctx, paused, st.Query, text)
	case *ast.Resume:
		return e.pause(ctx, resumed, st.Query, text)
	case *ast.Explain:
		return e.explain(s, st, text)
	case *ast.InsertValues:
		return nil, e.insertValues(ctx, s, st, text)
	case *ast.AssertTopic:
		return e.assertTopic(ctx, st)
	case *ast.AssertSchema:
		return e.assertSchema(ctx, st)
	case *ast.CreateSource, *ast.CreateAs, *ast.InsertSelect, *ast.DropSource, *ast.AlterSource, *ast.CreateType, *ast.DropType:
		return e.define(ctx, s, stmt, text)
	}
	return nil, &ast.Error{
		Code: "statement.unavailable", Span: stmt.Span(),
		Message: fmt.Sprintf("this release does not run %s statements", statementName(text[stmt.Span().Start:])),
	}
}

// statementName is the first two words of a statement, for messages.
func statementName(text string) string {
	words := strings.Fields(text)
	return strings.ToUpper(strings.Trim(strings.Join(words[:min(2, len(words))], " "), ";"))
}

// refusal wraps an error so that clients see position, caret and hint.
func refusal(err error, text string, entities []Entity) error {
	var done *StatementError
	if errors.As(err, &done) {
		done.Entities = entities
		if done.Text == "" {
			done.Text = text
		}
		return done
	}
	out := &StatementError{Code: CodeBadStatement, Message: ast.Render(err, text), Text: text, Entities: entities, Err: err}
	var at *ast.Error
	switch {
	case errors.As(err, &at):
		out.Rule = at.Code
	case errors.Is(err, kafka.ErrTopicSettings):
		out.Rule = "topic.settings"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		out.Code = CodeCommandTimeout
	default:
		out.Code = CodeServerError
	}
	return out
}

// analyze gives the effect of a statement on the catalog as it is now.
func (e *Engine) analyze(s *session, stmt ast.Statement, text string) (analyzer.Result, error) {
	return e.analyzer.Analyze(stmt, e.Catalog(), text, e.effective(s))
}
