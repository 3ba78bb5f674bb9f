package types

import "strings"

// Role tells where a column of a stream or table lives in its records.
type Role uint8

// The roles. A windowed source's bounds and the pseudo columns are not part of a declared schema.
const (
	RoleValue Role = iota
	RoleKey
	RoleHeader
)

// Column is one column of a Schema.
type Column struct {
	Name string
	Type *Type
	Role Role
	// HeaderKey names the header a BYTES HEADER('k') column reads; empty for HEADERS, which reads all.
	HeaderKey string `json:",omitempty"`
}

// Schema is a list of columns in declared order. It is immutable.
type Schema struct {
	Columns []Column
}

// With returns the columns that have the role, in order.
func (s Schema) With(role Role) []Column {
	var out []Column
	for _, c := range s.Columns {
		if c.Role == role {
			out = append(out, c)
		}
	}
	return out
}

// Keys returns the key columns in order.
func (s Schema) Keys() []Column { return s.With(RoleKey) }

// Values returns the value columns in order.
func (s Schema) Values() []Column { return s.With(RoleValue) }

// Find returns the position of the column with exactly this name, or -1.
func (s Schema) Find(name string) int {
	for i := range s.Columns {
		if s.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// String gives ksqlDB's form: `ID` BIGINT KEY, `V` STRING.
func (s Schema) String() string {
	var b strings.Builder
	for i, c := range s.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(QuoteName(c.Name) + " " + c.Type.String())
		switch {
		case c.Role == RoleKey:
			b.WriteString(" KEY")
		case c.Role == RoleHeader && c.HeaderKey != "":
			b.WriteString(" HEADER('" + c.HeaderKey + "')")
		case c.Role == RoleHeader:
			b.WriteString(" HEADERS")
		}
	}
	return b.String()
}

// QuoteName back-quotes an identifier.
func QuoteName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
