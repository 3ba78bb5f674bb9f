package protobuf

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Writer encodes columns as messages of one type. It is immutable.
type Writer struct {
	fields []*outField
	bare   int // >= 0: the message is this column, a STRUCT
}

// outField writes one field of a message.
type outField struct {
	number     protowire.Number
	kind       protoreflect.Kind
	shape      shape
	list       bool
	packed     bool
	presence   bool // a value that is the default is written nevertheless
	from       int  // column, or field of the STRUCT
	key, elem  *outField
	fields     []*outField // of a message
	enum       map[string]int32
	precision  int
	scale      int
	validScale bool
}

// NewWriter compiles a writer. Columns fill the fields of their names, and the message's other fields stay absent. A column without a
// field, or with one of another type, is an error.
func NewWriter(m protoreflect.MessageDescriptor, cols []Column, nullable string, bare bool) (*Writer, error) {
	w := &Writer{bare: -1}
	c := compiler{nullable}
	var fields []types.Field
	var from []int
	if bare {
		if cols[0].Type.Kind != types.KindStruct {
			return nil, fmt.Errorf("%s cannot be written as message %s", cols[0].Type, m.FullName())
		}
		w.bare, fields = cols[0].Target, cols[0].Type.Fields
		for i := range fields {
			from = append(from, i)
		}
	} else {
		for _, col := range cols {
			fields = append(fields, types.Field{Name: col.Name, Type: col.Type})
			from = append(from, col.Target)
		}
	}
	var err error
	w.fields, err = c.outFields(m, fields, from)
	return w, err
}

// outFields pairs the fields of a message with what fills them, in the order of their numbers.
func (c compiler) outFields(m protoreflect.MessageDescriptor, fields []types.Field, from []int) ([]*outField, error) {
	names, wanted := make([]string, m.Fields().Len()), make([]string, len(fields))
	for i := range names {
		names[i] = string(m.Fields().Get(i).Name())
	}
	for i, f := range fields {
		wanted[i] = f.Name
	}
	match := connect.Match(names, wanted)
	var out []*outField
	for at, f := range fields {
		i := slices.Index(match, at)
		if i < 0 {
			return nil, fmt.Errorf("message %s has no field for %s", m.FullName(), types.QuoteName(f.Name))
		}
		o, err := c.outField(m.Fields().Get(i), f.Type)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		o.from = from[at]
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b *outField) int { return int(a.number) - int(b.number) })
	return out, nil
}

func (c compiler) outField(f protoreflect.FieldDescriptor, t *types.Type) (*outField, error) {
	switch {
	case f.IsMap() && t.Kind == types.KindMap:
		key, err := c.outValue(f.MapKey(), t.Key)
		if err != nil {
			return nil, err
		}
		elem, err := c.outValue(f.MapValue(), t.Elem)
		return &outField{number: f.Number(), key: key, elem: elem}, err
	case f.IsList() && t.Kind == types.KindArray:
		o, err := c.outValue(f, t.Elem)
		if err == nil {
			o.list, o.packed = true, f.IsPacked()
		}
		return o, err
	case f.IsMap() || f.IsList() || t.Kind == types.KindMap || t.Kind == types.KindArray:
		return nil, fmt.Errorf("%s cannot be written as %s", t, f.Kind())
	}
	return c.outValue(f, t)
}

func (c compiler) outValue(f protoreflect.FieldDescriptor, t *types.Type) (*outField, error) {
	o := &outField{number: f.Number(), kind: f.Kind(), shape: shapeOf(f, c.nullable), presence: f.HasPresence()}
	if o.shape == message {
		if t.Kind != types.KindStruct {
			return nil, fmt.Errorf("%s cannot be written as message %s", t, f.Message().FullName())
		}
		from := make([]int, len(t.Fields))
		for i := range from {
			from[i] = i
		}
		var err error
		o.fields, err = c.outFields(f.Message(), t.Fields, from)
		return o, err
	}
	left := 1
	s := connectValue(f, c.nullable, 0, &left)
	if o.shape == wrapped {
		o.kind = f.Message().Fields().ByNumber(1).Kind()
	}
	if o.shape == decimal {
		o.precision, o.scale, o.validScale = s.Precision, s.Scale, meta(f)["scale"] != ""
	}
	if e := f.Enum(); e != nil {
		o.enum = map[string]int32{}
		for i := range e.Values().Len() {
			v := e.Values().Get(i)
			o.enum[string(v.Name())] = int32(v.Number())
		}
	}
	return o, o.accepts(t, s)
}

// accepts says whether the type can be written as the schema: as it is, or, for numbers, wider.
func (o *outField) accepts(t *types.Type, s *connect.Schema) error {
	ok := false
	switch t.Kind {
	case types.KindInt:
		ok = s.Logical == connect.Plain && (s.Kind == connect.Int32 || s.Kind == connect.Int64)
	case types.KindBigint:
		ok = s.Logical == connect.Plain && s.Kind == connect.Int64
	case types.KindDate:
		ok = s.Logical == connect.Date
	case types.KindTime:
		ok = s.Logical == connect.Time
	case types.KindTimestamp:
		ok = s.Logical == connect.Timestamp
	case types.KindString:
		ok = s.Kind == connect.String
	default:
		ok = connect.Accepts(t, s) == nil
	}
	if !ok {
		return fmt.Errorf("%s cannot be written as %s", t, s.Kind)
	}
	return nil
}

// Append adds a row's message to dst. On an error the slice it returns is dst as it was.
func (w *Writer) Append(dst []byte, cols []*vector.Vector, row int) ([]byte, error) {
	start := len(dst)
	if w.bare >= 0 {
		values, _ := cols[w.bare].Value(row).([]any)
		out, err := appendStruct(dst, w.fields, values)
		if err != nil {
			return dst[:start], err
		}
		return out, nil
	}
	var err error
	for _, f := range w.fields {
		if dst, err = f.column(dst, cols[f.from], row); err != nil {
			return dst[:start], fmt.Errorf("field %d: %w", f.number, err)
		}
	}
	return dst, nil
}

// column writes an element of a vector, NULL as nothing.
func (o *outField) column(dst []byte, v *vector.Vector, row int) ([]byte, error) {
	if v.IsNull(row) {
		return dst, nil
	}
	i := v.At(row)
	switch v.Type.Kind {
	case types.KindBoolean:
		n := int64(0)
		if v.Bool[i] {
			n = 1
		}
		return o.integer(dst, n), nil
	case types.KindInt, types.KindDate, types.KindTime:
		return o.checked(dst, int64(v.I32[i]))
	case types.KindBigint, types.KindTimestamp:
		return o.checked(dst, v.I64[i])
	case types.KindDouble:
		return o.float(dst, v.F64[i]), nil
	case types.KindString, types.KindBytes:
		return o.bytes(dst, v.Str(row))
	}
	return o.boxed(dst, v.Item(i))
}

// boxed writes a boxed value as the field.
func (o *outField) boxed(dst []byte, x any) ([]byte, error) {
	switch x := x.(type) {
	case nil:
		return dst, nil
	case bool:
		if x {
			return o.integer(dst, 1), nil
		}
		return o.integer(dst, 0), nil
	case int32:
		return o.checked(dst, int64(x))
	case int64:
		return o.checked(dst, x)
	case float64:
		return o.float(dst, x), nil
	case string:
		return o.bytes(dst, []byte(x))
	case []byte:
		return o.bytes(dst, x)
	case types.Decimal:
		return o.decimal(dst, x), nil
	case types.Map:
		return o.mapping(dst, x)
	case []any:
		if o.list {
			return o.elements(dst, x)
		}
		return o.nested(dst, x)
	}
	return dst, fmt.Errorf("%T cannot be written", x)
}

func appendStruct(dst []byte, fields []*outField, values []any) ([]byte, error) {
	var err error
	for _, f := range fields {
		if dst, err = f.boxed(dst, values[f.from]); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (o *outField) nested(dst []byte, values []any) ([]byte, error) {
	body, err := appendStruct(nil, o.fields, values)
	return o.delimited(dst, body), err
}

// delimited writes the field as a message or bytes.
func (o *outField) delimited(dst, body []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, o.number, protowire.BytesType), body)
}

// wrap writes a scalar's body in the message that stands for it.
func (o *outField) wrap(dst []byte, write func(inner *outField, dst []byte) []byte) []byte {
	inner := outField{number: 1, kind: o.kind, enum: o.enum}
	var buf [32]byte
	return o.delimited(dst, write(&inner, buf[:0]))
}

// checked writes a number that the field has room for: unsigned ones of 32 bits have not for every BIGINT.
func (o *outField) checked(dst []byte, n int64) ([]byte, error) {
	if (o.kind == protoreflect.Uint32Kind || o.kind == protoreflect.Fixed32Kind) && int64(uint32(n)) != n {
		return dst, fmt.Errorf("%d does not fit %s", n, o.kind)
	}
	return o.integer(dst, n), nil
}

func (o *outField) integer(dst []byte, n int64) []byte {
	switch o.shape {
	case wrapped:
		return o.wrap(dst, func(inner *outField, dst []byte) []byte { return inner.integer(dst, n) })
	case date, timeOfDay, timestamp:
		var buf [48]byte
		return o.delimited(dst, appendLogical(buf[:0], o.shape, n))
	}
	if n == 0 && !o.presence {
		return dst
	}
	return o.appendInteger(protowire.AppendTag(dst, o.number, wireType(o.kind)), n)
}

// appendInteger writes the number alone.
func (o *outField) appendInteger(dst []byte, n int64) []byte {
	switch o.kind {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return protowire.AppendVarint(dst, protowire.EncodeZigZag(n))
	case protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind:
		return protowire.AppendFixed32(dst, uint32(n))
	case protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind:
		return protowire.AppendFixed64(dst, uint64(n))
	case protoreflect.Uint32Kind:
		return protowire.AppendVarint(dst, uint64(uint32(n)))
	}
	return protowire.AppendVarint(dst, uint64(n))
}

func (o *outField) float(dst []byte, f float64) []byte {
	if o.shape == wrapped {
		return o.wrap(dst, func(inner *outField, dst []byte) []byte { return inner.float(dst, f) })
	}
	if math.Float64bits(f) == 0 && !o.presence {
		return dst
	}
	return o.appendFloat(protowire.AppendTag(dst, o.number, wireType(o.kind)), f)
}

func (o *outField) appendFloat(dst []byte, f float64) []byte {
	if o.kind == protoreflect.FloatKind {
		return protowire.AppendFixed32(dst, math.Float32bits(float32(f)))
	}
	return protowire.AppendFixed64(dst, math.Float64bits(f))
}

func (o *outField) bytes(dst, b []byte) ([]byte, error) {
	if o.enum != nil {
		n, ok := o.enum[string(b)]
		if !ok {
			return dst, fmt.Errorf("the enum has no value %q", b)
		}
		return o.integer(dst, int64(n)), nil
	}
	if o.shape == wrapped {
		return o.wrap(dst, func(inner *outField, dst []byte) []byte {
			if len(b) > 0 {
				dst = inner.delimited(dst, b)
			}
			return dst
		}), nil
	}
	if len(b) == 0 && !o.presence {
		return dst, nil
	}
	return o.delimited(dst, b), nil
}

func (o *outField) decimal(dst []byte, d types.Decimal) []byte {
	if o.validScale {
		d = d.SetScale(o.scale, types.HalfUp)
	}
	b := (&outField{number: 1}).delimited(nil, connect.AppendUnscaled(nil, d.Unscaled()))
	for number, n := range []int{2: o.precision, 3: d.Scale()} {
		if n != 0 {
			b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(number), protowire.VarintType), uint64(n))
		}
	}
	return o.delimited(dst, b)
}

// elements writes an array. Protobuf has no NULL among elements: it becomes the default.
func (o *outField) elements(dst []byte, list []any) ([]byte, error) {
	one := *o
	one.list, one.presence = false, true
	if !o.packed || o.shape != plain {
		for _, x := range list {
			var err error
			if dst, err = one.element(dst, x); err != nil {
				return dst, err
			}
		}
		return dst, nil
	}
	if len(list) == 0 {
		return dst, nil
	}
	var body []byte
	for _, x := range list {
		n, f, err := one.number64(x)
		if err != nil {
			return dst, err
		}
		if o.kind == protoreflect.FloatKind || o.kind == protoreflect.DoubleKind {
			body = one.appendFloat(body, f)
		} else {
			body = one.appendInteger(body, n)
		}
	}
	return o.delimited(dst, body), nil
}

// number64 is a number of a packed list.
func (o *outField) number64(x any) (int64, float64, error) {
	switch x := x.(type) {
	case nil:
		return 0, 0, nil
	case bool:
		if x {
			return 1, 0, nil
		}
		return 0, 0, nil
	case int32:
		return int64(x), 0, nil
	case int64:
		return x, 0, nil
	case float64:
		return 0, x, nil
	case string:
		n, ok := o.enum[x]
		if !ok {
			return 0, 0, fmt.Errorf("the enum has no value %q", x)
		}
		return int64(n), 0, nil
	}
	return 0, 0, fmt.Errorf("%T cannot be written", x)
}

// element writes one element of a list or map, a NULL as the default.
func (o *outField) element(dst []byte, x any) ([]byte, error) {
	if x != nil {
		return o.boxed(dst, x)
	}
	switch o.kind {
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return o.float(dst, 0), nil
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind, protoreflect.GroupKind:
		return o.delimited(dst, nil), nil
	}
	return o.integer(dst, 0), nil
}

func (o *outField) mapping(dst []byte, m types.Map) ([]byte, error) {
	var body []byte
	for _, e := range m {
		var err error
		if body, err = o.key.boxed(body[:0], e.Key); err != nil {
			return dst, err
		}
		if body, err = o.elem.boxed(body, e.Value); err != nil {
			return dst, err
		}
		dst = o.delimited(dst, body)
	}
	return dst, nil
}
