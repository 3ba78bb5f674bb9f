package parser

import "github.com/millrace/millrace/sql/ast"

// selectCore reads one SELECT up to HAVING.
func (p *parser) selectCore() (*ast.Select, error) {
	lo := p.i
	if !p.tok().is("SELECT") {
		return nil, p.unexpected(p.i, "SELECT")
	}
	r := &rewriter{parser: p}
	s := &ast.Select{}
	r.next("SELECT")
	if r.tok().is("DISTINCT") {
		r.next("DISTINCT")
	}
	for {
		if err := r.item(); err != nil {
			return nil, err
		}
		if !r.tok().is(",") {
			break
		}
		r.next(",")
	}
	if !r.tok().is("FROM") {
		return nil, r.unexpected(r.i, "FROM")
	}
	r.next("FROM")
	if err := r.relation(); err != nil {
		return nil, err
	}
	if err := r.tail(s); err != nil {
		return nil, err
	}
	s.Loc = r.span(lo)
	stmt, err := r.parse()
	if err != nil {
		return nil, err
	}
	return s, (&converter{rewriter: r}).fill(s, stmt)
}

// item writes one item of the list of SELECT.
func (r *rewriter) item() error {
	if r.tok().is("*") {
		r.mark(markStar)
		r.i++
		return nil
	}
	if r.tok().isName() && r.at(1).is(".") && r.at(2).is("*") {
		r.i += 2
		r.mark(markStar)
		r.i++
		return nil
	}
	if err := r.operand(wholeExpr); err != nil {
		return err
	}
	return r.alias()
}

// alias writes [AS] name, if it comes next.
func (r *rewriter) alias() error {
	t := r.tok()
	switch {
	case t.is("AS"):
		r.next("AS")
		if !r.tok().isName() {
			return r.unexpected(r.i, wantName)
		}
	case !t.isName() || r.clauseAt(r.i):
		return nil
	case t.is("NATURAL", "CROSS") && r.at(1).is("JOIN"):
		return r.unexpected(r.i, "INNER, LEFT, RIGHT or FULL OUTER JOIN")
	default:
		r.emit("AS")
	}
	r.mark(markName)
	r.i++
	return nil
}

// relation writes what stands behind FROM. Every join is written as a LEFT JOIN, for which MySQL demands an ON, and
// the mark around its condition leads to what it is.
func (r *rewriter) relation() error {
	if err := r.source(); err != nil {
		return err
	}
	for {
		if r.tok().is(",") {
			e := r.unexpected(r.i, "")
			e.Hint = "relations are joined by JOIN ... ON"
			return e
		}
		at := r.i
		kind, ok, err := r.joinKind()
		if err != nil || !ok {
			return err
		}
		if len(r.joins) == maxNesting {
			return errorAt(r.toks[at].span(), codeTooDeep, "more than %d joins in a row", maxNesting)
		}
		r.out = append(r.out, piece{"LEFT", at}, piece{"JOIN", at})
		if err = r.source(); err != nil {
			return err
		}
		j := join{kind: kind}
		if r.tok().is("WITHIN") {
			if j.within, err = r.within(); err != nil {
				return err
			}
		}
		put(&r.joins, at, j)
		if !r.tok().is("ON") {
			return r.unexpected(r.i, "ON")
		}
		r.next("ON")
		r.out = append(r.out, piece{mark(markJoin, at), r.i}, piece{"(", r.i})
		if err = r.operand(wholeExpr); err != nil {
			return err
		}
		r.emit(")")
	}
}

// joinKind reads [INNER | LEFT [OUTER] | RIGHT [OUTER] | FULL [OUTER]] JOIN, if one of these comes next.
func (p *parser) joinKind() (ast.JoinKind, bool, error) {
	t := p.tok()
	var kind ast.JoinKind
	switch {
	case p.accept("JOIN"):
		return ast.InnerJoin, true, nil
	case t.is("INNER"):
		kind = ast.InnerJoin
	case t.is("LEFT"):
		kind = ast.LeftJoin
	case t.is("RIGHT"):
		kind = ast.RightJoin
	case t.is("FULL") && p.at(1).is("JOIN", "OUTER"):
		kind = ast.FullJoin
	default:
		return "", false, nil
	}
	p.i++
	if kind != ast.InnerJoin {
		p.accept("OUTER")
	}
	return kind, true, p.expect("JOIN")
}

// source writes a name, a function or a query, with its alias.
func (r *rewriter) source() error {
	t := r.tok()
	switch {
	case r.queryAt(r.i):
		if err := r.subquery(markQuery); err != nil {
			return err
		}
	case t.isName() && r.at(1).is("("):
		if err := r.tableFunction(); err != nil {
			return err
		}
	case t.isName():
		r.mark(markName)
		r.i++
		if r.tok().is(".") {
			return r.unexpected(r.i, "")
		}
	default:
		return r.unexpected(r.i, "the name of a stream or table")
	}
	return r.alias()
}

func (r *rewriter) tableFunction() error {
	at := r.i
	r.mark(markTable)
	r.i += 2
	var args []ast.Expr
	if !r.tok().is(")") {
		var err error
		if args, err = r.exprs(); err != nil {
			return err
		}
	}
	if !r.tok().is(")") {
		return r.unexpected(r.i, ", or )")
	}
	r.i++
	put(&r.tables, at, args)
	return nil
}

// tail reads the clauses behind FROM.
func (r *rewriter) tail(s *ast.Select) (err error) {
	if r.clauseAt(r.i) && r.tok().is("WINDOW") {
		if s.Window, err = r.window(); err != nil {
			return err
		}
	}
	if r.tok().is("WHERE") {
		r.next("WHERE")
		if err = r.operand(wholeExpr); err != nil {
			return err
		}
	}
	if r.tok().is("GROUP") {
		if err = r.groupBy(s); err != nil {
			return err
		}
	}
	if r.accept("PARTITION", "BY") {
		if s.PartitionBy, err = r.keyList(); err != nil {
			return err
		}
	}
	if r.tok().is("HAVING") {
		r.next("HAVING")
		return r.operand(wholeExpr)
	}
	return nil
}

func (r *rewriter) groupBy(s *ast.Select) error {
	lo := r.i
	r.i++
	if err := r.expect("BY"); err != nil {
		return err
	}
	s.GroupBy = &ast.GroupBy{}
	if r.accept("(", ")") {
		s.GroupBy.Paren = true
		s.GroupBy.Loc = r.span(lo)
		return nil
	}
	r.out = append(r.out, piece{"GROUP", lo}, piece{"BY", lo + 1})
	err := r.operands()
	s.GroupBy.Loc = r.span(lo)
	return err
}

func isCondition(e ast.Expr) bool {
	switch e.(type) {
	case *ast.Logical, *ast.Not, *ast.Comparison, *ast.IsNull, *ast.Between, *ast.In, *ast.Like:
		return true
	}
	return false
}
