package ast

// Inspect calls f for n and, where f returns true, for all below it, from left to right. It visits statements,
// queries and their parts, relations and expressions; names, types and properties are fields of these.
func Inspect(n Node, f func(Node) bool) {
	if !f(n) {
		return
	}
	children(n, func(c Node) { Inspect(c, f) })
}

func children(n Node, f func(Node)) {
	switch x := n.(type) {
	case Statement:
		statementChildren(x, f)
	case Expr:
		exprChildren(x, f)
	case *Query:
		each(x.With, f)
		f(x.Body)
		each(x.OrderBy, f)
	case *CTE:
		f(x.Query)
	case *SetOp:
		f(x.Left)
		f(x.Right)
	case *Select:
		selectChildren(x, f)
	case *SelectItem:
		some(x.Expr, f)
	case *GroupBy:
		each(x.Exprs, f)
	case *OrderItem:
		f(x.Expr)
	case *Join:
		f(x.Left)
		f(x.Right)
		f(x.On)
	case *SubqueryRef:
		f(x.Query)
	case *TableFunctionRef:
		each(x.Args, f)
	case *WindowSpec:
		each(x.PartitionBy, f)
		each(x.OrderBy, f)
		if x.Frame != nil {
			some(x.Frame.Start.Offset, f)
			some(x.Frame.End.Offset, f)
		}
	}
}

func each[T Node](items []T, f func(Node)) {
	for _, n := range items {
		f(n)
	}
}

func some(e Expr, f func(Node)) {
	if e != nil {
		f(e)
	}
}

func statementChildren(s Statement, f func(Node)) {
	switch x := s.(type) {
	case *QueryStmt:
		f(x.Query)
	case *CreateAs:
		f(x.Query)
	case *InsertSelect:
		f(x.Query)
	case *InsertValues:
		each(x.Values, f)
	case *AssertValues:
		each(x.Values, f)
	case *AssertTombstone:
		each(x.Values, f)
	case *Explain:
		if x.Statement != nil {
			f(x.Statement)
		}
	}
}

func selectChildren(s *Select, f func(Node)) {
	each(s.Items, f)
	f(s.From)
	some(s.Where, f)
	if s.GroupBy != nil {
		f(s.GroupBy)
	}
	each(s.PartitionBy, f)
	some(s.Having, f)
}

func exprChildren(e Expr, f func(Node)) {
	switch x := e.(type) {
	case *Unary:
		f(x.Expr)
	case *Binary:
		f(x.Left)
		f(x.Right)
	case *Comparison:
		f(x.Left)
		f(x.Right)
	case *Logical:
		f(x.Left)
		f(x.Right)
	case *Not:
		f(x.Expr)
	case *IsNull:
		f(x.Expr)
	case *Between:
		f(x.Expr)
		f(x.Low)
		f(x.High)
	case *In:
		f(x.Expr)
		each(x.List, f)
		if x.Query != nil {
			f(x.Query)
		}
	case *Like:
		f(x.Expr)
		f(x.Pattern)
	case *Subquery:
		f(x.Query)
	case *Exists:
		f(x.Query)
	default:
		primaryChildren(e, f)
	}
}

func primaryChildren(e Expr, f func(Node)) {
	switch x := e.(type) {
	case *Case:
		some(x.Operand, f)
		for _, w := range x.Whens {
			f(w.Cond)
			f(w.Result)
		}
		some(x.Else, f)
	case *Cast:
		f(x.Expr)
	case *Subscript:
		f(x.Base)
		f(x.Index)
	case *Deref:
		f(x.Base)
	case *DerefStar:
		f(x.Base)
	case *ArrayLit:
		each(x.Elems, f)
	case *MapLit:
		for _, m := range x.Entries {
			f(m.Key)
			f(m.Value)
		}
	case *StructLit:
		for _, m := range x.Fields {
			f(m.Value)
		}
	case *Call:
		each(x.Args, f)
		some(x.Filter, f)
		if x.Over != nil {
			f(x.Over)
		}
	case *Lambda:
		f(x.Body)
	}
}
