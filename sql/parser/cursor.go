package parser

import (
	"strconv"

	"github.com/millrace/millrace/sql/ast"
)

// parser is a cursor over the tokens of one statement. Its methods read from the token at i on, and leave i behind what
// they read; those that return false have not moved it.
type parser struct {
	text  string
	toks  []token // the last one is the end
	i     int
	match []int // for an opening bracket, the token that closes it
	nest  int   // levels that are open
	test  bool
}

const wantName = "a name"

// newParser checks size and brackets, so that everything after may take brackets as balanced.
func newParser(text string, toks []token) (*parser, error) {
	end := len(toks) - 1
	span := ast.Span{Start: toks[0].start, End: toks[end].start}
	if span.End-span.Start > MaxStatement {
		return nil, errorAt(toks[0].span(), codeTooLong, "the statement is longer than %d bytes", MaxStatement)
	}
	if len(toks) > maxTokens {
		return nil, errorAt(toks[0].span(), codeTooLong, "the statement has more than %d words", maxTokens)
	}
	last := toks[end]
	if last.kind != endToken { // the semicolon ends it
		toks = append(append(make([]token, 0, end+1), toks[:end]...), token{start: last.start, end: last.start})
	}
	p := &parser{text: text, toks: toks, match: make([]int, len(toks))}
	return p, p.pair()
}

var closing = map[string]string{"(": ")", "[": "]"}

// pair finds the partner of each bracket.
func (p *parser) pair() error {
	var open []int
	for i := range p.toks {
		t := &p.toks[i]
		switch {
		case t.is("(", "["):
			if open = append(open, i); len(open) > maxNesting {
				return errorAt(t.span(), codeTooDeep, "brackets are nested more than %d deep", maxNesting)
			}
		case t.is(")", "]"):
			if len(open) == 0 {
				return p.unexpected(i, "")
			}
			from := open[len(open)-1]
			if closing[p.toks[from].text] != t.text {
				return p.unexpected(i, closing[p.toks[from].text])
			}
			open = open[:len(open)-1]
			p.match[from] = i
		}
	}
	if len(open) > 0 {
		t := &p.toks[open[len(open)-1]]
		return errorAt(t.span(), codeSyntax, "%s is not closed", t.text)
	}
	return nil
}

// tok is the token at the cursor; at is the one d tokens on, or the end.
func (p *parser) tok() *token     { return &p.toks[p.i] }
func (p *parser) at(d int) *token { return &p.toks[min(p.i+d, len(p.toks)-1)] }

// span is from token lo to the one before the cursor.
func (p *parser) span(lo int) ast.Span { return p.between(lo, p.i-1) }

func (p *parser) between(lo, hi int) ast.Span {
	return ast.Span{Start: p.toks[lo].start, End: p.toks[max(lo, hi)].end}
}

// accept reads the words if all of them come next.
func (p *parser) accept(words ...string) bool {
	if !p.peek(words...) {
		return false
	}
	p.i += len(words)
	return true
}

func (p *parser) peek(words ...string) bool {
	for d, w := range words {
		if !p.at(d).is(w) {
			return false
		}
	}
	return true
}

// expect reads the words one by one, and refuses the first that is another.
func (p *parser) expect(words ...string) error {
	for _, w := range words {
		if !p.accept(w) {
			return p.unexpected(p.i, w)
		}
	}
	return nil
}

func (p *parser) end() error {
	if p.tok().kind != endToken {
		return p.unexpected(p.i, "")
	}
	return nil
}

// deeper opens a level of nesting; the caller closes it by p.nest--.
func (p *parser) deeper() error {
	if p.nest++; p.nest > maxNesting {
		return errorAt(p.tok().span(), codeTooDeep, "the statement is nested more than %d deep", maxNesting)
	}
	return nil
}

func (p *parser) name() (ast.Ident, error) {
	t := p.tok()
	if !t.isName() {
		return ast.Ident{}, p.unexpected(p.i, wantName)
	}
	p.i++
	return t.ident(), nil
}

// names is a list of names in parentheses.
func (p *parser) names() ([]ast.Ident, error) {
	return parenList(p, p.name)
}

// parenList reads ( item, item, ... ) with at least one item.
func parenList[T any](p *parser, item func() (T, error)) ([]T, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	items, err := commaList(p, item)
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.unexpected(p.i, ", or )")
	}
	return items, nil
}

func commaList[T any](p *parser, item func() (T, error)) ([]T, error) {
	var items []T
	for {
		v, err := item()
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		if !p.accept(",") {
			return items, nil
		}
	}
}

// str reads a string.
func (p *parser) str(want string) (string, error) {
	t := p.tok()
	if t.kind != stringToken {
		return "", p.unexpected(p.i, want)
	}
	p.i++
	return t.text, nil
}

// outside reads the name of something outside the language, a topic or a subject: its letters keep their case.
func (p *parser) outside(want string) (ast.Ident, error) {
	t := p.tok()
	id, err := p.nameOrString(want)
	if t.kind == wordToken && err == nil {
		id.Name = p.text[t.start:t.end]
	}
	return id, err
}

// nameOrString is a property: a string counts as a quoted name.
func (p *parser) nameOrString(want string) (ast.Ident, error) {
	t := p.tok()
	if t.kind == stringToken && t.text != "" {
		p.i++
		return ast.Ident{Loc: t.span(), Name: t.text, Quoted: true}, nil
	}
	if !t.isName() {
		return ast.Ident{}, p.unexpected(p.i, want)
	}
	return p.name()
}

// count reads a number without sign, fraction or exponent.
func (p *parser) count() (*ast.IntLit, error) {
	t := p.tok()
	if t.kind != numberToken || digitsEnd(t.text, 0) < len(t.text) {
		return nil, p.unexpected(p.i, "a whole number")
	}
	n, err := strconv.ParseInt(t.text, 10, 64)
	if err != nil {
		return nil, integerRange(t.span(), t.text)
	}
	p.i++
	return &ast.IntLit{Loc: t.span(), Value: n}, nil
}

func (p *parser) duration() (*ast.Duration, error) {
	lo := p.i
	n, err := p.count()
	if err != nil {
		return nil, err
	}
	t := p.tok()
	if t.kind != wordToken || !ast.IsUnit(t.text) {
		e := p.unexpected(p.i, "a time unit")
		e.Hint = "units are DAYS, HOURS, MINUTES, SECONDS and MILLISECONDS"
		return nil, e
	}
	p.i++
	return &ast.Duration{Loc: p.span(lo), Value: n.Value, Unit: t.text}, nil
}
