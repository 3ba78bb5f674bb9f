package parser

// operators are written as they are. || is MySQL's |, which binds as || does in the dialect.
var operators = map[string]string{
	"+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "||": "|",
	"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}

func comparison(symbol string) bool {
	switch symbol {
	case "=", "<>", "!=", "<", "<=", ">", ">=":
		return true
	}
	return false
}

// symbol writes an operator or a bracket; done says that t does not belong to the expression.
func (r *rewriter) symbol(t *token, st state, s scope) (_ state, done bool, err error) {
	switch op := operators[t.text]; {
	case op != "" && s == valueExpr && comparison(t.text):
		return st, true, nil
	case op != "":
		if !st.have && !t.is("+", "-") {
			return st, false, r.unexpected(r.i, "an expression")
		}
		r.next(op)
		return none, false, nil
	case t.is("("):
		if st.have {
			return st, true, nil
		}
		st, err = r.paren()
		return st, false, err
	case t.is("[", "->") && st.have && st.start < 0:
		return st, false, r.unexpected(r.i, "")
	case t.is("[") && st.have:
		return st, false, r.subscript(st)
	case t.is("->") && st.have:
		return r.field(st)
	}
	return st, true, nil
}

// paren writes a query, an expression in parentheses, or a row of them (which only GROUP BY takes).
func (r *rewriter) paren() (state, error) {
	st := state{true, len(r.out)}
	if r.queryAt(r.i) {
		return st, r.subquery(markQuery)
	}
	r.next("(")
	if err := r.operands(); err != nil {
		return st, err
	}
	return st, r.close(")")
}

// subquery reads a query in parentheses and leaves a mark of the given kind.
func (r *rewriter) subquery(kind byte) error {
	at := r.i
	r.mark(kind)
	q, err := r.parenQuery()
	if err != nil {
		return err
	}
	put(&r.queries, at, q)
	return nil
}

func (r *rewriter) subscript(st state) error {
	if err := r.deepen(st); err != nil {
		return err
	}
	at := r.i
	r.next(",")
	if err := r.operand(wholeExpr); err != nil {
		return err
	}
	if !r.tok().is("]") {
		return r.unexpected(r.i, "]")
	}
	r.wrap(st.start, markIndex, at)
	r.i++
	return nil
}

// field writes ->name or ->*; nothing binds to the latter.
func (r *rewriter) field(st state) (state, bool, error) {
	if err := r.deepen(st); err != nil {
		return st, false, err
	}
	name := r.at(1)
	if !name.isName() && !name.is("*") {
		return st, false, r.unexpected(r.i+1, wantName)
	}
	r.wrap(st.start, markField, r.i)
	r.i += 2
	if name.is("*") {
		st.start = -1
	}
	return st, false, nil
}

// deepen keeps chains of brackets and arrows short: each moves what it binds to.
func (r *rewriter) deepen(st state) error {
	depth := 0
	for i := st.start; i+1 < len(r.out) && r.out[i+1].text == "("; i += 2 {
		if depth++; depth > maxNesting {
			return errorAt(r.tok().span(), codeTooDeep, "more than %d subscripts and fields in a row", maxNesting)
		}
	}
	return nil
}
