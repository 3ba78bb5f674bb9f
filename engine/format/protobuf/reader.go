package protobuf

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Column is a column that is wanted: dest[Target] takes it, or cols[Target] gives it.
type Column struct {
	Name   string
	Type   *types.Type
	Target int
}

// Reader decodes messages of one type into columns. It keeps scratch space: one goroutine at a time.
type Reader struct {
	plan    *plan
	targets []int // by slot
	absent  []int
	bare    int // >= 0: the whole message becomes the STRUCT of this column
	row     row
	depth   int
}

// row holds what was met of a message's fields until it is complete: a field that comes twice counts once.
type row struct {
	set     []bool
	scalars []connect.Scalar
	boxes   []any
}

func (r *row) reset(n int) {
	if len(r.set) != n {
		r.set, r.scalars, r.boxes = make([]bool, n), make([]connect.Scalar, n), make([]any, n)
		return
	}
	clear(r.set)
	clear(r.boxes)
}

// NewReader compiles a reader. Bare says that the one column is the message itself, a STRUCT. A column that the field of its name cannot
// become is an error; one without a field is NULL. Depth bounds nesting.
func NewReader(m protoreflect.MessageDescriptor, cols []Column, nullable string, bare bool, depth int) (*Reader, error) {
	r := &Reader{bare: -1, depth: depth}
	c := compiler{nullable}
	if bare {
		if len(cols) == 0 {
			r.plan = &plan{}
			return r, nil
		}
		r.bare = cols[0].Target
		if cols[0].Type.Kind != types.KindStruct {
			return nil, fmt.Errorf("can't convert message %s to %s", m.FullName(), cols[0].Type)
		}
		var err error
		r.plan, err = c.compile(m, cols[0].Type.Fields)
		return r, err
	}
	fields := make([]types.Field, len(cols))
	for i, col := range cols {
		fields[i] = types.Field{Name: col.Name, Type: col.Type}
	}
	p, err := c.compile(m, fields)
	if err != nil {
		return nil, err
	}
	r.plan, r.targets = p, make([]int, len(p.fields))
	for i, slot := range p.slots {
		if slot < 0 {
			r.absent = append(r.absent, cols[i].Target)
			continue
		}
		r.targets[slot] = cols[i].Target
	}
	return r, nil
}

var (
	errShort = errors.New("the payload ends within a value")
	errDepth = errors.New("nested too deeply")
)

// Decode reads one message and appends one element to every wanted column. On an error some columns may have theirs already; the caller
// takes them off again.
func (r *Reader) Decode(payload []byte, dest []*vector.Vector) error {
	if r.bare >= 0 {
		x, err := readStruct(r.plan, payload, r.depth)
		if err == nil {
			dest[r.bare].Append(x)
		}
		return err
	}
	r.row.reset(len(r.plan.fields))
	if err := r.row.read(r.plan, payload, r.depth); err != nil {
		return err
	}
	for slot, f := range r.plan.fields {
		if err := r.row.append(slot, f, dest[r.targets[slot]]); err != nil {
			return err
		}
	}
	for _, at := range r.absent {
		dest[at].AppendNull()
	}
	return nil
}

// append puts what a field was into a vector.
func (r *row) append(slot int, f *fieldPlan, v *vector.Vector) error {
	switch {
	case f.list || f.key != nil || f.shape == message:
		v.Append(r.boxed(slot, f))
		return nil
	case r.set[slot]:
		return connect.Append(v, r.scalars[slot])
	case f.orDefault:
		return connect.Append(v, f.def)
	}
	v.AppendNull()
	return nil
}

// boxed is a collection or message; an absent collection is empty.
func (r *row) boxed(slot int, f *fieldPlan) any {
	switch {
	case f.key != nil && r.set[slot]:
		return r.boxes[slot].(*entries).list
	case r.set[slot]:
		return r.boxes[slot]
	case f.list:
		return []any{}
	case f.key != nil:
		return types.Map{}
	}
	return nil
}

// box is what a field was in its boxed form.
func (r *row) box(slot int, f *fieldPlan) (any, error) {
	switch {
	case f.list || f.key != nil || f.shape == message:
		return r.boxed(slot, f), nil
	case r.set[slot]:
		return connect.Box(f.target, r.scalars[slot])
	case f.orDefault:
		return connect.Box(f.target, f.def)
	}
	return nil, nil
}

// readStruct reads a message as a STRUCT.
func readStruct(p *plan, b []byte, depth int) ([]any, error) {
	var r row
	r.reset(len(p.fields))
	if err := r.read(p, b, depth); err != nil {
		return nil, err
	}
	out := make([]any, len(p.slots))
	for i, slot := range p.slots {
		if slot < 0 {
			continue
		}
		var err error
		if out[i], err = r.box(slot, p.fields[slot]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// read walks over the fields of a message.
func (r *row) read(p *plan, b []byte, depth int) error {
	if depth <= 0 {
		return errDepth
	}
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		f := p.find(number)
		if f == nil {
			if n = protowire.ConsumeFieldValue(number, wire, b); n < 0 {
				return protowire.ParseError(n)
			}
			b = b[n:]
			continue
		}
		n, err := r.field(f, number, wire, b, depth)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// field reads one occurrence of a wanted field and returns its length.
func (r *row) field(f *fieldPlan, number protowire.Number, wire protowire.Type, b []byte, depth int) (int, error) {
	if f.key != nil || f.shape != plain {
		if wire != protowire.BytesType {
			return skip(number, wire, b)
		}
		body, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return 0, protowire.ParseError(n)
		}
		return n, r.composite(f, body, depth)
	}
	if f.list && wire == protowire.BytesType && f.kind != protoreflect.StringKind && f.kind != protoreflect.BytesKind {
		body, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return 0, protowire.ParseError(n)
		}
		return n, r.packed(f, body)
	}
	if wire != wireType(f.kind) {
		return skip(number, wire, b)
	}
	s, n, err := f.scalar(b)
	if err != nil {
		return 0, err
	}
	return n, r.put(f, s)
}

func skip(number protowire.Number, wire protowire.Type, b []byte) (int, error) {
	n := protowire.ConsumeFieldValue(number, wire, b)
	if n < 0 {
		return 0, protowire.ParseError(n)
	}
	return n, nil
}

// put notes a scalar.
func (r *row) put(f *fieldPlan, s connect.Scalar) error {
	if !f.list {
		r.scalars[f.slot], r.set[f.slot] = s, true
		return nil
	}
	x, err := connect.Box(f.target, s)
	if err == nil {
		r.add(f, x)
	}
	return err
}

// add appends to a list.
func (r *row) add(f *fieldPlan, x any) {
	list, _ := r.boxes[f.slot].([]any)
	r.boxes[f.slot], r.set[f.slot] = append(list, x), true
}

func (r *row) packed(f *fieldPlan, b []byte) error {
	for len(b) > 0 {
		s, n, err := f.scalar(b)
		if err != nil {
			return err
		}
		if err := r.put(f, s); err != nil {
			return err
		}
		b = b[n:]
	}
	if !r.set[f.slot] {
		r.boxes[f.slot], r.set[f.slot] = []any{}, true
	}
	return nil
}

// composite reads what stands in a message of its own.
func (r *row) composite(f *fieldPlan, body []byte, depth int) error {
	switch {
	case f.key != nil:
		return r.entry(f, body, depth)
	case f.shape != message:
		s, err := f.logical(body)
		if err != nil {
			return err
		}
		return r.put(f, s)
	}
	x, err := readStruct(f.inner, body, depth-1)
	if err != nil {
		return err
	}
	if f.list {
		r.add(f, x)
	} else {
		r.boxes[f.slot], r.set[f.slot] = x, true
	}
	return nil
}

// entry adds an entry of a map: a message with key 1 and value 2.
func (r *row) entry(f *fieldPlan, body []byte, depth int) error {
	var e row
	e.reset(2)
	if err := e.read(f.inner, body, depth-1); err != nil {
		return err
	}
	key, err := e.box(0, f.key)
	if err != nil {
		return err
	}
	value, err := e.box(1, f.elem)
	if err != nil {
		return err
	}
	m, _ := r.boxes[f.slot].(*entries)
	if m == nil {
		m = &entries{places: map[any]int{}}
	}
	if at, twice := m.places[key]; twice {
		m.list[at].Value = value
	} else {
		m.places[key] = len(m.list)
		m.list = append(m.list, types.MapEntry{Key: key, Value: value})
	}
	r.boxes[f.slot], r.set[f.slot] = m, true
	return nil
}

// entries is a map that is being read.
type entries struct {
	list   types.Map
	places map[any]int
}
