package parser

import "github.com/millrace/millrace/sql/ast"

// call writes a function with its arguments, FILTER and OVER.
func (r *rewriter) call() error {
	start := len(r.out)
	r.mark(markCall)
	r.i++
	r.next("(")
	switch {
	case r.peek("*", ")"): // the conversion sees it
		r.i++
	case r.peek("DISTINCT"): // so too
		r.i++
		fallthrough
	case !r.peek(")"):
		if err := r.arguments(); err != nil {
			return err
		}
	}
	if err := r.close(")"); err != nil {
		return err
	}
	if r.peek("FILTER", "(", "WHERE") {
		if err := r.filter(start); err != nil {
			return err
		}
	}
	if r.peek("OVER", "(") {
		return r.over(start)
	}
	return nil
}

func (r *rewriter) arguments() error {
	for {
		if err := r.argument(); err != nil {
			return err
		}
		if !r.tok().is(",") {
			return nil
		}
		r.next(",")
	}
}

func (r *rewriter) argument() error {
	params, n := r.lambdaAt()
	if n == 0 {
		return r.operand(wholeExpr)
	}
	put(&r.lambdas, r.i, params)
	r.mark(markLambda)
	r.i += n
	r.emit("(")
	if err := r.operand(wholeExpr); err != nil {
		return err
	}
	r.emit(")")
	return nil
}

// lambdaAt returns the parameters of the lambda at the cursor and the number of tokens up to its body, or 0.
func (r *rewriter) lambdaAt() ([]ast.Ident, int) {
	if r.tok().isName() && r.at(1).is("=>") {
		return []ast.Ident{r.tok().ident()}, 2
	}
	if !r.tok().is("(") {
		return nil, 0
	}
	end := r.match[r.i]
	if !r.toks[end+1].is("=>") {
		return nil, 0
	}
	var params []ast.Ident
	for i := r.i + 1; i < end; i += 2 {
		if !r.toks[i].isName() || !r.toks[i+1].is(",", ")") {
			return nil, 0
		}
		params = append(params, r.toks[i].ident())
	}
	if len(params) == 0 {
		return nil, 0
	}
	return params, end + 2 - r.i
}

// filter reads FILTER (WHERE expr) behind the call that was written from start on.
func (r *rewriter) filter(start int) error {
	at := r.i
	r.i += 3
	cond, err := r.expr()
	if err != nil {
		return err
	}
	if !r.tok().is(")") {
		return r.unexpected(r.i, ")")
	}
	put(&r.filters, at, cond)
	r.wrap(start, markFilter, at)
	r.i++
	return nil
}

// over reads OVER (...) behind the call that was written from start on.
func (r *rewriter) over(start int) error {
	at := r.i
	r.i += 2
	lo := r.i
	w := &ast.WindowSpec{}
	var err error
	if r.accept("PARTITION", "BY") {
		if w.PartitionBy, err = r.exprs(); err != nil {
			return err
		}
	}
	if r.accept("ORDER", "BY") {
		if w.OrderBy, err = commaList(r.parser, r.orderItem); err != nil {
			return err
		}
	}
	if r.tok().is("ROWS", "RANGE") {
		if w.Frame, err = r.frame(); err != nil {
			return err
		}
	}
	if !r.tok().is(")") {
		return r.oneOf("PARTITION BY", "ORDER BY", "ROWS", "RANGE", ")")
	}
	w.Loc = r.span(lo)
	put(&r.overs, at, w)
	r.wrap(start, markOver, at)
	r.i++
	return nil
}

func (p *parser) frame() (*ast.Frame, error) {
	lo := p.i
	f := &ast.Frame{Unit: ast.FrameUnit(p.tok().text), End: ast.FrameBound{Kind: ast.CurrentRow}}
	p.i++
	between := p.accept("BETWEEN")
	var err error
	if f.Start, err = p.bound(); err != nil {
		return nil, err
	}
	if between {
		if err = p.expect("AND"); err != nil {
			return nil, err
		}
		if f.End, err = p.bound(); err != nil {
			return nil, err
		}
	}
	f.Loc = p.span(lo)
	return f, nil
}

func (p *parser) bound() (ast.FrameBound, error) {
	for _, kind := range []ast.BoundKind{ast.UnboundedPreceding, ast.UnboundedFollowing, ast.CurrentRow} {
		first, second := boundWords(kind)
		if p.accept(first, second) {
			return ast.FrameBound{Kind: kind}, nil
		}
	}
	// A number or an interval; more would take PRECEDING for an alias.
	lo := p.i
	var offset ast.Expr
	switch {
	case p.peek("INTERVAL") && p.at(1).kind == stringToken && p.at(2).kind == wordToken:
		p.i += 3
		offset = &ast.Interval{Loc: p.span(lo), Value: p.toks[lo+1].text, Unit: p.toks[lo+2].text}
	default:
		n, err := p.count()
		if err != nil {
			return ast.FrameBound{}, err
		}
		offset = n
	}
	switch {
	case p.accept("PRECEDING"):
		return ast.FrameBound{Kind: ast.Preceding, Offset: offset}, nil
	case p.accept("FOLLOWING"):
		return ast.FrameBound{Kind: ast.Following, Offset: offset}, nil
	}
	return ast.FrameBound{}, p.oneOf("PRECEDING", "FOLLOWING")
}

func boundWords(kind ast.BoundKind) (first, second string) {
	switch kind {
	case ast.UnboundedPreceding:
		return "UNBOUNDED", "PRECEDING"
	case ast.UnboundedFollowing:
		return "UNBOUNDED", "FOLLOWING"
	}
	return "CURRENT", "ROW"
}
