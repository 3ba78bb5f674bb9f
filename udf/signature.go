package udf

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/sql/types"
)

// Signature is what an overload accepts and gives. It is parsed from a line as a person would write it:
//
//	str STRING, pos INT -> STRING
//	first T, others T... -> T
//	list ARRAY<T>, start S, f LAMBDA(S, T)=>S -> S
//	value T, k INT init -> ARRAY<T>
//
// A single capital letter is a type variable: its first argument binds it, the others must have the very same type. ANY
// accepts all and is not bound. DECIMAL without parameters accepts every DECIMAL, STRUCT every STRUCT. One parameter may be
// variadic. Parameters marked init are an aggregate's trailing constants.
type Signature struct {
	Params   []Param
	Variadic int // index of the variadic parameter, or -1
	Returns  *Pattern
	text     string
}

// Param is one parameter of a Signature.
type Param struct {
	Name string
	Type *Pattern
	Init bool // an aggregate's constant; only such parameters follow it
}

// String is the signature as it was written.
func (s *Signature) String() string { return s.text }

// Pattern is a type with variables in it. Var names a variable; Any and Lambda are patterns of their own; otherwise Kind
// says what it matches, its parts in Key, Elem, and, for a lambda, Args and Elem, its result.
type Pattern struct {
	Var  string
	Any  bool
	Kind types.Kind
	Key  *Pattern
	Elem *Pattern
	Args []*Pattern
}

// String prints the pattern as a signature writes it.
func (p *Pattern) String() string {
	switch {
	case p.Var != "":
		return p.Var
	case p.Any:
		return "ANY"
	case p.Kind == types.KindArray:
		return "ARRAY<" + p.Elem.String() + ">"
	case p.Kind == types.KindMap:
		return "MAP<" + p.Key.String() + ", " + p.Elem.String() + ">"
	case p.Kind == types.KindLambda:
		args := make([]string, len(p.Args))
		for i, a := range p.Args {
			args[i] = a.String()
		}
		return "LAMBDA(" + strings.Join(args, ", ") + ")=>" + p.Elem.String()
	case p.Kind == types.KindInt:
		return "INT"
	}
	return p.Kind.String()
}

// generic says whether a variable occurs in the pattern.
func (p *Pattern) generic() bool {
	if p == nil {
		return false
	}
	if p.Var != "" || p.Any || p.Key.generic() || p.Elem.generic() {
		return true
	}
	for _, a := range p.Args {
		if a.generic() {
			return true
		}
	}
	return false
}

var patternKinds = map[string]types.Kind{
	"BOOLEAN": types.KindBoolean, "INT": types.KindInt, "BIGINT": types.KindBigint, "DOUBLE": types.KindDouble,
	"DECIMAL": types.KindDecimal, "STRING": types.KindString, "BYTES": types.KindBytes, "DATE": types.KindDate,
	"TIME": types.KindTime, "TIMESTAMP": types.KindTimestamp, "STRUCT": types.KindStruct, "INTERVALUNIT": types.KindIntervalUnit,
}

// ParseSignature reads the form shown at Signature. The result may be left out where the implementation tells it.
func ParseSignature(text string) (*Signature, error) {
	p := &signatureParser{rest: text}
	s := &Signature{Variadic: -1, text: text}
	p.space()
	for p.rest != "" && !strings.HasPrefix(p.rest, "->") {
		if len(s.Params) > 0 {
			p.expect(",")
		}
		name := p.word()
		s.Params = append(s.Params, Param{Name: name, Type: p.pattern()})
		if p.accept("...") {
			if s.Variadic >= 0 {
				p.fail("second variadic parameter")
			}
			s.Variadic = len(s.Params) - 1
		}
		last := &s.Params[len(s.Params)-1]
		last.Init = p.accept("init")
		if len(s.Params) > 1 && s.Params[len(s.Params)-2].Init && !last.Init {
			p.fail("parameter behind an init parameter")
		}
		if p.err != nil {
			break
		}
	}
	if p.err == nil && p.accept("->") {
		s.Returns = p.pattern()
	}
	if p.err == nil && p.rest != "" {
		p.fail("unexpected text")
	}
	if p.err != nil {
		return nil, fmt.Errorf("signature %q: %w", text, p.err)
	}
	return s, nil
}

type signatureParser struct {
	rest string
	err  error
}

func (p *signatureParser) fail(what string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s before %q", what, p.rest)
	}
	p.rest = ""
}

func (p *signatureParser) space() { p.rest = strings.TrimLeft(p.rest, " ") }

func (p *signatureParser) accept(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
		p.space()
	}
	return ok
}

func (p *signatureParser) expect(s string) {
	if !p.accept(s) {
		p.fail("missing " + s)
	}
}

func (p *signatureParser) word() string {
	n := 0
	for n < len(p.rest) && (p.rest[n] == '_' || p.rest[n] >= '0' && p.rest[n] <= '9' || p.rest[n]|32 >= 'a' && p.rest[n]|32 <= 'z') {
		n++
	}
	w := p.rest[:n]
	if n == 0 {
		p.fail("missing word")
	}
	p.rest = p.rest[n:]
	p.space()
	return w
}

func (p *signatureParser) pattern() *Pattern {
	w := p.word()
	switch {
	case p.err != nil:
		return nil
	case w == "ANY":
		return &Pattern{Any: true}
	case w == "ARRAY":
		p.expect("<")
		e := p.pattern()
		p.expect(">")
		return &Pattern{Kind: types.KindArray, Elem: e}
	case w == "MAP":
		p.expect("<")
		k := p.pattern()
		p.expect(",")
		v := p.pattern()
		p.expect(">")
		return &Pattern{Kind: types.KindMap, Key: k, Elem: v}
	case w == "LAMBDA":
		return p.lambda()
	case len(w) == 1 && w[0] >= 'A' && w[0] <= 'Z':
		return &Pattern{Var: w}
	}
	k, ok := patternKinds[w]
	if !ok {
		p.fail("unknown type " + w)
	}
	return &Pattern{Kind: k}
}

func (p *signatureParser) lambda() *Pattern {
	l := &Pattern{Kind: types.KindLambda}
	p.expect("(")
	for p.err == nil {
		l.Args = append(l.Args, p.pattern())
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	p.expect("=>")
	l.Elem = p.pattern()
	return l
}
