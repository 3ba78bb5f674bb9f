package plan

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/types"
)

// The text form follows ksqlDB's: binary operations stand in parentheses, NULL is `null`, and names are quoted only where
// they would not read back.

func (e *Column) String() string { return name(e.Name) }

func (e *Literal) String() string { return FormatLiteral(e.Value, e.T) }

func (e *Arithmetic) String() string { return binary(e.Left, e.Op, e.Right) }

func (e *Negate) String() string { return "-" + e.Expr.String() }

func (e *Comparison) String() string { return binary(e.Left, strings.ToUpper(e.Op), e.Right) }

func (e *And) String() string { return binary(e.Left, "AND", e.Right) }

func (e *Or) String() string { return binary(e.Left, "OR", e.Right) }

func (e *Not) String() string {
	if n, ok := e.Expr.(*IsNull); ok {
		return "(" + n.Expr.String() + " IS NOT NULL)"
	}
	return "(NOT " + e.Expr.String() + ")"
}

func (e *IsNull) String() string { return "(" + e.Expr.String() + " IS NULL)" }

func (e *In) String() string { return "(" + e.Expr.String() + " IN (" + join(e.List) + "))" }

func (e *Like) String() string {
	s := "(" + e.Expr.String() + " LIKE " + e.Pattern.String()
	if e.Escape != 0 {
		s += " ESCAPE " + quote(string(e.Escape))
	}
	return s + ")"
}

func (e *Case) String() string {
	var b strings.Builder
	b.WriteString("(CASE")
	for _, w := range e.Whens {
		b.WriteString(" WHEN " + w.Cond.String() + " THEN " + w.Then.String())
	}
	if e.Else != nil {
		b.WriteString(" ELSE " + e.Else.String())
	}
	return b.String() + " END)"
}

func (e *Cast) String() string { return "CAST(" + e.Expr.String() + " AS " + e.T.String() + ")" }

func (e *Subscript) String() string { return e.Base.String() + "[" + e.Index.String() + "]" }

func (e *Field) String() string { return e.Base.String() + "->" + name(e.Name) }

func (e *MakeArray) String() string { return "ARRAY[" + join(e.Items) + "]" }

func (e *MakeMap) String() string {
	parts := make([]string, len(e.Keys))
	for i, k := range e.Keys {
		parts[i] = k.String() + ":=" + e.Values[i].String()
	}
	return "MAP(" + strings.Join(parts, ", ") + ")"
}

func (e *MakeStruct) String() string {
	parts := make([]string, len(e.Items))
	for i, v := range e.Items {
		parts[i] = name(e.T.Fields[i].Name) + ":=" + v.String()
	}
	return "STRUCT(" + strings.Join(parts, ", ") + ")"
}

func (e *Lambda) String() string {
	names := make([]string, len(e.Params))
	for i, p := range e.Params {
		names[i] = name(p)
	}
	if len(names) == 1 {
		return names[0] + " => " + e.Body.String()
	}
	return "(" + strings.Join(names, ", ") + ") => " + e.Body.String()
}

func (e *LambdaParam) String() string { return name(e.Name) }

func (e *Call) String() string { return e.Name + "(" + join(e.Args) + ")" }

func (e *Predict) String() string {
	m := e.Model
	if e.Version > 0 {
		m += "@" + strconv.Itoa(e.Version)
	}
	if len(e.Args) == 0 {
		return "PREDICT(" + m + ")"
	}
	return "PREDICT(" + m + ", " + join(e.Args) + ")"
}

func (e *ModelVersion) String() string { return "MODEL_VERSION(" + e.Model + ")" }

// String prints a call of an aggregate with its constant parameters.
func (c *AggregateCall) String() string {
	s := c.Name + "(" + join(c.Args)
	for i := range c.Init {
		if i > 0 || len(c.Args) > 0 {
			s += ", "
		}
		s += c.Init[i].String()
	}
	return s + ")"
}

// String prints a call of a table function.
func (c *TableCall) String() string { return c.Name + "(" + join(c.Args) + ")" }

// FormatLiteral prints a boxed value of the type as a SQL literal or, where there is none, as the constructor's text.
func FormatLiteral(v any, t *types.Type) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(x)
	case string:
		if t.Kind == types.KindIntervalUnit {
			return x
		}
		return quote(x)
	case []byte:
		return "0x" + hex.EncodeToString(x)
	case float64:
		return strconv.FormatFloat(x, 'E', -1, 64)
	case types.Map:
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = FormatLiteral(e.Key, t.Key) + ":=" + FormatLiteral(e.Value, t.Elem)
		}
		return "MAP(" + strings.Join(parts, ", ") + ")"
	case []any:
		return formatNested(x, t)
	}
	return fmt.Sprint(v)
}

func formatNested(items []any, t *types.Type) string {
	parts := make([]string, len(items))
	if t.Kind == types.KindStruct {
		for i, v := range items {
			parts[i] = name(t.Fields[i].Name) + ":=" + FormatLiteral(v, t.Fields[i].Type)
		}
		return "STRUCT(" + strings.Join(parts, ", ") + ")"
	}
	for i, v := range items {
		parts[i] = FormatLiteral(v, t.Elem)
	}
	return "ARRAY[" + strings.Join(parts, ", ") + "]"
}

func binary(l Expr, op string, r Expr) string {
	return "(" + l.String() + " " + op + " " + r.String() + ")"
}

func join(list []Expr) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = e.String()
	}
	return strings.Join(parts, ", ")
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// name prints an identifier, quoted where it holds anything but upper-case letters, digits and underscores.
func name(s string) string {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return types.QuoteName(s)
		}
	}
	if s == "" {
		return "``"
	}
	return s
}
