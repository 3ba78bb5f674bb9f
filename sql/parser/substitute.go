package parser

import (
	"strings"

	"github.com/millrace/millrace/sql/ast"
)

// Substitute replaces each ${name} in text by its value in vars; names do not depend on case. $${name} becomes ${name}
// and is not replaced, comments are left alone, and a variable that vars lacks stays as it is.
//
// A variable stands for a name or a literal, not for SQL: outside quotes its value must be a name, a quoted name, a
// quoted string, a number or a boolean, and inside quotes it cannot end them.
func Substitute(text string, vars map[string]string) (string, error) {
	if !strings.Contains(text, "${") {
		return text, nil
	}
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); {
		if end := commentEnd(text, i); quote == 0 && end != i {
			if end < 0 {
				end = len(text)
			}
			b.WriteString(text[i:end])
			i = end
			continue
		}
		switch c := text[i]; {
		case strings.HasPrefix(text[i:], "$${"):
			b.WriteString("${")
			i += 3
			continue
		case strings.HasPrefix(text[i:], "${"):
			n := strings.IndexByte(text[i:], '}')
			if n < 0 {
				break
			}
			value, err := variable(text, ast.Span{Start: i, End: i + n + 1}, vars, quote)
			if err != nil {
				return "", err
			}
			b.WriteString(value)
			i += n + 1
			continue
		case quote == c:
			quote = 0 // a doubled quote opens it again at once
		case quote == 0 && (c == '\'' || c == '"' || c == '`'):
			quote = c
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String(), nil
}

// variable is the text to put for the ${name} at span.
func variable(text string, span ast.Span, vars map[string]string, quote byte) (string, error) {
	whole := text[span.Start:span.End]
	name := whole[2 : len(whole)-1]
	value, ok := vars[name]
	if !ok {
		for k, v := range vars {
			if strings.EqualFold(k, name) {
				value, ok = v, true
				break
			}
		}
	}
	switch {
	case !ok:
		return whole, nil
	case quote != 0:
		q := string(quote)
		return strings.ReplaceAll(value, q, q+q), nil
	case !oneToken(value):
		e := errorAt(span, codeVariable, "the value of variable %s is not a name or a literal: %s", name, value)
		e.Hint = "define it with quotes of its own: DEFINE " + name + " = '''text'''"
		return "", e
	}
	return value, nil
}

// oneToken says whether value is a single name or literal, a number with its sign included.
func oneToken(value string) bool {
	unsigned := strings.TrimPrefix(value, "-")
	toks, err := lex(unsigned)
	if err != nil || len(toks) != 2 || toks[0].start != 0 || toks[0].end != len(unsigned) {
		return false
	}
	switch toks[0].kind {
	case numberToken:
		return true
	case wordToken, quotedToken, stringToken:
		return len(unsigned) == len(value)
	}
	return false
}
