package analyzer

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/ast"
)

// item is one column of a SELECT list; stars and derefs of all fields are still one item until they are expanded.
type item struct {
	expr     ast.Expr // qualified; nil for a star
	name     string
	explicit bool // named by AS
	star     bool // from a star, or one yet to be expanded
	of       string
	at       ast.Span
}

// aliases gives names to items that have none. Names end in a number where the plain one is taken by a source's column;
// what aliases of other items say does not count.
type aliases struct {
	taken map[string]map[int]bool // stem -> numbers
	next  map[string]int
}

func newAliases(sc *scope) *aliases {
	a := &aliases{taken: map[string]map[int]bool{}, next: map[string]int{}}
	for _, s := range sc.sources {
		for _, c := range s.cols {
			stem, n := splitNumber(c.Name)
			if a.taken[stem] == nil {
				a.taken[stem] = map[int]bool{}
			}
			a.taken[stem][n] = true
		}
	}
	return a
}

// splitNumber cuts NAME_7 into NAME and 7; without a number it is 0.
func splitNumber(name string) (string, int) {
	if i := strings.LastIndexByte(name, '_'); i > 0 {
		if n, err := strconv.Atoi(name[i+1:]); err == nil && n >= 0 {
			return name[:i], n
		}
	}
	return name, 0
}

func (a *aliases) number(stem string) int {
	n := a.next[stem]
	for a.taken[stem][n] {
		n++
	}
	a.next[stem] = n + 1
	return n
}

// generated is KSQL_COL_0, KSQL_COL_1, ...
func (a *aliases) generated() string { return "KSQL_COL_" + strconv.Itoa(a.number("KSQL_COL")) }

// field is the name of a struct's field, numbered from the second on.
func (a *aliases) field(name string) string {
	stem, _ := splitNumber(name)
	if n := a.number(stem); n > 0 {
		return stem + "_" + strconv.Itoa(n)
	}
	return stem
}

// name is the default name of an item; e is qualified.
func (a *aliases) name(sc *scope, e ast.Expr) string {
	switch x := e.(type) {
	case *ast.ColumnRef:
		if x.Qualifier != nil && sc.join() && len(sc.holders(x.Name.Name)) > 1 {
			return x.Qualifier.Name + "_" + x.Name.Name
		}
		return x.Name.Name
	case *ast.Deref:
		return a.field(x.Field.Name)
	}
	return a.generated()
}
