package parser

import (
	"strconv"

	tidb "github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/millrace/millrace/sql/ast"
)

// What a token number stands for in the text for TiDB. A name is one of these letters and the number of a token:
// `n12` is the name at token 12, `x12`(a, b) is a[b] with the bracket at token 12.
const (
	markName     = 'n' // a name
	markLiteral  = 'v' // a literal
	markTyped    = 't' // type and string
	markInterval = 'i' // INTERVAL number unit
	markStar     = 'z' // *, with a qualifier before it or none
	markQuery    = 'h' // a query in parentheses
	markExists   = 'e' // EXISTS and the query behind it
	markCall     = 'f' // function(args)
	markFilter   = 'w' // (call) with a FILTER
	markOver     = 'o' // (call) with an OVER
	markIndex    = 'x' // (base, index)
	markField    = 'd' // (base), the field is behind the arrow
	markCast     = 'c' // (expr)
	markArray    = 'a' // (elems)
	markMap      = 'm' // (key, value, ...)
	markStruct   = 's' // (values), the names are in fields
	markLambda   = 'l' // (body)
	markPattern  = 'k' // (pattern of LIKE)
	markDistinct = 'b' // (right side of IS [NOT] DISTINCT FROM)
	markJoin     = 'j' // (condition), the rest is in joins
	markTable    = 'u' // a table function
	markList     = 'r' // (expressions that stand outside a SELECT)
)

// piece is a part of the text for TiDB, and the token that it comes from.
type piece struct {
	text string
	tok  int
}

// join is what a JOIN's mark stands for.
type join struct {
	kind   ast.JoinKind
	within *ast.Within
}

// rewriter turns the tokens of one SELECT core, or of a list of expressions, into text for TiDB. What TiDB has no place
// for goes into tables under the number of a token.
type rewriter struct {
	*parser
	out     []piece
	queries map[int]*ast.Query
	casts   map[int]*ast.TypeName
	lambdas map[int][]ast.Ident
	fields  map[int][]ast.Ident
	filters map[int]ast.Expr
	overs   map[int]*ast.WindowSpec
	joins   map[int]join
	tables  map[int][]ast.Expr
}

// put records v under token i in a table that exists only when needed.
func put[V any](table *map[int]V, i int, v V) {
	if *table == nil {
		*table = map[int]V{}
	}
	(*table)[i] = v
}

// emit adds text for the token at the cursor; next also moves on.
func (r *rewriter) emit(text string) { r.out = append(r.out, piece{text, r.i}) }

func (r *rewriter) next(text string) {
	r.emit(text)
	r.i++
}

func mark(kind byte, tok int) string {
	return "`" + string(kind) + strconv.Itoa(tok) + "`"
}

// mark adds the mark of the token at the cursor.
func (r *rewriter) mark(kind byte) { r.emit(mark(kind, r.i)) }

// wrap puts what was written since start into kind( ... ).
func (r *rewriter) wrap(start int, kind byte, tok int) {
	from := r.out[start].tok
	r.out = append(r.out, piece{}, piece{})
	copy(r.out[start+2:], r.out[start:])
	r.out[start] = piece{mark(kind, tok), from}
	r.out[start+1] = piece{"(", from}
	r.emit(")")
}

// expr reads one expression.
func (p *parser) expr() (ast.Expr, error) {
	c, nodes, err := p.list(func(r *rewriter) error { return r.operand(wholeExpr) })
	if err != nil {
		return nil, err
	}
	t, err := c.expr(nodes[0])
	return t.expr, err
}

// exprs reads expressions with commas between them.
func (p *parser) exprs() ([]ast.Expr, error) {
	c, nodes, err := p.list((*rewriter).operands)
	if err != nil {
		return nil, err
	}
	es, _, err := c.exprs(nodes)
	return es, err
}

// keyList reads the list of PARTITION BY, which may stand in parentheses.
func (p *parser) keyList() ([]ast.Expr, error) {
	c, nodes, err := p.list((*rewriter).operands)
	if err != nil {
		return nil, err
	}
	keys, _, err := c.keys(nodes)
	return keys, err
}

// list gives the expressions that read writes to TiDB, and the converter for them.
func (p *parser) list(read func(*rewriter) error) (*converter, []tidb.ExprNode, error) {
	if err := p.deeper(); err != nil {
		return nil, nil, err
	}
	defer func() { p.nest-- }()
	r := &rewriter{parser: p}
	r.emit("SELECT")
	r.mark(markList)
	r.emit("(")
	if err := read(r); err != nil {
		return nil, nil, err
	}
	r.emit(")")
	s, err := r.parse()
	if err != nil {
		return nil, nil, err
	}
	c := &converter{rewriter: r}
	nodes, err := c.listed(s)
	return c, nodes, err
}

// scope says how far an operand reaches.
type scope bool

const (
	wholeExpr scope = false // a whole expression
	valueExpr scope = true  // what binds tighter than comparisons: the right side of LIKE and IS DISTINCT FROM
)

// operand writes one expression.
func (r *rewriter) operand(s scope) error {
	if err := r.deeper(); err != nil {
		return err
	}
	defer func() { r.nest-- }()
	have, err := r.expression(s)
	if err == nil && !have {
		err = r.unexpected(r.i, "an expression")
	}
	return err
}

func (r *rewriter) operands() error {
	for {
		if err := r.operand(wholeExpr); err != nil {
			return err
		}
		if !r.tok().is(",") {
			return nil
		}
		r.next(",")
	}
}

// close writes the closing bracket.
func (r *rewriter) close(bracket string) error {
	if !r.tok().is(bracket) {
		return r.unexpected(r.i, ", or "+bracket)
	}
	r.next(")")
	return nil
}

// state is where an expression's reading stands: have says that an operand has just ended, and start is where in out
// the primary begins that brackets and arrows bind to, or -1.
type state struct {
	have  bool
	start int
}

var none = state{start: -1}

// expression writes tokens up to the first that cannot go on with the expression; have is false if an operand is
// missing there. Of the rest TiDB is the judge.
func (r *rewriter) expression(s scope) (have bool, err error) {
	st := none
	for {
		t := r.tok()
		done := false
		switch {
		case t.kind == endToken:
			done = true
		case t.kind == variableToken:
			err = r.unexpected(r.i, "")
		case t.kind == symbolToken:
			st, done, err = r.symbol(t, st, s)
		case t.kind == wordToken && ast.Reserved(t.text):
			st, done, err = r.keyword(t, st, s)
		case st.have: // two operands side by side: the second may be an alias
			done = true
		case t.kind == stringToken || t.kind == numberToken:
			st = state{true, len(r.out)}
			r.mark(markLiteral)
			r.i++
		default:
			st, done, err = r.word(t)
		}
		if err != nil || done {
			return st.have, err
		}
	}
}
