// Package plan holds logical plans: what the analyzer makes of a statement, what the optimizer rewrites, what is
// stored in the command log, and what engine/topology turns into operators.
//
// A plan is a tree of nodes; data flows from the leaves (Source) to the root (Sink, or Result for a query that answers
// a client). Every node lists its output columns; expressions of a node refer to columns of its input by position. Rows
// carry, besides columns, a timestamp and an Op (see sql/vector), so ROWTIME is a column only where it is read.
//
// Nodes and expressions are plain data and immutable once built: rewriting makes new ones.
package plan

import (
	"maps"
	"time"

	"github.com/millrace/millrace/sql/types"
)

// Role tells what a column of a node's output is.
type Role uint8

// The roles. Key columns come first in every node, then the window bounds of a windowed result, then the rest.
const (
	Value Role = iota
	Key
	WindowBound // WINDOWSTART then WINDOWEND, both BIGINT; part of a windowed key
	HeaderValue // a HEADER column of a source; a Value behind the first Project
	Pseudo      // ROWTIME, ROWPARTITION, ROWOFFSET as read from a source
)

// OutColumn is one output column of a node.
type OutColumn struct {
	Name string
	Type *types.Type
	Role Role
}

// Node is an operator of a plan.
type Node interface {
	// Columns are the node's output columns. Do not modify.
	Columns() []OutColumn
	// Inputs are the nodes it reads, left first.
	Inputs() []Node
	// IsTable says whether the output is a changelog of a table (rows replace each other by key) or a stream.
	IsTable() bool
	node()
}

// Format names a serialization format with its properties (delimiter, schema names, wrapping).
type Format struct {
	Name  string            // JSON, DELIMITED, KAFKA, NONE, AVRO, PROTOBUF, PROTOBUF_NOSR, JSON_SR
	Props map[string]string `json:",omitempty"` // DELIMITER=..., FULL_SCHEMA_NAME=..., SCHEMA_ID=..., NULLABLE=...
	// Wrap says how a single column is written: in a record of one field (true) or bare (false). Nil: the
	// format's only way, or several columns.
	Wrap *bool `json:",omitempty"`
}

// Same says that what is written in one format is read by the other, whichever version of a schema the statement named: a registry keeps
// those compatible.
func (f Format) Same(g Format) bool {
	bare := func(f Format) bool { return f.Wrap != nil && !*f.Wrap }
	rest := func(f Format) map[string]string {
		props := maps.Clone(f.Props)
		delete(props, "SCHEMA_ID")
		return props
	}
	return f.Name == g.Name && bare(f) == bare(g) && maps.Equal(rest(f), rest(g))
}

// WindowKind is the kind of a window.
type WindowKind string

// The window kinds.
const (
	Tumbling WindowKind = "TUMBLING"
	Hopping  WindowKind = "HOPPING"
	Session  WindowKind = "SESSION"
)

// WindowInfo describes the windowed key of a source or sink. Size is 0 for SESSION.
type WindowInfo struct {
	Kind WindowKind
	Size time.Duration
}

// Window is the window of an aggregate. Size is the gap of a SESSION window.
type Window struct {
	Kind                            WindowKind
	Size, Advance, Grace, Retention time.Duration
}

// Timestamp names the column that carries event time; Format is a Java date pattern for STRING columns.
type Timestamp struct {
	Column string
	Format string `json:",omitempty"`
}

// Base is what every operator has in common. ID is stable: kind and ordinal ("aggregate-1"), so that stores and internal
// topics keep their names when a statement is replaced.
type Base struct {
	ID  string
	Out []OutColumn
}

// Columns implements Node.
func (b *Base) Columns() []OutColumn { return b.Out }

// Source reads a topic as a stream or table. Out: key columns, window bounds, value columns, header columns, then
// the pseudo columns that the query reads. Optimizer: columns that nobody reads are dropped from Out, except keys.
type Source struct {
	Base
	Name, Alias  string
	Table        bool
	Topic        string
	Schema       types.Schema // as declared: what the record's bytes hold
	KeyFormat    Format
	ValueFormat  Format
	Window       *WindowInfo `json:",omitempty"`
	Timestamp    *Timestamp  `json:",omitempty"`
	Materialized bool        // a table whose rows are stored (joins, filters, aggregates over it; CREATE SOURCE TABLE)
}

// Filter keeps rows whose Predicate is true. Over a table (WHERE or HAVING) a row that stops passing becomes a delete.
type Filter struct {
	Base
	Input     Node
	Predicate Expr
}

// Item is one projected expression.
type Item struct {
	Name string
	Role Role
	Expr Expr
}

// Project computes Items; Out follows them.
type Project struct {
	Base
	Input Node
	Items []Item
}

// FlatMap applies table functions: one output row per element, shorter results padded with NULL.
// Out: the input's columns, then one column a call.
type FlatMap struct {
	Base
	Input Node
	Calls []TableCall
}

// TableCall calls a table function; T is the element type it yields.
type TableCall struct {
	Name   string
	Params []*types.Type
	Args   []Expr
	T      *types.Type
}

// Rekey is PARTITION BY: the input's key columns become values and Keys the new key (none: a stream without key). Out: the new
// key columns, then all of the input's columns as values.
type Rekey struct {
	Base
	Input Node
	Keys  []Item
}

// Repartition passes rows through an internal topic so that rows of one key meet in one task. The key columns of the input are
// the key. A table's changes travel as (old, new) pairs.
type Repartition struct {
	Base
	Input       Node
	KeyFormat   Format
	ValueFormat Format
}

// AggregateCall calls an aggregate function over the rows of a group. Args are evaluated on the input; Init are its constant
// parameters (the k of TOPK).
type AggregateCall struct {
	Name   string
	Params []*types.Type
	Args   []Expr
	Init   []Literal
	T      *types.Type
}

// Aggregate groups by the input's key columns (and window) and keeps one row a group. Out: the key columns, the window bounds
// if windowed, then one column a call. Final: EMIT FINAL.
type Aggregate struct {
	Base
	Input  Node
	Calls  []AggregateCall
	Window *Window `json:",omitempty"`
	Final  bool
}

// JoinKind says which side's rows survive without a match.
type JoinKind string

// The join kinds.
const (
	Inner JoinKind = "INNER"
	Left  JoinKind = "LEFT"
	Right JoinKind = "RIGHT"
	Full  JoinKind = "FULL"
)

// Within bounds a stream-stream join in time. Grace nil: eager, ksqlDB's old semantics.
type Within struct {
	Before, After time.Duration
	Grace         *time.Duration `json:",omitempty"`
}

// Join joins two inputs on their keys: the sides of ON were made the key columns of the inputs by Project and
// Repartition nodes where they were not. stream-stream if Within is set, otherwise stream-table (left a stream) or table-table.
// Out: the key column (and the window bounds, if the inputs have windowed keys), then all columns of Left, then all of
// Right, as values.
type Join struct {
	Base
	Kind        JoinKind
	Left, Right Node
	Within      *Within `json:",omitempty"`
}

// ForeignKeyJoin joins two tables where ForeignKey, over Left's columns, names the key of Right. Out: Left's key columns,
// then all columns of Left, then all of Right, as values.
type ForeignKeyJoin struct {
	Base
	Kind        JoinKind
	Left, Right Node
	ForeignKey  Expr
}

// Sink writes the input to a topic. Key and WindowBound columns make the record key.
type Sink struct {
	Base
	Input       Node
	Name        string // of the stream or table
	Table       bool
	Topic       string
	KeyFormat   Format
	ValueFormat Format
	Window      *WindowInfo `json:",omitempty"`
	Timestamp   *Timestamp  `json:",omitempty"`
}

// Result answers a client: a push query's rows. Out is the projection in the order of the statement (Input has keys first).
type Result struct {
	Base
	Input   Node
	Project []int  // positions in Input
	Limit   *int64 `json:",omitempty"`
}

// Inputs implements Node.
func (n *Source) Inputs() []Node         { return nil }
func (n *Filter) Inputs() []Node         { return []Node{n.Input} }
func (n *Project) Inputs() []Node        { return []Node{n.Input} }
func (n *FlatMap) Inputs() []Node        { return []Node{n.Input} }
func (n *Rekey) Inputs() []Node          { return []Node{n.Input} }
func (n *Repartition) Inputs() []Node    { return []Node{n.Input} }
func (n *Aggregate) Inputs() []Node      { return []Node{n.Input} }
func (n *Join) Inputs() []Node           { return []Node{n.Left, n.Right} }
func (n *ForeignKeyJoin) Inputs() []Node { return []Node{n.Left, n.Right} }
func (n *Sink) Inputs() []Node           { return []Node{n.Input} }
func (n *Result) Inputs() []Node         { return []Node{n.Input} }

// IsTable implements Node.
func (n *Source) IsTable() bool         { return n.Table }
func (n *Filter) IsTable() bool         { return n.Input.IsTable() }
func (n *Project) IsTable() bool        { return n.Input.IsTable() }
func (n *FlatMap) IsTable() bool        { return false }
func (n *Rekey) IsTable() bool          { return false }
func (n *Repartition) IsTable() bool    { return n.Input.IsTable() }
func (n *Aggregate) IsTable() bool      { return true }
func (n *Join) IsTable() bool           { return n.Left.IsTable() && n.Right.IsTable() }
func (n *ForeignKeyJoin) IsTable() bool { return true }
func (n *Sink) IsTable() bool           { return n.Table }
func (n *Result) IsTable() bool         { return n.Input.IsTable() }

func (*Source) node()         {}
func (*Filter) node()         {}
func (*Project) node()        {}
func (*FlatMap) node()        {}
func (*Rekey) node()          {}
func (*Repartition) node()    {}
func (*Aggregate) node()      {}
func (*Join) node()           {}
func (*ForeignKeyJoin) node() {}
func (*Sink) node()           {}
func (*Result) node()         {}
