package parser

import "github.com/millrace/millrace/sql/ast"

// keyword writes a reserved word; done says that it does not belong to the expression.
func (r *rewriter) keyword(t *token, st state, s scope) (_ state, done bool, err error) {
	if t.is("NULL", "TRUE", "FALSE", "CASE", "EXISTS") {
		if st.have {
			return st, true, nil
		}
		st, err = r.keywordOperand(t)
		return st, false, err
	}
	if s == valueExpr && st.have {
		return st, true, nil
	}
	switch {
	case t.is("NOT") && (!st.have || r.at(1).is("IN", "LIKE", "BETWEEN")):
		r.next("NOT")
		return st, false, nil
	case !st.have:
		return st, true, nil
	case t.is("AND", "OR", "BETWEEN"):
		r.next(t.text)
		return none, false, nil
	case t.is("IN"):
		return state{true, -1}, false, r.in()
	case t.is("LIKE"):
		return state{true, -1}, false, r.like()
	case t.is("IS"):
		return state{true, -1}, false, r.is()
	}
	return st, true, nil
}

func (r *rewriter) keywordOperand(t *token) (state, error) {
	st := state{true, len(r.out)}
	switch t.text {
	case "CASE":
		return st, r.caseExpr()
	case "EXISTS":
		at := r.i
		r.i++
		if !r.queryAt(r.i) {
			return st, r.unexpected(r.i, "a query in parentheses")
		}
		q, err := r.parenQuery()
		put(&r.queries, at, q)
		r.out = append(r.out, piece{mark(markExists, at), at})
		return st, err
	}
	r.mark(markLiteral)
	r.i++
	return st, nil
}

func (r *rewriter) in() error {
	r.next("IN")
	if !r.tok().is("(") {
		return r.unexpected(r.i, "(")
	}
	if r.queryAt(r.i) {
		r.emit("(")
		if err := r.subquery(markQuery); err != nil {
			return err
		}
		r.emit(")")
		return nil
	}
	r.next("(")
	if err := r.operands(); err != nil {
		return err
	}
	return r.close(")")
}

// like writes the pattern as a function's argument: MySQL takes less as a pattern than the dialect does.
func (r *rewriter) like() error {
	r.next("LIKE")
	r.mark(markPattern)
	r.emit("(")
	if err := r.operand(valueExpr); err != nil {
		return err
	}
	r.emit(")")
	if !r.tok().is("ESCAPE") {
		return nil
	}
	if r.at(1).kind != stringToken {
		return r.unexpected(r.i+1, "a string")
	}
	// The conversion reads the character itself.
	r.next("ESCAPE")
	r.next("'!'")
	return nil
}

func (r *rewriter) is() error {
	at := r.i
	r.i++
	not := r.accept("NOT")
	switch {
	case r.tok().is("NULL"):
		r.out = append(r.out, piece{"IS", at})
		if not {
			r.out = append(r.out, piece{"NOT", at + 1})
		}
		r.next("NULL")
		return nil
	case r.accept("DISTINCT"):
		if err := r.expect("FROM"); err != nil {
			return err
		}
		r.out = append(r.out, piece{"<=>", at}, piece{mark(markDistinct, at), at}, piece{"(", at})
		if err := r.operand(valueExpr); err != nil {
			return err
		}
		r.emit(")")
		return nil
	}
	if not {
		return r.oneOf("NULL", "DISTINCT FROM")
	}
	return r.oneOf("NULL", "NOT NULL", "DISTINCT FROM")
}

func (r *rewriter) caseExpr() error {
	r.next("CASE")
	if !r.tok().is("WHEN") {
		if err := r.operand(wholeExpr); err != nil {
			return err
		}
	}
	if !r.tok().is("WHEN") {
		return r.unexpected(r.i, "WHEN")
	}
	for r.tok().is("WHEN") {
		r.next("WHEN")
		if err := r.operand(wholeExpr); err != nil {
			return err
		}
		if !r.tok().is("THEN") {
			return r.unexpected(r.i, "THEN")
		}
		r.next("THEN")
		if err := r.operand(wholeExpr); err != nil {
			return err
		}
	}
	if r.tok().is("ELSE") {
		r.next("ELSE")
		if err := r.operand(wholeExpr); err != nil {
			return err
		}
	}
	if !r.tok().is("END") {
		return r.unexpected(r.i, "END")
	}
	r.next("END")
	return nil
}

// word writes an operand that begins with a name or with a word that means something here.
func (r *rewriter) word(t *token) (_ state, done bool, err error) {
	st := state{true, len(r.out)}
	next := r.at(1)
	if t.kind == wordToken {
		switch {
		case r.clauseAt(r.i):
			return none, true, nil
		case t.is("CAST") && next.is("("):
			return st, false, r.cast()
		case t.is("ARRAY") && next.is("["):
			return st, false, r.array()
		case t.is("MAP", "STRUCT") && next.is("(") && r.assigns(r.i+1):
			if t.is("MAP") {
				return st, false, r.mapLit()
			}
			return st, false, r.structLit()
		case t.is("INTERVAL") && (next.kind == stringToken || next.kind == numberToken):
			return st, false, r.interval()
		case next.kind == stringToken:
			return st, false, r.typed(t)
		}
	}
	if next.is("(") {
		return st, false, r.call()
	}
	r.mark(markName)
	r.i++
	for r.tok().is(".") {
		if !r.at(1).isName() {
			return st, false, r.unexpected(r.i+1, wantName)
		}
		r.next(".")
		r.mark(markName)
		r.i++
	}
	return st, false, nil
}

// typed writes a type and a string.
func (r *rewriter) typed(t *token) error {
	if !t.is("DATE", "TIME", "TIMESTAMP", "DECIMAL") {
		return r.unexpected(r.i+1, "")
	}
	r.mark(markTyped)
	r.i += 2
	return nil
}

var intervalUnits = map[string]bool{"MONTH": true, "MONTHS": true, "YEAR": true, "YEARS": true}

func (r *rewriter) interval() error {
	if u := r.at(2); u.kind != wordToken || !ast.IsUnit(u.text) && !intervalUnits[u.text] {
		return r.unexpected(r.i+2, "a time unit")
	}
	r.mark(markInterval)
	r.i += 3
	return nil
}
