package plan

import (
	"fmt"

	"github.com/millrace/millrace/sql/types"
)

// Check verifies what every plan must hold, whoever made it: expressions read columns that are there, projections and outputs
// agree, and roles come in order. A plan that passes can be printed and built without looking for these again.
func Check(n Node) error {
	for _, in := range n.Inputs() {
		if in == nil {
			return fmt.Errorf("%s: missing input", IDOf(n))
		}
		if err := Check(in); err != nil {
			return err
		}
	}
	if err := checkShape(n); err != nil {
		return fmt.Errorf("%s: %w", IDOf(n), err)
	}
	var width int
	if in := n.Inputs(); len(in) > 0 {
		width = len(in[0].Columns())
	}
	for _, e := range Exprs(n) {
		if err := checkExpr(e, width); err != nil {
			return fmt.Errorf("%s: %w", IDOf(n), err)
		}
	}
	return nil
}

func checkShape(n Node) error {
	for _, c := range n.Columns() {
		if c.Type == nil {
			return fmt.Errorf("column %s has no type", c.Name)
		}
		if int(c.Role) >= len(roleText) {
			return fmt.Errorf("column %s has role %d", c.Name, c.Role)
		}
	}
	if want, ok := width(n); ok && want != len(n.Columns()) {
		return fmt.Errorf("%d columns where %d are made", len(n.Columns()), want)
	}
	switch x := n.(type) {
	case *Join:
		if first := len(x.Out) - len(x.Left.Columns()) - len(x.Right.Columns()); first != 1 && first != 3 {
			return fmt.Errorf("%d columns of %d and %d", len(x.Out), len(x.Left.Columns()), len(x.Right.Columns()))
		}
	case *Result:
		if len(x.Out) != len(x.Project) {
			return fmt.Errorf("%d positions for %d columns", len(x.Project), len(x.Out))
		}
		for _, p := range x.Project {
			if p < 0 || p >= len(x.Input.Columns()) {
				return fmt.Errorf("position %d of %d columns", p, len(x.Input.Columns()))
			}
		}
	}
	return nil
}

// width is how many columns a node must have. A Source has those that are read, a Join has checks of its own.
func width(n Node) (int, bool) {
	switch x := n.(type) {
	case *Filter, *Repartition, *Sink:
		return len(n.Inputs()[0].Columns()), true
	case *Project:
		return len(x.Items), true
	case *FlatMap:
		return len(x.Input.Columns()) + len(x.Calls), true
	case *Rekey:
		return len(x.Keys) + len(x.Input.Columns()), true
	case *Aggregate:
		w := Keys(x.Input.Columns()) + len(x.Calls)
		if x.Window != nil {
			w += 2
		}
		return w, true
	case *ForeignKeyJoin:
		return Keys(x.Left.Columns()) + len(x.Left.Columns()) + len(x.Right.Columns()), true
	}
	return 0, false
}

func checkExpr(e Expr, width int) error {
	var err error
	WalkExpr(e, func(x Expr) bool {
		switch x := x.(type) {
		case *Column:
			if x.Index < 0 || x.Index >= width {
				err = fmt.Errorf("column %s at %d of %d", x.Name, x.Index, width)
			}
		case *MakeMap:
			if len(x.Keys) != len(x.Values) {
				err = fmt.Errorf("map of %d keys and %d values", len(x.Keys), len(x.Values))
			}
		case *MakeStruct:
			if x.T.Kind != types.KindStruct || len(x.T.Fields) != len(x.Items) {
				err = fmt.Errorf("struct of %d items as %s", len(x.Items), x.T)
			}
		case *Lambda:
			if len(x.Params) != len(x.Types) {
				err = fmt.Errorf("lambda of %d parameters and %d types", len(x.Params), len(x.Types))
			}
		}
		return err == nil
	})
	return err
}
