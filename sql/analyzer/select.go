package analyzer

import (
	"github.com/millrace/millrace/sql/ast"
)

// queryStmt is a SELECT of a client: with EMIT it is pushed to it for ever, without it is answered once.
func (s *statement) queryStmt(x *ast.QueryStmt) (Result, error) {
	if x.Query.Limit != nil && x.Query.Limit.Value < 0 {
		return nil, fail("limit.negative", x.Query.Limit.Span(), "LIMIT must not be negative")
	}
	b, err := s.newQuery(x.Query, "")
	if err != nil {
		return nil, err
	}
	if x.Query.Emit == ast.EmitNone {
		return b.pull(x.Query)
	}
	if err := b.build(); err != nil {
		return nil, err
	}
	root, err := b.transient(x.Query.Limit)
	if err != nil {
		return nil, err
	}
	return &PushQuery{Plan: root, Sources: b.sourceNames()}, nil
}
