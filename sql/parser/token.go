package parser

import "github.com/millrace/millrace/sql/ast"

type kind uint8

const (
	endToken kind = iota
	wordToken
	quotedToken // "x" or `x`
	stringToken
	numberToken
	variableToken // ${x}
	symbolToken
)

// token is one lexical element.
type token struct {
	kind  kind
	start int
	end   int
	// text is in upper case for a word, unescaped for a quoted name or a string, else as written.
	text string
}

// is says whether t is one of the given keywords or symbols.
func (t *token) is(words ...string) bool {
	if t.kind != wordToken && t.kind != symbolToken {
		return false
	}
	for _, w := range words {
		if t.text == w {
			return true
		}
	}
	return false
}

// isName says whether t can be a name: quoted, or a word that is not reserved.
func (t *token) isName() bool {
	return t.kind == quotedToken || t.kind == wordToken && !ast.Reserved(t.text)
}

func (t *token) span() ast.Span { return ast.Span{Start: t.start, End: t.end} }

func (t *token) ident() ast.Ident {
	return ast.Ident{Loc: t.span(), Name: t.text, Quoted: t.kind == quotedToken}
}
