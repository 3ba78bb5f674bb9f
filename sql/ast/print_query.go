package ast

import "strings"

func (q *Query) String() string {
	return compose(func(p *printer) {
		if len(q.With) > 0 {
			p.words("WITH", list(q.With))
		}
		p.words(body(q.Body))
		if len(q.OrderBy) > 0 {
			p.words("ORDER BY", list(q.OrderBy))
		}
		if q.Emit != EmitNone {
			p.words("EMIT", string(q.Emit))
		}
		if q.Limit != nil {
			p.words("LIMIT", q.Limit.String())
		}
	})
}

// body puts a query that has clauses of its own into parentheses.
func body(b QueryBody) string {
	if q, ok := b.(*Query); ok {
		return "(" + q.String() + ")"
	}
	return b.String()
}

func (c *CTE) String() string {
	name := c.Name.String()
	if len(c.Columns) > 0 {
		name += " (" + list(c.Columns) + ")"
	}
	return name + " AS (" + c.Query.String() + ")"
}

func (s *SetOp) String() string {
	right := body(s.Right)
	if _, ok := s.Right.(*SetOp); ok {
		right = "(" + right + ")"
	}
	return body(s.Left) + " UNION " + when(s.All, "ALL ") + right
}

func (s *Select) String() string {
	return compose(func(p *printer) {
		p.words("SELECT", when(s.Distinct, "DISTINCT"), list(s.Items), "FROM", s.From.String())
		if s.Window != nil {
			p.words(s.Window.String())
		}
		if s.Where != nil {
			p.words("WHERE", s.Where.String())
		}
		if s.GroupBy != nil {
			p.words(s.GroupBy.String())
		}
		if len(s.PartitionBy) > 0 {
			p.words("PARTITION BY", keys(s.PartitionBy))
		}
		if s.Having != nil {
			p.words("HAVING", s.Having.String())
		}
	})
}

func (i *SelectItem) String() string {
	switch {
	case i.Star && i.Qualifier != nil:
		return i.Qualifier.String() + ".*"
	case i.Star:
		return "*"
	}
	return i.Expr.String() + alias(i.Alias)
}

func alias(name *Ident) string {
	if name == nil {
		return ""
	}
	return " AS " + name.String()
}

func (g *GroupBy) String() string {
	if g.Paren {
		return "GROUP BY (" + list(g.Exprs) + ")"
	}
	return "GROUP BY " + keys(g.Exprs)
}

// keys is a list of values; a condition among them stands in parentheses.
func keys(es []Expr) string {
	out := make([]string, len(es))
	for i, e := range es {
		out[i] = operand(e, bindConcat)
	}
	return strings.Join(out, ", ")
}

func (o *OrderItem) String() string { return o.Expr.String() + when(o.Desc, " DESC") }

func (t *TableRef) String() string    { return t.Name.String() + alias(t.Alias) }
func (s *SubqueryRef) String() string { return "(" + s.Query.String() + ")" + alias(s.Alias) }

func (t *TableFunctionRef) String() string {
	return t.Name.String() + "(" + list(t.Args) + ")" + alias(t.Alias)
}

func (j *Join) String() string {
	return compose(func(p *printer) {
		kind := string(j.Kind) + " JOIN"
		if j.Kind == FullJoin {
			kind = "FULL OUTER JOIN"
		}
		right := j.Right.String()
		if _, ok := j.Right.(*Join); ok {
			right = "(" + right + ")"
		}
		p.words(j.Left.String(), kind, right)
		if j.Within != nil {
			p.words(j.Within.String())
		}
		p.words("ON", j.On.String())
	})
}

func (w *Within) String() string {
	s := "WITHIN " + w.Before.String()
	if !Equal(w.Before, w.After) {
		s = "WITHIN (" + w.Before.String() + ", " + w.After.String() + ")"
	}
	if w.Grace != nil {
		s += " GRACE PERIOD " + w.Grace.String()
	}
	return s
}

func (w *Window) String() string {
	return compose(func(p *printer) {
		p.words("WINDOW")
		if w.Name != nil {
			p.words(w.Name.String())
		}
		size := "(SIZE "
		if w.Kind == Session {
			size = "("
		}
		p.words(string(w.Kind), size+w.Size.String())
		part := func(name string, d *Duration) {
			if d != nil {
				p.WriteString(", " + name + " " + d.String())
			}
		}
		part("ADVANCE BY", w.Advance)
		part("RETENTION", w.Retention)
		part("GRACE PERIOD", w.Grace)
		p.WriteByte(')')
	})
}
