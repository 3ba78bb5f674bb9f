package parser

import (
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/ast"
)

var pairs = []string{"->", "=>", ":=", "||", "<>", "!=", "<=", ">="}

const singles = "+-*/%=<>()[],.;"

// lex cuts text into tokens; the last one is an endToken behind the text.
func lex(text string) ([]token, error) {
	toks := make([]token, 0, len(text)/4+2)
	for i := 0; i < len(text); {
		if isSpace(text[i]) {
			i++
			continue
		}
		end := commentEnd(text, i)
		if end < 0 {
			return nil, errorAt(ast.Span{Start: i, End: i + 2}, codeSyntax, "comment is not closed")
		}
		if end > i {
			i = end
			continue
		}
		t, err := lexOne(text, i)
		if err != nil {
			return nil, err
		}
		toks = append(toks, t)
		i = t.end
	}
	return append(toks, token{start: len(text), end: len(text)}), nil
}

func lexOne(text string, i int) (token, error) {
	c := text[i]
	switch {
	case c == '\'' || c == '"' || c == '`':
		return lexQuoted(text, i)
	case isLetter(c):
		end := partEnd(text, i)
		return token{kind: wordToken, start: i, end: end, text: strings.ToUpper(text[i:end])}, nil
	case isDigit(c) || c == '.' && i+1 < len(text) && isDigit(text[i+1]):
		return lexNumber(text, i), nil
	case strings.HasPrefix(text[i:], "${"):
		n := strings.IndexByte(text[i:], '}')
		if n < 0 {
			return token{}, errorAt(ast.Span{Start: i, End: i + 2}, codeSyntax, "variable is not closed by }")
		}
		return token{kind: variableToken, start: i, end: i + n + 1, text: text[i+2 : i+n]}, nil
	}
	for _, s := range pairs {
		if strings.HasPrefix(text[i:], s) {
			return token{kind: symbolToken, start: i, end: i + 2, text: s}, nil
		}
	}
	if strings.IndexByte(singles, c) >= 0 {
		return token{kind: symbolToken, start: i, end: i + 1, text: text[i : i+1]}, nil
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	return token{}, errorAt(ast.Span{Start: i, End: i + size}, codeSyntax, "unexpected character %q", r)
}

func lexQuoted(text string, i int) (token, error) {
	end := quotedEnd(text, i)
	if end < 0 {
		return token{}, errorAt(ast.Span{Start: i, End: i + 1}, codeSyntax, "the quote %c is not closed", text[i])
	}
	quote := text[i : i+1]
	t := token{kind: quotedToken, start: i, end: end, text: strings.ReplaceAll(text[i+1:end-1], quote+quote, quote)}
	if quote == "'" {
		t.kind = stringToken
	} else if t.text == "" {
		return token{}, errorAt(ast.Span{Start: i, End: end}, codeSyntax, "a name must not be empty")
	}
	return t, nil
}

// lexNumber reads a number, or an identifier that begins with digits.
func lexNumber(text string, i int) token {
	if digits := digitsEnd(text, i); digits > i {
		// 1e5 is a number, 1e5x and 12ab are names.
		if end := partEnd(text, i); end > digits && numberEnd(text, i) < end {
			return token{kind: wordToken, start: i, end: end, text: strings.ToUpper(text[i:end])}
		}
	}
	end := numberEnd(text, i)
	return token{kind: numberToken, start: i, end: end, text: strings.ToUpper(text[i:end])}
}
