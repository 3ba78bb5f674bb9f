package avro

import (
	le "encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Writer encodes columns by a schema.
type Writer struct {
	bare   *out
	fields []outField
}

// out encodes a value of an SQL type by a schema.
type out struct {
	kind         kind
	schema       *Schema
	from         *types.Type
	valueAt      int64 // the branch of a union that a value takes; -1: no union
	nullAt       int64 // the branch that NULL takes; -1: NULL is not allowed
	items, value *out  // of a collection; value: of a map that is written as entries
	fields       []outField
}

// outField is a field of a record: where its value comes from, and what stands in for none.
type outField struct {
	name string
	from int // column, or field of the STRUCT; -1: none
	out  *out
	def  []byte // the default, encoded; nil: there is none
}

// NewWriter compiles a writer of the columns by the schema. Columns fill the fields of their names; the schema's other fields must have a
// default or take null. A column without a field, or with one of another type, is an error.
func NewWriter(s *Schema, cols []Column, bare bool) (*Writer, error) {
	if bare {
		o, err := compileOut(s, cols[0].Type)
		return &Writer{bare: o, fields: []outField{{from: cols[0].Target}}}, err
	}
	if s.kind != record {
		return nil, connect.ErrAnonymous
	}
	names, from := make([]string, len(cols)), make([]int, len(cols))
	ts := make([]*types.Type, len(cols))
	for i, c := range cols {
		names[i], from[i], ts[i] = c.Name, c.Target, c.Type
	}
	fields, err := outFields(s, names, ts, from)
	return &Writer{fields: fields}, err
}

// outFields pairs the fields of a record with what fills them.
func outFields(s *Schema, names []string, ts []*types.Type, from []int) ([]outField, error) {
	sanitised := make([]string, len(names))
	for i, n := range names {
		sanitised[i] = fieldName(n)
	}
	match := connect.Match(s.fieldNames(), sanitised)
	for i, n := range names {
		if !slices.Contains(match, i) {
			return nil, fmt.Errorf("record %s has no field for %s", s.name, types.QuoteName(n))
		}
	}
	out := make([]outField, len(s.fields))
	for i, f := range s.fields {
		o := outField{name: f.name, from: -1}
		if f.hasDefault {
			b, err := appendDefault(nil, f.schema, f.def, 0)
			if err != nil {
				return nil, fmt.Errorf("default of field %s: %w", f.name, err)
			}
			o.def = append([]byte{}, b...)
		}
		if at := match[i]; at >= 0 {
			var err error
			if o.out, err = compileOut(f.schema, ts[at]); err != nil {
				return nil, fmt.Errorf("field %s: %w", f.name, err)
			}
			o.from = from[at]
		} else if _, nullAt, ok := f.schema.nullable(); ok && o.def == nil {
			o.def = le.AppendVarint(nil, int64(nullAt))
		}
		out[i] = o
	}
	return out, nil
}

func compileOut(s *Schema, t *types.Type) (*out, error) {
	if s.kind != union {
		return compileValue(s, t)
	}
	nullAt := int64(-1)
	var failed error
	var found *out
	for i, b := range s.branches {
		if b.kind == null {
			nullAt = int64(i)
			continue
		}
		if found != nil {
			continue
		}
		o, err := compileValue(b, t)
		if err != nil {
			failed = err
			continue
		}
		found, o.valueAt = o, int64(i)
	}
	if found == nil {
		if failed == nil {
			failed = fmt.Errorf("null cannot take %s", t)
		}
		return nil, failed
	}
	found.nullAt = nullAt
	return found, nil
}

// writes says which SQL types a kind without parts can be written from.
func (s *Schema) writes(t *types.Type) bool {
	switch t.Kind {
	case types.KindBoolean:
		return s.kind == boolean
	case types.KindInt:
		return (s.kind == integer || s.kind == long) && s.logical == connect.Plain
	case types.KindBigint:
		return s.kind == long && s.logical == connect.Plain
	case types.KindDouble:
		return s.kind == double
	case types.KindString:
		return s.kind == text || s.kind == enum
	case types.KindBytes:
		return (s.kind == binary || s.kind == fixed) && s.logical == connect.Plain
	case types.KindDecimal:
		return (s.kind == binary || s.kind == fixed) && s.logical == connect.Decimal && t.Precision <= s.precision && t.Scale <= s.scale
	case types.KindDate:
		return s.kind == integer && s.logical == connect.Date
	case types.KindTime:
		return s.kind == integer && s.logical == connect.Time
	case types.KindTimestamp:
		return s.kind == long && s.logical == connect.Timestamp
	}
	return false
}

func compileValue(s *Schema, t *types.Type) (*out, error) {
	o := &out{kind: s.kind, schema: s, from: t, valueAt: -1, nullAt: -1}
	var err error
	switch {
	case t.Kind == types.KindArray && (s.kind == array || s.kind == entries):
		o.kind = array
		o.items, err = compileOut(s.items, t.Elem)
	case t.Kind == types.KindMap && s.kind == mapping:
		o.items, err = compileOut(s.items, t.Elem)
	case t.Kind == types.KindMap && s.kind == entries:
		if o.items, err = compileOut(s.items.fields[0].schema, t.Key); err == nil {
			o.value, err = compileOut(s.items.fields[1].schema, t.Elem)
		}
	case t.Kind == types.KindStruct && s.kind == record:
		names, from := make([]string, len(t.Fields)), make([]int, len(t.Fields))
		ts := make([]*types.Type, len(t.Fields))
		for i, f := range t.Fields {
			names[i], from[i], ts[i] = f.Name, i, f.Type
		}
		o.fields, err = outFields(s, names, ts, from)
	case !s.writes(t):
		err = fmt.Errorf("%s cannot be written as %s", t, s.branchName())
	}
	if err != nil {
		return nil, err
	}
	return o, nil
}

var errRequired = errors.New("NULL where the schema wants a value and has no default")

// IsNull says whether a bare value is NULL and the schema has no place for that: then the record's key or value is null.
func (w *Writer) IsNull(cols []*vector.Vector, row int) bool {
	return w.bare != nil && cols[w.fields[0].from].IsNull(row)
}

// Append adds a row's bytes to dst. On an error the slice it returns is dst as it was.
func (w *Writer) Append(dst []byte, cols []*vector.Vector, row int) ([]byte, error) {
	start := len(dst)
	if w.bare != nil {
		out, err := w.bare.column(dst, cols[w.fields[0].from], row)
		if err != nil {
			return dst[:start], err
		}
		return out, nil
	}
	for i := range w.fields {
		f := &w.fields[i]
		var err error
		switch {
		case f.from < 0 && f.def == nil, f.from >= 0 && f.def == nil && f.out.nullAt < 0 && cols[f.from].IsNull(row):
			err = errRequired
		case f.from < 0, f.out.nullAt < 0 && cols[f.from].IsNull(row):
			dst = append(dst, f.def...)
		default:
			dst, err = f.out.column(dst, cols[f.from], row)
		}
		if err != nil {
			return dst[:start], fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return dst, nil
}

// column writes an element of a vector.
func (o *out) column(dst []byte, v *vector.Vector, row int) ([]byte, error) {
	if v.IsNull(row) {
		return o.null(dst)
	}
	i := v.At(row)
	if o.valueAt >= 0 {
		dst = le.AppendVarint(dst, o.valueAt)
	}
	switch v.Type.Kind {
	case types.KindBoolean:
		return appendBool(dst, v.Bool[i]), nil
	case types.KindInt, types.KindDate, types.KindTime:
		return le.AppendVarint(dst, int64(v.I32[i])), nil
	case types.KindBigint, types.KindTimestamp:
		return le.AppendVarint(dst, v.I64[i]), nil
	case types.KindDouble:
		return le.LittleEndian.AppendUint64(dst, math.Float64bits(v.F64[i])), nil
	case types.KindString, types.KindBytes:
		return o.bytes(dst, v.Str(row))
	}
	return o.notNull(dst, v.Item(i))
}

func (o *out) null(dst []byte) ([]byte, error) {
	if o.nullAt < 0 {
		return dst, errRequired
	}
	return le.AppendVarint(dst, o.nullAt), nil
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// bytes writes a STRING or BYTES.
func (o *out) bytes(dst, b []byte) ([]byte, error) {
	switch o.kind {
	case enum:
		at := slices.Index(o.schema.symbols, string(b))
		if at < 0 {
			return dst, fmt.Errorf("enum %s has no symbol %q", o.schema.name, b)
		}
		return le.AppendVarint(dst, int64(at)), nil
	case fixed:
		if len(b) != o.schema.size {
			return dst, fmt.Errorf("%d bytes where the schema wants %d", len(b), o.schema.size)
		}
		return append(dst, b...), nil
	}
	return append(le.AppendVarint(dst, int64(len(b))), b...), nil
}

// boxed writes a boxed value, with the branch of its union.
func (o *out) boxed(dst []byte, x any) ([]byte, error) {
	if x == nil {
		return o.null(dst)
	}
	if o.valueAt >= 0 {
		dst = le.AppendVarint(dst, o.valueAt)
	}
	return o.notNull(dst, x)
}

// notNull writes a boxed value that is not NULL.
func (o *out) notNull(dst []byte, x any) ([]byte, error) {
	switch x := x.(type) {
	case bool:
		return appendBool(dst, x), nil
	case int32:
		return le.AppendVarint(dst, int64(x)), nil
	case int64:
		return le.AppendVarint(dst, x), nil
	case float64:
		return le.LittleEndian.AppendUint64(dst, math.Float64bits(x)), nil
	case string:
		return o.bytes(dst, []byte(x))
	case []byte:
		return o.bytes(dst, x)
	case types.Decimal:
		return o.decimal(dst, x)
	case types.Map:
		return o.mapping(dst, x)
	case []any:
		if o.kind == record {
			return o.record(dst, x)
		}
		return o.array(dst, x)
	}
	return dst, fmt.Errorf("%T cannot be written", x)
}

func (o *out) decimal(dst []byte, d types.Decimal) ([]byte, error) {
	b := connect.AppendUnscaled(nil, d.SetScale(o.schema.scale, types.Down).Unscaled())
	if o.kind != fixed {
		return append(le.AppendVarint(dst, int64(len(b))), b...), nil
	}
	if len(b) > o.schema.size {
		return dst, fmt.Errorf("%s does not fit %d bytes", d, o.schema.size)
	}
	fill := byte(0)
	if d.Sign() < 0 {
		fill = 0xff
	}
	for range o.schema.size - len(b) {
		dst = append(dst, fill)
	}
	return append(dst, b...), nil
}

func (o *out) record(dst []byte, values []any) ([]byte, error) {
	for i := range o.fields {
		f := &o.fields[i]
		var err error
		switch {
		case f.from < 0 && f.def == nil, f.from >= 0 && f.def == nil && f.out.nullAt < 0 && values[f.from] == nil:
			err = errRequired
		case f.from < 0, f.out.nullAt < 0 && values[f.from] == nil:
			dst = append(dst, f.def...)
		default:
			dst, err = f.out.boxed(dst, values[f.from])
		}
		if err != nil {
			return dst, fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return dst, nil
}

func (o *out) array(dst []byte, values []any) ([]byte, error) {
	if len(values) > 0 {
		dst = le.AppendVarint(dst, int64(len(values)))
	}
	var err error
	for _, x := range values {
		if dst, err = o.items.boxed(dst, x); err != nil {
			return dst, err
		}
	}
	return append(dst, 0), nil
}

func (o *out) mapping(dst []byte, m types.Map) ([]byte, error) {
	if len(m) > 0 {
		dst = le.AppendVarint(dst, int64(len(m)))
	}
	var err error
	for _, e := range m {
		value := o.items
		if o.value != nil {
			value = o.value
			if dst, err = o.items.boxed(dst, e.Key); err != nil {
				return dst, fmt.Errorf("key of a map: %w", err)
			}
		} else {
			key, ok := e.Key.(string)
			if !ok {
				return dst, errors.New("key of a map: NULL")
			}
			dst = append(le.AppendVarint(dst, int64(len(key))), key...)
		}
		if dst, err = value.boxed(dst, e.Value); err != nil {
			return dst, err
		}
	}
	return append(dst, 0), nil
}
