package codec

import (
	"fmt"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Row encodes and decodes rows of fixed column types. It is immutable.
type Row struct{ types []*types.Type }

// NewRow returns the codec for rows with columns of the types.
func NewRow(columns []*types.Type) *Row { return &Row{columns} }

// Append encodes a row of the columns, without boxing flat types.
func (c *Row) Append(dst []byte, cols []*vector.Vector, row int) []byte {
	var w Writer
	w.Begin(dst, len(c.types))
	for i, v := range cols {
		if v.IsNull(row) {
			w.Null()
			continue
		}
		at := v.At(row)
		switch c.types[i].Kind {
		case types.KindBoolean:
			w.Bool(v.Bool[at])
		case types.KindInt, types.KindDate, types.KindTime:
			w.Int32(v.I32[at])
		case types.KindBigint, types.KindTimestamp:
			w.Int64(v.I64[at])
		case types.KindDouble:
			w.Float64(v.F64[at])
		case types.KindString, types.KindBytes:
			w.Str(v.Str(row))
		default:
			w.Value(c.types[i], v.Item(at))
		}
	}
	return w.Bytes()
}

// Decode appends a row to vectors, one a column. After an error the vectors may be of different lengths.
func (c *Row) Decode(src []byte, cols []*vector.Vector) error {
	var r Reader
	r.Begin(src, len(c.types))
	for i, v := range cols {
		if r.Null() {
			v.AppendNull()
			continue
		}
		switch t := c.types[i]; t.Kind {
		case types.KindBoolean:
			v.Bool = append(v.Bool, r.Bool())
		case types.KindInt, types.KindDate, types.KindTime:
			v.I32 = append(v.I32, r.Int32())
		case types.KindBigint, types.KindTimestamp:
			v.I64 = append(v.I64, r.Int64())
		case types.KindDouble:
			v.F64 = append(v.F64, r.Float64())
		case types.KindString, types.KindBytes:
			v.AppendBytes(r.Str())
		default:
			v.Any = append(v.Any, r.Value(t))
		}
	}
	return c.wrap(r.Err())
}

// AppendValues encodes boxed values.
func (c *Row) AppendValues(dst []byte, values []any) []byte {
	var w Writer
	w.Begin(dst, len(c.types))
	for i, v := range values {
		w.Value(c.types[i], v)
	}
	return w.Bytes()
}

// DecodeValues returns the boxed values of a row.
func (c *Row) DecodeValues(src []byte) ([]any, error) {
	var r Reader
	r.Begin(src, len(c.types))
	values := make([]any, len(c.types))
	for i, t := range c.types {
		if !r.Null() {
			values[i] = r.Value(t)
		}
	}
	return values, c.wrap(r.Err())
}

func (c *Row) wrap(err error) error {
	if err != nil {
		return fmt.Errorf("decode stored row of %d columns: %w", len(c.types), err)
	}
	return nil
}
