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
			return fmt.Errorf("%s: missing input", nodeID(n))
		}
		if err := Check(in); err != nil {
			return err
		}
	}
	if err := checkShape(n); err != nil {
		return fmt.Errorf("%s: %w", nodeID(n), err)
	}
	var width int
	if in := n.Inputs(); len(in) > 0 {
		width = len(in[0].Columns())
	}
	for _, e := range Exprs(n) {
		if err := checkExpr(e, width); err != nil {
			return fmt.Errorf("%s: %w", nodeID(n), err)
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
	switch x := n.(type) {
	case *Project:
		if len(x.Items) != len(x.Out) {
			return fmt.Errorf("%d items for %d columns", len(x.Items), len(x.Out))
		}
	case *Result:
		for _, p := range x.Project {
			if p < 0 || p >= len(x.Input.Columns()) {
				return fmt.Errorf("position %d of %d columns", p, len(x.Input.Columns()))
			}
		}
	}
	return nil
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
