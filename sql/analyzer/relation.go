package analyzer

import (
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
)

// columnName is how a statement refers to a column: by the alias of its source and its name. The qualifier is empty for columns
// that no source has (a synthetic key, the bounds of a WINDOW clause), the name for those that cannot be referred to.
type columnName struct{ qualifier, name string }

// known is an expression whose value is already a column.
type known struct {
	expr  ast.Expr
	index int
}

// keyColumn is a column of a relation's key. Any of exprs refers to it, the first ones first. Behind an outer join some of
// them are NULL where the key is not; same lists those that never are.
type keyColumn struct {
	exprs []ast.Expr
	same  []ast.Expr
	index int
}

// is says whether e has the key's value in every row.
func (k keyColumn) is(e ast.Expr) bool { _, ok := contains(k.same, e); return ok }

// keyOf is the key column that e alone refers to.
func keyOf(e ast.Expr, index int) keyColumn {
	return keyColumn{exprs: []ast.Expr{e}, same: []ast.Expr{e}, index: index}
}

// relation is a node with what its columns are called in the statement.
type relation struct {
	node  plan.Node
	names []columnName // one a column of node
	known []known      // looked at before names
	keys  []keyColumn
	// synthetic: the key is a ROWKEY that the join made up.
	synthetic bool
}

func (r *relation) cols() []plan.OutColumn { return r.node.Columns() }

// lookup finds a column by its name in the statement.
func (r *relation) lookup(qualifier, name string) (int, bool) {
	for i, n := range r.names {
		if n.name == name && n.qualifier == qualifier {
			return i, true
		}
	}
	return 0, false
}

// find is the column that already holds the value of e.
func (r *relation) find(e ast.Expr) (int, bool) {
	for _, k := range r.known {
		if ast.Equal(k.expr, e) {
			return k.index, true
		}
	}
	if c, ok := e.(*ast.ColumnRef); ok {
		q := ""
		if c.Qualifier != nil {
			q = c.Qualifier.Name
		}
		return r.lookup(q, c.Name.Name)
	}
	return 0, false
}

// column reads column i.
func (r *relation) column(i int) *plan.Column {
	c := r.cols()[i]
	return &plan.Column{Index: i, Name: c.Name, T: c.Type}
}

// ref is a reference to a column of a source.
func ref(alias, name string) *ast.ColumnRef {
	r := &ast.ColumnRef{Name: ast.Ident{Name: name}}
	if alias != "" {
		r.Qualifier = &ast.Ident{Name: alias}
	}
	return r
}

// leaf is the relation of one source.
func leaf(s *source) *relation {
	r := &relation{node: sourceNode(s.cat, s.alias, s.used)}
	for i, c := range r.cols() {
		r.names = append(r.names, columnName{s.alias, c.Name})
		if c.Role == plan.Key {
			r.keys = append(r.keys, keyOf(ref(s.alias, c.Name), i))
		}
	}
	return r
}
