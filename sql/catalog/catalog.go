// Package catalog holds what statements refer to: streams, tables, types, models, functions and queries.
//
// A Catalog is an immutable snapshot. A change makes a new one that shares the rest, so an analyzer, a running query
// and a SHOW statement each keep the state they began with, without locks.
package catalog

import (
	"maps"
	"slices"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// SourceKind is STREAM or TABLE.
type SourceKind string

// The kinds of source.
const (
	Stream SourceKind = "STREAM"
	Table  SourceKind = "TABLE"
)

// Source is a stream or table: a schema over a topic.
type Source struct {
	Name        string
	Kind        SourceKind
	Schema      types.Schema
	Topic       string
	Partitions  int32 // of the topic when the source was created
	Replicas    int16
	KeyFormat   plan.Format
	ValueFormat plan.Format
	Window      *plan.WindowInfo `json:",omitempty"`
	Timestamp   *plan.Timestamp  `json:",omitempty"`
	ReadOnly    bool             // CREATE SOURCE ...
	Statement   string           // the text that created it
	Query       string           // id of the CREATE ... AS query that writes it, or of a source table's own query; else ""
}

// Query is a persistent query.
type Query struct {
	ID        string
	Statement string
	Sources   []string // names it reads
	Sink      string   // name it writes; "" for a source table's query
	Plan      plan.Node
	Props     map[string]string
}

// Catalog is an immutable snapshot of all definitions. The zero value is empty and ready.
type Catalog struct {
	sources map[string]*Source
	types   map[string]*types.Type
	queries map[string]*Query
	models  map[string]*Model
	// functions are those that statements defined.
	functions map[string]*Function
}

// Source returns the stream or table with exactly this name.
func (c *Catalog) Source(name string) (*Source, bool) { s, ok := c.sources[name]; return s, ok }

// Type returns the custom type with this (upper-case) name.
func (c *Catalog) Type(name string) (*types.Type, bool) { t, ok := c.types[name]; return t, ok }

// Query returns the query with this id.
func (c *Catalog) Query(id string) (*Query, bool) { q, ok := c.queries[id]; return q, ok }

// Model returns the model with this name.
func (c *Catalog) Model(name string) (*Model, bool) { m, ok := c.models[name]; return m, ok }

// Sources returns all streams and tables by name.
func (c *Catalog) Sources() []*Source { return sorted(c.sources) }

// Queries returns all queries by id.
func (c *Catalog) Queries() []*Query { return sorted(c.queries) }

// Models returns all models by name.
func (c *Catalog) Models() []*Model { return sorted(c.models) }

// Types returns the names of the custom types in order.
func (c *Catalog) Types() []string { return slices.Sorted(maps.Keys(c.types)) }

// Writers returns the queries that write the source.
func (c *Catalog) Writers(source string) []*Query {
	return filter(c.Queries(), func(q *Query) bool { return q.Sink == source })
}

// Readers returns the queries that read the source.
func (c *Catalog) Readers(source string) []*Query {
	return filter(c.Queries(), func(q *Query) bool { return slices.Contains(q.Sources, source) })
}

// WithSource returns a catalog in which the source is added or replaced.
func (c *Catalog) WithSource(s *Source) *Catalog {
	n := *c
	n.sources = with(c.sources, s.Name, s)
	return &n
}

// WithoutSource returns a catalog without the source.
func (c *Catalog) WithoutSource(name string) *Catalog {
	n := *c
	n.sources = without(c.sources, name)
	return &n
}

// WithType returns a catalog in which the custom type is added or replaced.
func (c *Catalog) WithType(name string, t *types.Type) *Catalog {
	n := *c
	n.types = with(c.types, name, t)
	return &n
}

// WithoutType returns a catalog without the custom type.
func (c *Catalog) WithoutType(name string) *Catalog {
	n := *c
	n.types = without(c.types, name)
	return &n
}

// WithQuery returns a catalog in which the query is added or replaced.
func (c *Catalog) WithQuery(q *Query) *Catalog {
	n := *c
	n.queries = with(c.queries, q.ID, q)
	return &n
}

// WithoutQuery returns a catalog without the query.
func (c *Catalog) WithoutQuery(id string) *Catalog {
	n := *c
	n.queries = without(c.queries, id)
	return &n
}

// WithModel returns a catalog in which the model is added or replaced.
func (c *Catalog) WithModel(m *Model) *Catalog {
	n := *c
	n.models = with(c.models, m.Name, m)
	return &n
}

// WithoutModel returns a catalog without the model.
func (c *Catalog) WithoutModel(name string) *Catalog {
	n := *c
	n.models = without(c.models, name)
	return &n
}

func with[V any](m map[string]V, k string, v V) map[string]V {
	n := make(map[string]V, len(m)+1)
	maps.Copy(n, m)
	n[k] = v
	return n
}

func without[V any](m map[string]V, k string) map[string]V {
	n := maps.Clone(m)
	delete(n, k)
	return n
}

func sorted[V any](m map[string]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

func filter[V any](in []V, keep func(V) bool) []V {
	var out []V
	for _, v := range in {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}
