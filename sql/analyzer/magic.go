package analyzer

import (
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/types"
)

// magicTime lets ROWTIME, WINDOWSTART and WINDOWEND be compared with text: a string literal beside one of them is read as a timestamp,
// possibly a part of one ('2024', '2024-05-01T10'), and becomes milliseconds. Anything else is returned as it is.
func magicTime(beside, e ast.Expr) ast.Expr {
	r, ok := beside.(*ast.ColumnRef)
	l, isText := e.(*ast.StringLit)
	if !ok || !isText || r.Name.Name != "ROWTIME" && r.Name.Name != windowStart && r.Name.Name != windowEnd {
		return e
	}
	ms, err := types.ParseTimestamp(l.Value)
	if err != nil && strings.Contains(l.Value, "T24") { // the end of a day
		ms, err = types.ParseTimestamp(strings.Replace(l.Value, "T24", "T00", 1))
		ms += day.Milliseconds()
	}
	if err != nil {
		return e // the comparison of BIGINT and STRING is refused, at the right place
	}
	return &ast.IntLit{Loc: l.Loc, Value: ms}
}
