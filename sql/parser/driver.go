package parser

import (
	"errors"
	"io"

	tidb "github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/format"
)

// TiDB's parser makes value nodes through hooks, and crashes if they are not set. Literals never reach it from here:
// tokens stand in for them. The value below is therefore only what conversion refuses should one appear all the same.

var errNoValue = errors.New("values do not reach the grammar")

type value struct {
	tidb.TexprNode
	projection int
}

func (*value) SetValue(any)                     {}
func (*value) GetValue() any                    { return nil }
func (*value) GetDatumString() string           { return "" }
func (*value) GetString() string                { return "" }
func (v *value) GetProjectionOffset() int       { return v.projection }
func (v *value) SetProjectionOffset(offset int) { v.projection = offset }
func (*value) Format(io.Writer)                 {}
func (*value) Restore(*format.RestoreCtx) error { return errNoValue }
func (*value) SetOrder(int)                     {}
func (v *value) Accept(visitor tidb.Visitor) (tidb.Node, bool) {
	node, _ := visitor.Enter(v)
	return visitor.Leave(node)
}

func init() {
	tidb.NewValueExpr = func(any, string, string) tidb.ValueExpr { return &value{} }
	tidb.NewParamMarkerExpr = func(int) tidb.ParamMarkerExpr { return &value{} }
	tidb.NewDecimal = func(string) (any, error) { return nil, errNoValue }
	tidb.NewHexLiteral = func(string) (any, error) { return nil, errNoValue }
	tidb.NewBitLiteral = func(string) (any, error) { return nil, errNoValue }
}
