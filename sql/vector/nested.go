package vector

import "github.com/millrace/millrace/sql/types"

// Nested is the other form of an ARRAY, MAP or STRUCT vector: its parts lie column by column, as a model's scores do, and nothing is
// boxed unless somebody asks for it. All rows have as many parts. It has no const form.
type Nested struct {
	N     int       // rows
	Width int       // of an ARRAY or MAP: the elements of a row
	Keys  []any     // of a MAP: the boxed keys, Width of them, which all rows have
	Parts []*Vector // of a STRUCT: the fields; of others one vector, in which the elements of a row follow each other
}

// Nest gives an empty ARRAY, MAP or STRUCT vector so many rows, whose parts are empty: the caller gives them their elements. The memory is
// that of the last time.
func (v *Vector) Nest(rows, width int, keys []any) *Nested {
	n := v.spare
	if n == nil {
		n = &Nested{}
		if v.Type.Kind != types.KindStruct {
			n.Parts = []*Vector{New(v.Type.Elem)}
		}
		for _, f := range v.Type.Fields {
			n.Parts = append(n.Parts, New(f.Type))
		}
		v.spare = n
	}
	for _, p := range n.Parts {
		p.Reset()
	}
	n.N, n.Width, n.Keys, v.Nested = rows, width, keys, n
	return n
}

// Item is the boxed element i of a vector whose elements are in Any or Nested. The row must not be NULL. Of Nested elements it allocates.
func (v *Vector) Item(i int) any {
	if v.Nested == nil {
		return v.Any[i]
	}
	return v.Nested.box(i, v.Type.Kind)
}

func (n *Nested) box(i int, kind types.Kind) any {
	switch kind {
	case types.KindStruct:
		fields := make([]any, len(n.Parts))
		for k, p := range n.Parts {
			fields[k] = p.Value(i)
		}
		return fields
	case types.KindMap:
		m := make(types.Map, n.Width)
		for k, key := range n.Keys {
			m[k] = types.MapEntry{Key: key, Value: n.Parts[0].Value(i*n.Width + k)}
		}
		return m
	}
	list := make([]any, n.Width)
	for k := range list {
		list[k] = n.Parts[0].Value(i*n.Width + k)
	}
	return list
}
