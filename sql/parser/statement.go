package parser

import (
	"slices"
	"sort"
	"strings"

	"github.com/millrace/millrace/sql/ast"
)

// shell reads one kind of statement. The cursor stands behind the first word, which is token lo.
type shell func(p *parser, lo int) (ast.Statement, error)

var shells map[string]shell

func init() { // in init, for EXPLAIN refers to the map through statement
	shells = map[string]shell{
		"ALTER": (*parser).alter, "ASSERT": (*parser).assert, "CREATE": (*parser).create, "DEFINE": (*parser).define,
		"DESCRIBE": (*parser).describe, "DROP": (*parser).drop, "EXPLAIN": (*parser).explain, "INSERT": (*parser).insert,
		"LIST": (*parser).show, "PAUSE": (*parser).pause, "PRINT": (*parser).print, "RESUME": (*parser).resume,
		"RUN": (*parser).run, "SET": (*parser).set, "SHOW": (*parser).show, "TERMINATE": (*parser).terminate,
		"UNDEFINE": (*parser).undefine, "UNSET": (*parser).unset,
	}
}

func (p *parser) statement() (ast.Statement, error) {
	t := p.tok()
	if t.is("SELECT", "WITH", "(") {
		q, err := p.query()
		if err != nil {
			return nil, err
		}
		return &ast.QueryStmt{Loc: q.Loc, Query: q}, nil
	}
	if read := shells[t.text]; read != nil && t.kind == wordToken {
		p.i++
		return read(p, p.i-1)
	}
	e := p.unexpected(p.i, "a statement")
	e.Hint = ""
	if t.kind == wordToken {
		e.Hint = ast.Suggest(t.text, starts())
	}
	return nil, e
}

// starts are the words that begin a statement.
func starts() []string {
	words := []string{"SELECT", "WITH"}
	for w := range shells {
		words = append(words, w)
	}
	sort.Strings(words)
	return words
}

// oneOf refuses the token at the cursor, where one of the words should stand.
func (p *parser) oneOf(words ...string) error {
	list := words[0]
	if n := len(words); n > 1 {
		list = strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	e := p.unexpected(p.i, list)
	e.Hint = ""
	if t := p.tok(); t.kind == wordToken && !slices.Contains(words, t.text) {
		e.Hint = ast.Suggest(t.text, words)
	}
	return e
}

// sourceKind reads STREAM or TABLE.
func (p *parser) sourceKind() (ast.SourceKind, bool) {
	switch {
	case p.accept("STREAM"):
		return ast.Stream, true
	case p.accept("TABLE"):
		return ast.Table, true
	}
	return "", false
}
