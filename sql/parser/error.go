package parser

import (
	"fmt"

	"github.com/millrace/millrace/sql/ast"
)

// The rule codes of this package's refusals.
const (
	codeSyntax     = "syntax"
	codeTooLong    = "syntax.too-long"
	codeTooDeep    = "syntax.too-deep"
	codeVariable   = "syntax.variable"
	codeInteger    = "literal.integer-range"
	codeDouble     = "literal.double-range"
	codeLimit      = "limit.not-integer"
	codeLimitAs    = "limit.in-create-as"
	codeKeyWord    = "key.keyword"
	codeHeaderType = "header.type"
	codeStruct     = "struct.duplicate-field"
)

func errorAt(span ast.Span, code, format string, args ...any) *ast.Error {
	return &ast.Error{Code: code, Message: fmt.Sprintf(format, args...), Span: span}
}

// unexpected refuses token i of p; want says what could stand there, or is empty.
func (p *parser) unexpected(i int, want string) *ast.Error {
	t := &p.toks[i]
	if t.kind == variableToken {
		e := errorAt(t.span(), codeVariable, "variable %s is not defined", t.text)
		e.Hint = "define it: DEFINE " + t.text + " = 'value'"
		return e
	}
	found := "end of statement"
	if t.kind != endToken {
		found = p.text[t.start:t.end]
	}
	e := errorAt(t.span(), codeSyntax, "unexpected %s", found)
	if want != "" {
		e.Message = fmt.Sprintf("expected %s, found %s", want, found)
	}
	e.Hint = p.hint(i, want)
	return e
}

// hint looks for what was probably meant at token i.
func (p *parser) hint(i int, want string) string {
	t := &p.toks[i]
	if t.kind == wordToken && ast.Reserved(t.text) && want == wantName {
		return fmt.Sprintf("%s is a reserved word; quote it to use it as a name: `%s`", t.text, t.text)
	}
	for _, j := range []int{i, i - 1} {
		if j <= 0 || p.toks[j].kind != wordToken || ast.Reserved(p.toks[j].text) {
			continue
		}
		if w := ast.Nearest(p.toks[j].text, clauseWords); w != "" && w != p.toks[j].text {
			return fmt.Sprintf("did you mean %s instead of %s?", w, p.text[p.toks[j].start:p.toks[j].end])
		}
	}
	return ""
}
