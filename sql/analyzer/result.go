package analyzer

import (
	"time"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// Result is the effect of a statement, still to be carried out: one of the types below.
type Result interface{ result() }

// Topic is what a statement needs of a topic: to exist, or to be created as told.
type Topic struct {
	Name       string
	Exists     bool
	Partitions int32
	Replicas   int16         // 0: the broker's default
	Cleanup    string        // delete, compact, or compact,delete
	Retention  time.Duration // 0: the broker's default
}

// CreateSource is CREATE STREAM or TABLE over a topic.
type CreateSource struct {
	Source    *catalog.Source
	Topic     Topic
	OrReplace bool
	// Plan materialises a CREATE SOURCE TABLE, else nil.
	Plan plan.Node
}

// CreateAs is CREATE STREAM or TABLE AS SELECT. The engine makes the query's id and puts it into Sink.Query.
type CreateAs struct {
	Sink      *catalog.Source
	Plan      plan.Node // its root is a plan.Sink
	Sources   []string  // names that the query reads, in the order of FROM
	Topic     Topic
	OrReplace bool
	Replaces  string   // id of the query that this one takes the place of, or ""; whether it can is for package topology to say
	At        ast.Span // of the name
}

// InsertInto is INSERT INTO ... SELECT.
type InsertInto struct {
	Sink    *catalog.Source
	Plan    plan.Node
	Sources []string
	QueryID string // as WITH (QUERY_ID = ...) says, or ""
}

// InsertValues is INSERT INTO ... VALUES. The expressions read no columns; their types are the columns' types.
type InsertValues struct {
	Target  *catalog.Source
	Values  []ColumnValue // one for each key and value column of the target in its order; NULL where none was given
	RowTime plan.Expr     // BIGINT, or nil for now
}

// ColumnValue is the value of a column.
type ColumnValue struct {
	Column types.Column
	Expr   plan.Expr
}

// Drop is DROP STREAM or TABLE.
type Drop struct {
	Source      *catalog.Source
	Query       string // id of the source's own query, which ends with it, or ""
	DeleteTopic bool
}

// Alter is ALTER STREAM or TABLE ADD COLUMN.
type Alter struct{ Source *catalog.Source }

// CreateType is CREATE TYPE.
type CreateType struct {
	Name string
	Type *types.Type
}

// DropType is DROP TYPE.
type DropType struct{ Name string }

// Nothing is a statement without effect: IF NOT EXISTS where it exists, IF EXISTS where it does not.
type Nothing struct{ Message string }

// PushQuery is a SELECT with EMIT. The root of Plan is a plan.Result.
type PushQuery struct {
	Plan    plan.Node
	Sources []string
}

// PullQuery is a SELECT without EMIT. Of a table it reads the state behind it; of a stream it reads the topic up to its present end.
type PullQuery struct {
	Source *catalog.Source
	// Query is the id of the query whose state holds a table's rows. Empty for a stream.
	Query string
	// Columns are what Filter and Items read: key columns, window bounds, values, headers, then ROWTIME.
	Columns []plan.OutColumn
	// Lookups say which rows can pass, all of them together; the Filter decides. None: all rows must be read.
	Lookups []Lookup
	Filter  plan.Expr // nil: all rows
	Items   []plan.Item
	Limit   *int64
	// Plan is the bounded scan of a stream, its root a plan.Result; nil for a table.
	Plan plan.Node
}

// Lookup is a set of rows by key and window.
type Lookup struct {
	// Key holds one constant a key column; nil: all keys, or those of Range.
	Key []plan.Expr
	// Range bounds a single key column.
	Range Range
	// Start and End bound WINDOWSTART and WINDOWEND.
	Start, End Range
}

// Range is a range of values. A nil bound is open; Inclusive ones belong to the range.
type Range struct {
	Low, High                   plan.Expr
	LowInclusive, HighInclusive bool
}

// Empty says whether the range bounds nothing.
func (r Range) Empty() bool { return r.Low == nil && r.High == nil }

func (*CreateSource) result() {}
func (*CreateAs) result()     {}
func (*InsertInto) result()   {}
func (*InsertValues) result() {}
func (*Drop) result()         {}
func (*Alter) result()        {}
func (*CreateType) result()   {}
func (*DropType) result()     {}
func (*Nothing) result()      {}
func (*PushQuery) result()    {}
func (*PullQuery) result()    {}
