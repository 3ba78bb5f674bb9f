package parser

import (
	tidb "github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/millrace/millrace/sql/ast"
)

// column converts a mark that stands for an operand.
func (c *converter) column(x *tidb.ColumnNameExpr) (term, error) {
	kind, tok := unmark(x.Name.Name.O)
	t := &c.toks[tok]
	leaf := func(e ast.Expr, hi int) (term, error) { return term{e, tok, hi, false}, nil }
	switch kind {
	case markName:
		return c.name(x, tok)
	case markLiteral:
		e, err := literal(t)
		return term{e, tok, tok, false}, err
	case markTyped:
		return leaf(&ast.TypedLit{Loc: c.at(tok, tok+1), Type: t.ident(), Text: c.toks[tok+1].text}, tok+1)
	case markInterval:
		i := &ast.Interval{Loc: c.at(tok, tok+2), Value: c.toks[tok+1].text, Unit: c.toks[tok+2].text}
		return leaf(i, tok+2)
	case markQuery:
		hi := c.match[tok]
		return term{&ast.Subquery{Loc: c.at(tok, hi), Query: c.queries[tok]}, tok, hi, true}, nil
	case markExists:
		hi := c.match[tok+1]
		return leaf(&ast.Exists{Loc: c.at(tok, hi), Query: c.queries[tok]}, hi)
	}
	return term{}, c.unknown(x)
}

func (c *converter) name(x *tidb.ColumnNameExpr, tok int) (term, error) {
	ref := &ast.ColumnRef{Name: c.toks[tok].ident()}
	lo := tok
	if ref.Qualifier = c.ident(x.Name.Table); ref.Qualifier != nil {
		lo -= 2
	}
	if x.Name.Schema.O != "" {
		e := errorAt(c.at(lo-2, tok), codeSyntax, "a column has at most a source before it")
		e.Hint = "fields of a STRUCT are read with ->"
		return term{}, e
	}
	ref.Loc = c.at(lo, tok)
	return term{ref, lo, tok, false}, nil
}

// function converts a mark that stands for an operation on its arguments.
func (c *converter) function(x *tidb.FuncCallExpr, stars bool) (term, error) {
	kind, tok := unmark(x.FnName.O)
	if x.Schema.O != "" {
		_, lo := unmark(x.Schema.O)
		return term{}, errorAt(c.at(lo, tok), codeSyntax, "a function has no qualifier")
	}
	switch kind {
	case markIndex, markField, markFilter, markOver:
		return c.postfix(x, kind, tok, stars)
	case markCall:
		return c.call(x, tok)
	case markLambda:
		body, err := c.expr(x.Args[0])
		l := &ast.Lambda{Loc: c.at(tok, body.hi), Params: c.lambdas[tok], Body: body.expr}
		return term{l, tok, body.hi, false}, err
	}
	hi := c.match[tok+1]
	loc := c.at(tok, hi)
	args, _, err := c.exprs(x.Args)
	if err != nil {
		return term{}, err
	}
	var e ast.Expr
	switch kind {
	case markCast:
		e = &ast.Cast{Loc: loc, Expr: args[0], Type: c.casts[tok]}
	case markArray:
		e = &ast.ArrayLit{Loc: loc, Elems: args}
	case markMap:
		m := &ast.MapLit{Loc: loc}
		for i := 0; i+1 < len(args); i += 2 {
			m.Entries = append(m.Entries, ast.MapEntry{Key: args[i], Value: args[i+1]})
		}
		e = m
	case markStruct:
		s := &ast.StructLit{Loc: loc}
		for i, name := range c.fields[tok] {
			s.Fields = append(s.Fields, ast.StructEntry{Name: name, Value: args[i]})
		}
		e = s
	default:
		return term{}, c.unknown(x)
	}
	return term{e, tok, hi, false}, nil
}

func (c *converter) call(x *tidb.FuncCallExpr, tok int) (term, error) {
	args, _, err := c.exprs(x.Args)
	if err != nil {
		return term{}, err
	}
	hi := c.match[tok+1]
	call := &ast.Call{Loc: c.at(tok, hi), Name: c.toks[tok].ident(), Args: args}
	call.Star = c.toks[tok+2].is("*")
	call.Distinct = c.toks[tok+2].is("DISTINCT")
	return term{call, tok, hi, false}, nil
}

// postfix converts what stands behind its first argument.
func (c *converter) postfix(x *tidb.FuncCallExpr, kind byte, tok int, stars bool) (term, error) {
	base, err := c.expr(x.Args[0])
	if err != nil {
		return term{}, err
	}
	switch kind {
	case markIndex:
		index, err := c.expr(x.Args[1])
		hi := c.match[tok]
		return term{&ast.Subscript{Loc: c.at(base.lo, hi), Base: base.expr, Index: index.expr}, base.lo, hi, false}, err
	case markField:
		loc := c.at(base.lo, tok+1)
		if c.toks[tok+1].is("*") {
			if !stars {
				return term{}, errorAt(loc, codeSyntax, "->* stands only as an item of SELECT")
			}
			return term{&ast.DerefStar{Loc: loc, Base: base.expr}, base.lo, tok + 1, false}, nil
		}
		return term{&ast.Deref{Loc: loc, Base: base.expr, Field: c.toks[tok+1].ident()}, base.lo, tok + 1, false}, nil
	}
	call, ok := base.expr.(*ast.Call)
	if !ok {
		return term{}, c.unknown(x)
	}
	hi := c.match[tok+1]
	if kind == markFilter {
		call.Filter = c.filters[tok]
	} else {
		call.Over = c.overs[tok]
	}
	call.Loc = c.at(base.lo, hi)
	return term{call, base.lo, hi, false}, nil
}
