package ast

func (x *Call) String() string {
	s := x.Name.String() + "(" + when(x.Star, "*") + when(x.Distinct, "DISTINCT ") + list(x.Args) + ")"
	if x.Filter != nil {
		s += " FILTER (WHERE " + x.Filter.String() + ")"
	}
	if x.Over != nil {
		s += " OVER (" + x.Over.String() + ")"
	}
	return s
}

func (x *Lambda) String() string {
	if len(x.Params) == 1 {
		return x.Params[0].String() + " => " + x.Body.String()
	}
	return "(" + list(x.Params) + ") => " + x.Body.String()
}

func (w *WindowSpec) String() string {
	return compose(func(p *printer) {
		if len(w.PartitionBy) > 0 {
			p.words("PARTITION BY", list(w.PartitionBy))
		}
		if len(w.OrderBy) > 0 {
			p.words("ORDER BY", list(w.OrderBy))
		}
		if w.Frame != nil {
			p.words(w.Frame.String())
		}
	})
}

func (f *Frame) String() string {
	return string(f.Unit) + " BETWEEN " + f.Start.String() + " AND " + f.End.String()
}

func (b FrameBound) String() string {
	if b.Offset != nil {
		return b.Offset.String() + " " + string(b.Kind)
	}
	return string(b.Kind)
}
