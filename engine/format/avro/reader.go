package avro

import (
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Column is a column that is wanted: dest[Target] takes it.
type Column struct {
	Name   string
	Type   *types.Type
	Target int
}

// Reader decodes records of one schema into columns.
type Reader struct {
	bare   *node // the value is the only column
	column int
	fields []node
	take   []int // dest of each field, -1: skipped
	absent []int // columns that the schema has no field for
	depth  int
}

// NewReader compiles a reader of what was written with the schema. Bare says that the value stands for the one column. A column
// that the schema's field of its name cannot become is an error; one without a field is NULL. Depth bounds nesting.
func NewReader(s *Schema, cols []Column, bare bool, depth int) (*Reader, error) {
	r := &Reader{depth: depth, column: -1}
	c := compiler{skips: map[*Schema]*node{}}
	if bare {
		var t *types.Type
		if len(cols) == 1 {
			t, r.column = cols[0].Type, cols[0].Target
		}
		var err error
		r.bare, err = c.compile(s, t)
		return r, err
	}
	if inner, _, ok := s.nullable(); ok && inner.kind == record {
		return nil, errors.New("a nullable record cannot be the root of columns")
	}
	if s.kind != record {
		return nil, connect.ErrAnonymous
	}
	names := make([]string, len(cols))
	for i := range cols {
		names[i] = fieldName(cols[i].Name)
	}
	used := make([]bool, len(cols))
	for i, at := range connect.Match(s.fieldNames(), names) {
		var t *types.Type
		dest := -1
		if at >= 0 {
			t, dest, used[at] = cols[at].Type, cols[at].Target, true
		}
		n, err := c.compile(s.fields[i].schema, t)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", types.QuoteName(cols[at].Name), err)
		}
		r.fields, r.take = append(r.fields, *n), append(r.take, dest)
	}
	for i, u := range used {
		if !u {
			r.absent = append(r.absent, cols[i].Target)
		}
	}
	return r, nil
}

func (s *Schema) fieldNames() []string {
	names := make([]string, len(s.fields))
	for i := range s.fields {
		names[i] = s.fields[i].name
	}
	return names
}

// node decodes a value of a schema into one of an SQL type.
type node struct {
	kind    kind
	target  *types.Type // nil: skip it
	schema  *Schema
	nullAt  int // union of null and parts[0]; -1 otherwise
	symbols [][]byte
	parts   []*node // items; fields; branches
	take    []int   // record: the field of the STRUCT that a part becomes, -1: none. union: likewise of a branch
	wrong   error   // a branch that the column cannot take
}

type compiler struct{ skips map[*Schema]*node }

func (c *compiler) compile(s *Schema, t *types.Type) (*node, error) {
	if t == nil {
		if n, ok := c.skips[s]; ok {
			return n, nil
		}
	}
	n := &node{kind: s.kind, target: t, schema: s, nullAt: -1}
	if t == nil {
		c.skips[s] = n
	}
	switch s.kind {
	case null:
		return n, nil
	case union:
		return n, c.union(n)
	case record:
		return n, c.record(n)
	case array, entries, mapping:
		return n, c.collection(n)
	case enum:
		for _, symbol := range s.symbols {
			n.symbols = append(n.symbols, []byte(symbol))
		}
	}
	if t == nil {
		return n, nil
	}
	return n, connect.Accepts(t, &connect.Schema{Kind: connectKinds[s.kind], Logical: s.logical})
}

func (c *compiler) part(n *node, s *Schema, t *types.Type) error {
	p, err := c.compile(s, t)
	n.parts = append(n.parts, p)
	return err
}

func (c *compiler) collection(n *node) error {
	t, s := n.target, n.schema
	switch {
	case t == nil:
		return c.part(n, s.items, nil)
	case t.Kind == types.KindArray && s.kind != mapping:
		n.kind = array
		return c.part(n, s.items, t.Elem)
	case t.Kind == types.KindMap && s.kind == mapping:
		return c.part(n, s.items, t.Elem)
	case t.Kind == types.KindMap && s.kind == entries:
		if err := c.part(n, s.items.fields[0].schema, t.Key); err != nil {
			return err
		}
		return c.part(n, s.items.fields[1].schema, t.Elem)
	}
	return fmt.Errorf("can't convert %s to %s", branchNames[s.kind], t)
}

func (c *compiler) record(n *node) error {
	s, t := n.schema, n.target
	var names []string
	if t != nil {
		if t.Kind != types.KindStruct {
			return fmt.Errorf("can't convert record %s to %s", s.name, t)
		}
		for _, f := range t.Fields {
			names = append(names, fieldName(f.Name))
		}
	}
	n.take = connect.Match(s.fieldNames(), names)
	for i, f := range s.fields {
		var ft *types.Type
		if at := n.take[i]; at >= 0 {
			ft = t.Fields[at].Type
		}
		if err := c.part(n, f.schema, ft); err != nil {
			return fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return nil
}

func (c *compiler) union(n *node) error {
	if inner, at, ok := n.schema.nullable(); ok {
		n.nullAt = at
		return c.part(n, inner, n.target)
	}
	values := n.schema.values()
	asStruct := len(values) > 1 && n.target != nil && n.target.Kind == types.KindStruct
	for _, b := range n.schema.branches {
		t, take := n.target, -1
		if asStruct && b.kind != null {
			t = nil
			if take = n.target.FieldIndex(b.branchName()); take >= 0 {
				t = n.target.Fields[take].Type
			}
		}
		n.take = append(n.take, take)
		p, err := c.compile(b, t)
		if err != nil { // an error only for a value that has this branch
			p = &node{wrong: err}
		}
		n.parts = append(n.parts, p)
	}
	if len(values) == 1 && n.parts[0].wrong != nil {
		return n.parts[0].wrong
	}
	return nil
}

// Decode reads one record and appends one element to every wanted column. On an error some columns may have theirs already; the caller
// takes them off again.
func (r *Reader) Decode(payload []byte, dest []*vector.Vector) error {
	c := cursor{b: payload, budget: len(payload) + freeElements, depth: r.depth}
	if err := r.decode(&c, dest); err != nil {
		return err
	}
	if c.i != len(c.b) {
		return fmt.Errorf("%d bytes behind the record", len(c.b)-c.i)
	}
	return nil
}

func (r *Reader) decode(c *cursor, dest []*vector.Vector) error {
	if r.bare != nil {
		if r.column < 0 {
			return c.skip(r.bare)
		}
		return c.column(r.bare, dest[r.column])
	}
	for i := range r.fields {
		n := &r.fields[i]
		var err error
		if r.take[i] < 0 {
			err = c.skip(n)
		} else {
			err = c.column(n, dest[r.take[i]])
		}
		if err != nil {
			return fmt.Errorf("field %d: %w", i, err)
		}
	}
	for _, at := range r.absent {
		dest[at].AppendNull()
	}
	return nil
}

// column appends a value to a vector.
func (c *cursor) column(n *node, v *vector.Vector) error {
	switch n.kind {
	case union:
		branch, isNull, err := c.branch(n)
		if err != nil {
			return err
		}
		if isNull {
			v.AppendNull()
			return nil
		}
		if n.take == nil || n.take[c.chosen] < 0 && branch.target != nil {
			return c.column(branch, v)
		}
		return c.boxed(n, branch, v)
	case null:
		v.AppendNull()
		return nil
	case long:
		if v.Type.Kind == types.KindBigint { // nearly always
			x, err := c.varint()
			if err == nil {
				v.I64 = append(v.I64, x)
			}
			return err
		}
	case double:
		if v.Type.Kind == types.KindDouble {
			x, err := c.uint64()
			if err == nil {
				v.F64 = append(v.F64, math.Float64frombits(x))
			}
			return err
		}
	case array, entries, mapping, record:
		x, err := c.box(n)
		if err != nil {
			return err
		}
		v.Append(x)
		return nil
	}
	s, err := c.scalar(n)
	if err != nil {
		return err
	}
	return connect.Append(v, s)
}

func (c *cursor) boxed(n, branch *node, v *vector.Vector) error {
	x, err := c.chosenBranch(n, branch)
	if err == nil {
		v.Append(x)
	}
	return err
}

// scalar reads a value without parts.
func (c *cursor) scalar(n *node) (s connect.Scalar, err error) {
	s.Kind = connectKinds[n.kind]
	switch n.kind {
	case boolean:
		var b byte
		b, err = c.byte()
		s.Int = int64(b)
		if b > 1 {
			err = errors.New("a boolean that is neither 0 nor 1")
		}
	case integer:
		s.Int, err = c.varint()
		if int64(int32(s.Int)) != s.Int {
			err = errors.New("an int of more than 32 bits")
		}
	case long:
		s.Int, err = c.varint()
	case float:
		var u uint32
		u, err = c.uint32()
		s.Float = float64(math.Float32frombits(u))
	case double:
		var u uint64
		u, err = c.uint64()
		s.Float = math.Float64frombits(u)
	case binary, text:
		s.Bytes, err = c.bytes()
		s.Scale = int32(n.schema.scale)
	case fixed:
		s.Bytes, err = c.take(n.schema.size)
		s.Scale = int32(n.schema.scale)
	case enum:
		var at int64
		at, err = c.varint()
		if err == nil && (at < 0 || at >= int64(len(n.symbols))) {
			err = fmt.Errorf("enum %s has no symbol %d", n.schema.name, at)
		}
		if err == nil {
			s.Bytes = n.symbols[at]
		}
	}
	return s, err
}
