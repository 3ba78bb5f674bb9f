package avro

import (
	"strings"

	"github.com/millrace/millrace/engine/format/connect"
)

var connectKinds = [union + 1]connect.Kind{
	boolean: connect.Boolean, integer: connect.Int32, long: connect.Int64, float: connect.Float32, double: connect.Float64,
	binary: connect.Bytes, text: connect.String, fixed: connect.Bytes, enum: connect.String,
}

// Connect is the schema in Connect's model. A type within itself is cut off where connect.Columns would.
func (s *Schema) Connect() *connect.Schema {
	left := maxExpanded
	return s.connect(0, &left)
}

// maxExpanded bounds the tree that a graph of named types unfolds to.
const maxExpanded = 1 << 16

func (s *Schema) connect(depth int, left *int) *connect.Schema {
	c := &connect.Schema{Kind: connectKinds[s.kind], Logical: s.logical, Precision: s.precision, Scale: s.scale}
	if *left--; *left < 0 || depth > connect.MaxDepth {
		return &connect.Schema{}
	}
	switch s.kind {
	case entries:
		if !s.isMap {
			c.Kind, c.Elem = connect.Array, s.items.connect(depth+1, left)
			break
		}
		c.Kind, c.Key, c.Elem = connect.Map, s.items.fields[0].schema.connect(depth+1, left), s.items.fields[1].schema.connect(depth+1, left)
	case array:
		c.Kind, c.Elem = connect.Array, s.items.connect(depth+1, left)
	case mapping:
		c.Kind, c.Key, c.Elem = connect.Map, &connect.Schema{Kind: connect.String}, s.items.connect(depth+1, left)
	case record:
		if s.within(s, map[*Schema]bool{}) {
			return &connect.Schema{} // Connect, too, has no columns for a record within itself
		}
		c.Kind = connect.Struct
		for _, f := range s.fields {
			c.Fields = append(c.Fields, connect.Field{Name: f.name, Schema: f.schema.connect(depth+1, left)})
		}
	case union:
		return s.connectUnion(depth, left)
	}
	return c
}

// connectUnion: a union with null is the other type, another one a record with a field a branch.
func (s *Schema) connectUnion(depth int, left *int) *connect.Schema {
	rest := s.values()
	switch len(rest) {
	case 0:
		return &connect.Schema{}
	case 1:
		return rest[0].connect(depth+1, left)
	}
	c := &connect.Schema{Kind: connect.Struct}
	for _, b := range rest {
		c.Fields = append(c.Fields, connect.Field{Name: b.branchName(), Schema: b.connect(depth+1, left)})
	}
	return c
}

// values are a union's branches but null.
func (s *Schema) values() []*Schema {
	var out []*Schema
	for _, b := range s.branches {
		if b.kind != null {
			out = append(out, b)
		}
	}
	return out
}

var branchNames = [...]string{
	null: "null", boolean: "boolean", integer: "int", long: "long", float: "float", double: "double", binary: "bytes", text: "string", array: "array",
	entries: "array", mapping: "map", record: "record", fixed: "fixed", enum: "enum", union: "union",
}

// branchName is the name of the field that stands for a branch of a union.
func (s *Schema) branchName() string {
	if s.name != "" {
		return s.name[strings.LastIndexByte(s.name, '.')+1:]
	}
	return branchNames[s.kind]
}

// within says whether target is a part of s.
func (s *Schema) within(target *Schema, seen map[*Schema]bool) bool {
	if seen[s] {
		return false
	}
	seen[s] = true
	parts := s.branches
	if s.items != nil {
		parts = append(parts[:len(parts):len(parts)], s.items)
	}
	for _, f := range s.fields {
		parts = append(parts[:len(parts):len(parts)], f.schema)
	}
	for _, p := range parts {
		if p == target || p.within(target, seen) {
			return true
		}
	}
	return false
}
