package analyzer

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/ast"
)

// qualify gives every column reference in e the alias of its source. References to columns that no source has are left as they
// are, for checkResolved: an unknown column is reported later than an ambiguous one.
func (sc *scope) qualify(e ast.Expr) (ast.Expr, error) {
	if e == nil {
		return nil, nil
	}
	if err := sc.findWords(e, nil); err != nil {
		return nil, err
	}
	var failed error
	out := ast.Rewrite(e, func(x ast.Expr) ast.Expr {
		r, ok := x.(*ast.ColumnRef)
		if !ok || sc.words[r] || failed != nil {
			return x
		}
		q, err := sc.resolve(r)
		if err != nil {
			failed = err
			return x
		}
		return q
	})
	return out, failed
}

func (sc *scope) qualifyAll(list []ast.Expr) ([]ast.Expr, error) {
	out := make([]ast.Expr, len(list))
	for i, e := range list {
		var err error
		if out[i], err = sc.qualify(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (sc *scope) resolve(r *ast.ColumnRef) (ast.Expr, error) {
	name := r.Name.Name
	if r.Qualifier != nil {
		sc.source(r.Qualifier.Name).use(name)
		return r, nil
	}
	if sc.windowed && !sc.join() && (name == windowStart || name == windowEnd) {
		return r, nil
	}
	found := sc.holders(name)
	switch len(found) {
	case 0:
		return r, nil
	case 1:
		found[0].use(name)
		return &ast.ColumnRef{Loc: r.Loc, Qualifier: &ast.Ident{Loc: r.Loc, Name: found[0].alias}, Name: r.Name}, nil
	}
	var could []string
	for _, s := range found {
		could = append(could, s.alias+"."+name)
	}
	return nil, advise(fail("name.ambiguous", r.Span(), "column %s is ambiguous", r.Name), "it could be %s", names(sorted(could), "or"))
}

func (s *source) use(name string) {
	if pseudo(name) && !slices.Contains(s.used, name) {
		s.used = append(s.used, name)
	}
}

func (sc *scope) unknownQualifier(id ast.Ident) error {
	var aliases []string
	for _, s := range sc.sources {
		aliases = append(aliases, s.alias)
	}
	hint := ast.Suggest(id.Name, aliases)
	if hint == "" {
		hint = "in FROM there is " + names(aliases, "and")
	}
	return advise(fail("name.qualifier", id.Span(), "%s is no stream, table or alias of this query", id), "%s", hint)
}

// checkQualifiers refuses a qualifier that names no source, anywhere in the SELECT.
func (sc *scope) checkQualifiers(sel *ast.Select) (failed error) {
	check := func(id *ast.Ident) {
		if id != nil && failed == nil && sc.source(id.Name) == nil {
			failed = sc.unknownQualifier(*id)
		}
	}
	ast.Inspect(sel, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.ColumnRef:
			check(x.Qualifier)
		case *ast.SelectItem:
			check(x.Qualifier)
		}
		return failed == nil
	})
	return failed
}

// findWords records the references in n that name no column, and checks the names of lambda parameters.
func (sc *scope) findWords(n ast.Node, params []string) (failed error) {
	if sc.words == nil {
		sc.words = map[*ast.ColumnRef]bool{}
	}
	ast.Inspect(n, func(c ast.Node) bool {
		switch x := c.(type) {
		case *ast.Lambda:
			if failed == nil {
				failed = sc.lambdaWords(x, params)
			}
			return false
		case *ast.Call:
			sc.callWords(x)
		case *ast.ColumnRef:
			if x.Qualifier == nil && slices.Contains(params, x.Name.Name) {
				sc.words[x] = true
			}
		}
		return failed == nil
	})
	return failed
}

func (sc *scope) lambdaWords(x *ast.Lambda, params []string) error {
	inner := slices.Clone(params)
	for _, p := range x.Params {
		if slices.Contains(inner, p.Name) {
			return fail("lambda.name", p.Span(), "the lambda parameter %s is there twice", p)
		}
		if len(sc.holders(p.Name)) > 0 {
			return advise(fail("lambda.name", p.Span(), "the lambda parameter %s is also a column", p), "give it another name")
		}
		inner = append(inner, p.Name)
	}
	return sc.findWords(x.Body, inner)
}

// callWords: the model of PREDICT, and units of time unless a column has that name.
func (sc *scope) callWords(x *ast.Call) {
	for i, a := range x.Args {
		r, ok := a.(*ast.ColumnRef)
		if !ok || r.Qualifier != nil {
			continue
		}
		if i == 0 && namesModel(x) || isUnit(r) && len(sc.holders(r.Name.Name)) == 0 {
			sc.words[r] = true
		}
	}
}

func isUnit(r *ast.ColumnRef) bool { return !r.Name.Quoted && ast.IsUnit(r.Name.Name) }

// checkResolved refuses columns that no source has. Free says which names may stay for later.
func (sc *scope) checkResolved(clause string, free func(name string) bool, list ...ast.Expr) error {
	for _, e := range list {
		if e == nil {
			continue
		}
		var failed error
		ast.Inspect(e, func(n ast.Node) bool {
			r, ok := n.(*ast.ColumnRef)
			if !ok || sc.words[r] || failed != nil {
				return failed == nil
			}
			if r.Qualifier == nil && free(r.Name.Name) || r.Qualifier != nil && sc.source(r.Qualifier.Name).has(r.Name.Name) {
				return true
			}
			failed = sc.unknownColumn(clause, r)
			return false
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

func (sc *scope) unknownColumn(clause string, r *ast.ColumnRef) error {
	if clause != "" {
		clause += " "
	}
	return advise(fail("name.column", r.Span(), "%scolumn %s cannot be resolved", clause, r), "%s", ast.Suggest(r.Name.Name, sc.columnNames()))
}

// plainColumn says whether e is a bare column of a source.
func plainColumn(e ast.Expr) (*ast.ColumnRef, bool) {
	r, ok := e.(*ast.ColumnRef)
	return r, ok && r.Qualifier != nil
}

// finds says whether e holds an expression that passes; below one that stops, it does not look.
func finds(e ast.Node, pass func(ast.Node) bool) bool {
	found := false
	if e != nil {
		ast.Inspect(e, func(n ast.Node) bool {
			found = found || pass(n)
			return !found
		})
	}
	return found
}

// contains says whether list holds an expression equal to e, and where.
func contains(list []ast.Expr, e ast.Expr) (int, bool) {
	i := slices.IndexFunc(list, func(x ast.Expr) bool { return ast.Equal(x, e) })
	return i, i >= 0
}

// namesModel says whether the first argument of a call is a model.
func namesModel(x *ast.Call) bool { return OfModels(x.Name.Name) }

// OfModels says whether calls of a name are bound here, as those of models, whatever functions there are.
func OfModels(name string) bool { return isPredict(name) || isModelVersion(name) }

func isModelVersion(name string) bool { return strings.EqualFold(name, "MODEL_VERSION") }

func isPredict(name string) bool {
	return strings.EqualFold(name, "PREDICT") || strings.EqualFold(name, "ML_PREDICT")
}
