package protobuf

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/sql/types"
)

// plan is what is known of a message: its wanted fields.
type plan struct {
	byNumber []*fieldPlan // numbers below len
	others   map[protowire.Number]*fieldPlan
	fields   []*fieldPlan // by slot
	slots    []int        // slot of each field of the STRUCT that the message becomes, -1: none
}

type fieldPlan struct {
	slot      int
	kind      protoreflect.Kind
	shape     shape
	list      bool
	key, elem *fieldPlan // of a map
	inner     *plan      // of a message, or of the entries of a map
	target    *types.Type
	scale     int32
	orDefault bool // absent means the type's default
	def       connect.Scalar
	enum      map[int32][]byte
}

type compiler struct{ nullable string }

// compile pairs the fields of a message with those of a STRUCT.
func (c compiler) compile(m protoreflect.MessageDescriptor, fields []types.Field) (*plan, error) {
	p := &plan{others: map[protowire.Number]*fieldPlan{}, slots: make([]int, len(fields))}
	for i := range p.slots {
		p.slots[i] = -1
	}
	names, wanted := make([]string, m.Fields().Len()), make([]string, len(fields))
	for i := range names {
		names[i] = string(m.Fields().Get(i).Name())
	}
	for i, f := range fields {
		wanted[i] = f.Name
	}
	for i, at := range connect.Match(names, wanted) {
		if at < 0 {
			continue
		}
		f := m.Fields().Get(i)
		fp, err := c.field(f, fields[at].Type)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name(), err)
		}
		fp.slot = len(p.fields)
		p.slots[at] = fp.slot
		p.fields = append(p.fields, fp)
		p.add(f.Number(), fp)
	}
	return p, nil
}

// maxDirect is up to which number a field is found by index.
const maxDirect = 256

func (p *plan) add(n protowire.Number, f *fieldPlan) {
	if n >= maxDirect {
		p.others[n] = f
		return
	}
	for int(n) >= len(p.byNumber) {
		p.byNumber = append(p.byNumber, nil)
	}
	p.byNumber[n] = f
}

func (p *plan) find(n protowire.Number) *fieldPlan {
	if int(n) < len(p.byNumber) {
		return p.byNumber[n]
	}
	if len(p.others) == 0 {
		return nil
	}
	return p.others[n]
}

func (c compiler) field(f protoreflect.FieldDescriptor, t *types.Type) (*fieldPlan, error) {
	switch {
	case f.IsMap():
		if t.Kind != types.KindMap {
			return nil, fmt.Errorf("can't convert map to %s", t)
		}
		key, err := c.value(f.MapKey(), t.Key)
		if err != nil {
			return nil, err
		}
		elem, err := c.value(f.MapValue(), t.Elem)
		if err != nil {
			return nil, err
		}
		elem.slot = 1
		inner := &plan{byNumber: []*fieldPlan{nil, key, elem}, fields: []*fieldPlan{key, elem}}
		return &fieldPlan{target: t, key: key, elem: elem, inner: inner}, nil
	case f.IsList():
		if t.Kind != types.KindArray {
			return nil, fmt.Errorf("can't convert repeated field to %s", t)
		}
		fp, err := c.value(f, t.Elem)
		if err == nil {
			fp.list = true
		}
		return fp, err
	}
	return c.value(f, t)
}

func (c compiler) value(f protoreflect.FieldDescriptor, t *types.Type) (*fieldPlan, error) {
	fp := &fieldPlan{kind: f.Kind(), shape: shapeOf(f, c.nullable), target: t}
	if fp.shape == message {
		if t.Kind != types.KindStruct {
			return nil, fmt.Errorf("can't convert message %s to %s", f.Message().FullName(), t)
		}
		var err error
		fp.inner, err = c.compile(f.Message(), t.Fields)
		return fp, err
	}
	left := 1
	s := connectValue(f, c.nullable, 0, &left)
	if fp.shape == decimal {
		fp.scale = int32(s.Scale)
	}
	if fp.shape == wrapped {
		fp.kind = f.Message().Fields().ByNumber(1).Kind()
	}
	fp.def = defaultOf(f, fp, s)
	fp.orDefault = fp.shape == plain && !f.HasOptionalKeyword() || fp.shape == plain && f.ParentFile().Syntax() == protoreflect.Proto2
	if f.ContainingOneof() != nil {
		fp.orDefault = false
	}
	if e := f.Enum(); e != nil {
		fp.enum = map[int32][]byte{}
		for i := range e.Values().Len() {
			v := e.Values().Get(i)
			fp.enum[int32(v.Number())] = []byte(v.Name())
		}
		d := f.DefaultEnumValue()
		if d == nil {
			d = e.Values().Get(0)
		}
		fp.def = fp.enumScalar(int64(d.Number()))
	}
	return fp, connect.Accepts(t, s)
}

// defaultOf is what an absent scalar reads as.
func defaultOf(f protoreflect.FieldDescriptor, fp *fieldPlan, s *connect.Schema) connect.Scalar {
	out := connect.Scalar{Kind: s.Kind}
	if fp.shape != plain || f.IsList() || !f.HasDefault() || f.Enum() != nil {
		return out
	}
	switch v := f.Default(); s.Kind {
	case connect.Boolean:
		if v.Bool() {
			out.Int = 1
		}
	case connect.Int32, connect.Int64:
		switch x := v.Interface().(type) {
		case int32:
			out.Int = int64(x)
		case uint32:
			out.Int = int64(x)
		case int64:
			out.Int = x
		case uint64:
			out.Int = int64(x)
		}
	case connect.Float32, connect.Float64:
		out.Float = v.Float()
	case connect.String:
		out.Bytes = []byte(v.String())
	case connect.Bytes:
		out.Bytes = v.Bytes()
	}
	return out
}
