package parser

import (
	"github.com/millrace/millrace/sql/ast"
)

// Limits on what is parsed. They keep recursion here, in TiDB's parser and in every later walk of the tree far from
// the end of the stack, which a Go program does not survive.
const (
	MaxStatement = 1 << 20 // bytes of one statement
	maxTokens    = 100_000 // of one statement
	maxNesting   = 500     // brackets in brackets, CASE in CASE, subscripts of subscripts
	maxDepth     = 3_000   // levels of an expression's tree: a + b + c ... is deep without brackets
)

// Options change what is accepted.
type Options struct {
	// Test accepts the statements that belong to test scripts: ASSERT VALUES, ASSERT NULL VALUES, ASSERT STREAM|TABLE
	// and RUN SCRIPT.
	Test bool
}

// Parse parses a script. On error it returns the statements before the one that failed, and an *ast.Error whose span,
// like those of all nodes, is an offset in text.
func Parse(text string) ([]ast.Statement, error) { return ParseWith(text, Options{}) }

// ParseWith is Parse with options.
func ParseWith(text string, options Options) ([]ast.Statement, error) {
	toks, err := lex(text)
	if err != nil {
		return nil, err
	}
	var out []ast.Statement
	for len(toks) > 1 {
		n := 0
		for toks[n].kind != endToken && !toks[n].is(";") {
			n++
		}
		if n > 0 {
			s, err := parseStatement(text, toks[:n+1], options)
			if err != nil {
				return out, err
			}
			out = append(out, s)
		}
		if toks[n].kind == endToken {
			break
		}
		toks = toks[n+1:]
	}
	return out, nil
}

// ParseOne parses exactly one statement; a semicolon may follow it.
func ParseOne(text string) (ast.Statement, error) {
	statements, err := Parse(text)
	if err != nil {
		return nil, err
	}
	switch len(statements) {
	case 0:
		return nil, errorAt(ast.Span{Start: len(text), End: len(text)}, codeSyntax, "expected a statement")
	case 1:
		return statements[0], nil
	}
	return nil, errorAt(statements[1].Span(), codeSyntax, "expected one statement, found another behind it")
}

// ParseExpr parses an expression that makes up the whole of text.
func ParseExpr(text string) (ast.Expr, error) {
	return whole(text, func(p *parser) (ast.Expr, error) { return p.expr() })
}

// ParseSchema parses a list of columns without parentheses around it, such as `ID BIGINT KEY, V STRING`. It does not
// check which kind of key goes with which kind of source.
func ParseSchema(text string) ([]*ast.Element, error) {
	return whole(text, func(p *parser) ([]*ast.Element, error) { return p.elements() })
}

// ParseType parses a type that makes up the whole of text.
func ParseType(text string) (*ast.TypeName, error) {
	return whole(text, func(p *parser) (*ast.TypeName, error) { return p.typeName() })
}

func parseStatement(text string, toks []token, options Options) (ast.Statement, error) {
	p, err := newParser(text, toks)
	if err != nil {
		return nil, err
	}
	p.test = options.Test
	s, err := p.statement()
	if err != nil {
		return nil, err
	}
	return s, p.end()
}

func whole[T any](text string, parse func(*parser) (T, error)) (T, error) {
	var none T
	toks, err := lex(text)
	if err != nil {
		return none, err
	}
	p, err := newParser(text, toks)
	if err != nil {
		return none, err
	}
	v, err := parse(p)
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return none, err
	}
	return v, nil
}
