package ast

// SourceKind says whether a source is a stream or a table.
type SourceKind string

// The kinds of sources.
const (
	Stream SourceKind = "STREAM"
	Table  SourceKind = "TABLE"
)

// Constraint is what stands behind the type of an Element.
type Constraint string

// The constraints.
const (
	NoConstraint Constraint = ""
	Key          Constraint = "KEY"
	PrimaryKey   Constraint = "PRIMARY KEY"
	Headers      Constraint = "HEADERS" // all headers of the record
	Header       Constraint = "HEADER"  // the last header with the key HeaderKey
)

// Element is one declared column.
type Element struct {
	Loc
	Name       Ident
	Type       *TypeName
	Constraint Constraint
	HeaderKey  string // with Header only
}

// Properties is a WITH (...) clause, in the order written; names may repeat.
type Properties struct {
	Loc
	Items []*Property
}

// Property is one Name = Value. A name written as a string counts as quoted.
type Property struct {
	Loc
	Name  Ident
	Value Expr // StringLit, IntLit, DecimalLit, DoubleLit, BoolLit or NullLit
}

// CreateSource is CREATE [OR REPLACE] [SOURCE] STREAM|TABLE [IF NOT EXISTS] name [(elements)] [WITH (...)].
type CreateSource struct {
	Loc
	Kind        SourceKind
	OrReplace   bool
	ReadOnly    bool // CREATE SOURCE STREAM|TABLE
	IfNotExists bool
	Name        Ident
	Elements    []*Element  // nil if they are to be inferred
	With        *Properties // nil if there is none
}

// CreateAs is CREATE [OR REPLACE] STREAM|TABLE [IF NOT EXISTS] name [WITH (...)] AS query.
type CreateAs struct {
	Loc
	Kind        SourceKind
	OrReplace   bool
	IfNotExists bool
	Name        Ident
	With        *Properties // nil if there is none
	Query       *Query
}

// DropSource is DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC].
type DropSource struct {
	Loc
	Kind        SourceKind
	IfExists    bool
	Name        Ident
	DeleteTopic bool
}

// AlterSource is ALTER STREAM|TABLE name ADD [COLUMN] column type, ...
type AlterSource struct {
	Loc
	Kind SourceKind
	Name Ident
	Add  []*Element
}

// CreateType is CREATE TYPE [IF NOT EXISTS] name AS type.
type CreateType struct {
	Loc
	IfNotExists bool
	Name        Ident
	Type        *TypeName
}

// DropType is DROP TYPE [IF EXISTS] name.
type DropType struct {
	Loc
	IfExists bool
	Name     Ident
}

// ConnectorKind is the direction of a connector.
type ConnectorKind string

// The kinds of connectors; AnyConnector stands in ShowConnectors only.
const (
	AnyConnector    ConnectorKind = ""
	SourceConnector ConnectorKind = "SOURCE"
	SinkConnector   ConnectorKind = "SINK"
)

// CreateConnector is CREATE SOURCE|SINK CONNECTOR [IF NOT EXISTS] name WITH (...).
type CreateConnector struct {
	Loc
	Kind        ConnectorKind
	IfNotExists bool
	Name        Ident
	With        *Properties
}

// DropConnector is DROP CONNECTOR [IF EXISTS] name.
type DropConnector struct {
	Loc
	IfExists bool
	Name     Ident
}

func (*CreateSource) stmt()    {}
func (*CreateAs) stmt()        {}
func (*DropSource) stmt()      {}
func (*AlterSource) stmt()     {}
func (*CreateType) stmt()      {}
func (*DropType) stmt()        {}
func (*CreateConnector) stmt() {}
func (*DropConnector) stmt()   {}
