package parser

import (
	"math"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/ast"
)

func integerRange(span ast.Span, text string) error {
	e := errorAt(span, codeInteger, "integer %s does not fit 64 bits", text)
	e.Hint = "write it with a decimal point (" + text + ".0) for a DECIMAL, or with an exponent for a DOUBLE"
	return e
}

// number is the literal for the text of a number, sign included.
func number(span ast.Span, text string) (ast.Expr, error) {
	switch {
	case strings.Contains(text, "E"):
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(v, 0) {
			return nil, errorAt(span, codeDouble, "%s does not fit a DOUBLE", text)
		}
		return &ast.DoubleLit{Loc: span, Value: v}, nil
	case strings.Contains(text, "."):
		return &ast.DecimalLit{Loc: span, Text: text}, nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, integerRange(span, text)
	}
	return &ast.IntLit{Loc: span, Value: v}, nil
}

// literal is the value of token t, or nil if it is none.
func literal(t *token) (ast.Expr, error) {
	switch {
	case t.kind == stringToken:
		return &ast.StringLit{Loc: t.span(), Value: t.text}, nil
	case t.kind == numberToken:
		return number(t.span(), t.text)
	case t.is("NULL"):
		return &ast.NullLit{Loc: t.span()}, nil
	case t.is("TRUE", "FALSE"):
		return &ast.BoolLit{Loc: t.span(), Value: t.text == "TRUE"}, nil
	}
	return nil, nil
}

// signedLiteral reads a literal, a number with or without its sign.
func (p *parser) signedLiteral(want string) (ast.Expr, error) {
	lo := p.i
	if p.peek("-") && p.at(1).kind == numberToken {
		p.i += 2
		return number(p.span(lo), "-"+p.toks[lo+1].text)
	}
	v, err := literal(p.tok())
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, p.unexpected(p.i, want)
	}
	p.i++
	return v, nil
}
