package ast

import (
	"strconv"
	"strings"
)

// Binding strengths: an operand that binds weaker than its place demands stands in parentheses.
const (
	bindOr = iota
	bindAnd
	bindNot
	bindPredicate
	bindConcat
	bindAdd
	bindMul
	bindUnary
	bindPrimary
)

func binding(e Expr) int {
	switch x := e.(type) {
	case *Logical:
		if x.Op == Or {
			return bindOr
		}
		return bindAnd
	case *Not:
		return bindNot
	case *Comparison, *IsNull, *Between, *In, *Like:
		return bindPredicate
	case *Binary:
		switch x.Op {
		case Concat:
			return bindConcat
		case Add, Sub:
			return bindAdd
		}
		return bindMul
	case *Unary:
		return bindUnary
	case *IntLit:
		return signed(x.Value < 0)
	case *DecimalLit:
		return signed(strings.HasPrefix(x.Text, "-"))
	case *DoubleLit:
		return signed(x.Value < 0)
	}
	return bindPrimary
}

func signed(negative bool) int {
	if negative {
		return bindUnary
	}
	return bindPrimary
}

// operand prints e for a place that demands at least the given binding.
func operand(e Expr, demand int) string {
	if binding(e) < demand {
		return "(" + e.String() + ")"
	}
	return e.String()
}

func (*NullLit) String() string      { return "NULL" }
func (x *BoolLit) String() string    { return strings.ToUpper(strconv.FormatBool(x.Value)) }
func (x *IntLit) String() string     { return strconv.FormatInt(x.Value, 10) }
func (x *DecimalLit) String() string { return x.Text }
func (x *DoubleLit) String() string  { return strconv.FormatFloat(x.Value, 'E', -1, 64) }
func (x *StringLit) String() string  { return quote(x.Value) }
func (x *TypedLit) String() string   { return x.Type.Name + " " + quote(x.Text) }
func (x *Interval) String() string   { return "INTERVAL " + quote(x.Value) + " " + x.Unit }

func (x *ColumnRef) String() string {
	if x.Qualifier != nil {
		return x.Qualifier.String() + "." + x.Name.String()
	}
	return x.Name.String()
}

func (x *Unary) String() string {
	// A number under a sign keeps its parentheses, or the sign would become the number's; --x would be a comment.
	switch x.Expr.(type) {
	case *IntLit, *DecimalLit, *DoubleLit, *Unary:
		return string(x.Op) + "(" + x.Expr.String() + ")"
	}
	return string(x.Op) + operand(x.Expr, bindUnary)
}

func (x *Binary) String() string {
	b := binding(x)
	return operand(x.Left, b) + " " + string(x.Op) + " " + operand(x.Right, b+1)
}

func (x *Comparison) String() string {
	return operand(x.Left, bindConcat) + " " + string(x.Op) + " " + operand(x.Right, bindConcat)
}

func (x *Logical) String() string {
	b := binding(x)
	return operand(x.Left, b) + " " + string(x.Op) + " " + operand(x.Right, b+1)
}

func (x *Not) String() string { return "NOT " + operand(x.Expr, bindNot) }

func (x *IsNull) String() string {
	return operand(x.Expr, bindConcat) + " IS " + when(x.Not, "NOT ") + "NULL"
}

func (x *Between) String() string {
	return operand(x.Expr, bindConcat) + when(x.Not, " NOT") + " BETWEEN " + operand(x.Low, bindConcat) +
		" AND " + operand(x.High, bindConcat)
}

func (x *In) String() string {
	in := operand(x.Expr, bindConcat) + when(x.Not, " NOT") + " IN ("
	if x.Query != nil {
		return in + x.Query.String() + ")"
	}
	return in + list(x.List) + ")"
}

func (x *Like) String() string {
	s := operand(x.Expr, bindConcat) + when(x.Not, " NOT") + " LIKE " + operand(x.Pattern, bindConcat)
	if x.Escape != nil {
		s += " ESCAPE " + x.Escape.String()
	}
	return s
}

func (x *Case) String() string {
	return compose(func(p *printer) {
		p.words("CASE")
		if x.Operand != nil {
			p.words(x.Operand.String())
		}
		for _, w := range x.Whens {
			p.words("WHEN", w.Cond.String(), "THEN", w.Result.String())
		}
		if x.Else != nil {
			p.words("ELSE", x.Else.String())
		}
		p.words("END")
	})
}

func (x *Cast) String() string { return "CAST(" + x.Expr.String() + " AS " + x.Type.String() + ")" }
func (x *Subscript) String() string {
	return operand(x.Base, bindPrimary) + "[" + x.Index.String() + "]"
}
func (x *Deref) String() string     { return operand(x.Base, bindPrimary) + "->" + x.Field.String() }
func (x *DerefStar) String() string { return operand(x.Base, bindPrimary) + "->*" }
func (x *ArrayLit) String() string  { return "ARRAY[" + list(x.Elems) + "]" }
func (x *Subquery) String() string  { return "(" + x.Query.String() + ")" }
func (x *Exists) String() string    { return "EXISTS (" + x.Query.String() + ")" }

func (x *MapLit) String() string {
	entries := make([]string, len(x.Entries))
	for i, e := range x.Entries {
		entries[i] = e.Key.String() + " := " + e.Value.String()
	}
	return "MAP(" + strings.Join(entries, ", ") + ")"
}

func (x *StructLit) String() string {
	fields := make([]string, len(x.Fields))
	for i, f := range x.Fields {
		fields[i] = f.Name.String() + " := " + f.Value.String()
	}
	return "STRUCT(" + strings.Join(fields, ", ") + ")"
}
