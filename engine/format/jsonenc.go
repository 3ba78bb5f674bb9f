package format

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// jsonEncoder writes a row as one JSON object with every column, NULLs included, or as a bare value.
type jsonEncoder struct {
	cols []Column
	lead [][]byte // what stands before each column's value: `{"A":`, `,"B":`; nil if bare
}

func newJSONEncoder(f plan.Format, cols []Column, opts Options) (Encoder, error) {
	e := &jsonEncoder{cols: cols}
	if bare(f, cols, opts) {
		return e, nil
	}
	e.lead = make([][]byte, 0, len(cols))
	open := byte('{')
	for _, c := range cols {
		e.lead = append(e.lead, append(AppendJSONString([]byte{open}, c.Name), ':'))
		open = ','
	}
	return e, nil
}

// Append implements Encoder.
func (e *jsonEncoder) Append(dst []byte, cols []*vector.Vector, row int) ([]byte, error) {
	if e.lead == nil {
		v := cols[e.cols[0].Target]
		if v.IsNull(row) {
			return dst, ErrNull
		}
		return appendJSONColumn(dst, v, row), nil
	}
	if len(e.cols) == 0 {
		return append(dst, "{}"...), nil
	}
	for i := range e.cols {
		dst = append(dst, e.lead[i]...)
		dst = appendJSONColumn(dst, cols[e.cols[i].Target], row)
	}
	return append(dst, '}'), nil
}

// AppendJSON adds a column's value as the JSON format writes it.
func AppendJSON(dst []byte, v *vector.Vector, row int) []byte { return appendJSONColumn(dst, v, row) }

func appendJSONColumn(dst []byte, v *vector.Vector, row int) []byte {
	if v.IsNull(row) {
		return append(dst, "null"...)
	}
	i := v.At(row)
	switch v.Type.Kind {
	case types.KindBoolean:
		return strconv.AppendBool(dst, v.Bool[i])
	case types.KindInt, types.KindDate, types.KindTime:
		return strconv.AppendInt(dst, int64(v.I32[i]), 10)
	case types.KindBigint, types.KindTimestamp:
		return strconv.AppendInt(dst, v.I64[i], 10)
	case types.KindDouble:
		return appendJSONDouble(dst, v.F64[i])
	case types.KindString:
		return AppendJSONString(dst, v.Str(row))
	case types.KindBytes:
		return appendJSONBytes(dst, v.Str(row))
	}
	if v.Nested != nil {
		return appendJSONNested(dst, v, i)
	}
	return appendJSONValue(dst, v.Type, v.Any[i])
}

// appendJSONNested writes what appendJSONValue does, of elements that are not boxed.
func appendJSONNested(dst []byte, v *vector.Vector, i int) []byte {
	n, opening, closing := v.Nested, byte('{'), byte('}')
	parts := n.Width
	switch v.Type.Kind {
	case types.KindArray:
		opening, closing = '[', ']'
	case types.KindStruct:
		parts = len(n.Parts)
	}
	dst = append(dst, opening)
	for k := range parts {
		if k > 0 {
			dst = append(dst, ',')
		}
		switch v.Type.Kind {
		case types.KindStruct:
			dst = append(AppendJSONString(dst, v.Type.Fields[k].Name), ':')
			dst = appendJSONColumn(dst, n.Parts[k], i)
			continue
		case types.KindMap:
			dst = append(AppendJSONString(dst, n.Keys[k].(string)), ':')
		}
		dst = appendJSONColumn(dst, n.Parts[0], i*n.Width+k)
	}
	return append(dst, closing)
}

// appendJSONDouble quotes what JSON has no number for, as Jackson does; reading takes it back.
func appendJSONDouble(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(types.AppendDouble(append(dst, '"'), f), '"')
	}
	return types.AppendDouble(dst, f)
}

func appendJSONBytes(dst, b []byte) []byte {
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
}

// appendJSONValue writes a boxed value of the type.
func appendJSONValue(dst []byte, t *types.Type, value any) []byte {
	if value == nil {
		return append(dst, "null"...)
	}
	switch t.Kind {
	case types.KindBoolean:
		return strconv.AppendBool(dst, value.(bool))
	case types.KindInt, types.KindDate, types.KindTime:
		return strconv.AppendInt(dst, int64(value.(int32)), 10)
	case types.KindBigint, types.KindTimestamp:
		return strconv.AppendInt(dst, value.(int64), 10)
	case types.KindDouble:
		return appendJSONDouble(dst, value.(float64))
	case types.KindDecimal:
		return value.(types.Decimal).Append(dst)
	case types.KindString:
		return AppendJSONString(dst, value.(string))
	case types.KindBytes:
		return appendJSONBytes(dst, value.([]byte))
	case types.KindArray:
		dst = append(dst, '[')
		for i, x := range value.([]any) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSONValue(dst, t.Elem, x)
		}
		return append(dst, ']')
	case types.KindMap:
		dst = append(dst, '{')
		for i, x := range value.(types.Map) {
			if i > 0 {
				dst = append(dst, ',')
			}
			key, ok := x.Key.(string)
			if !ok {
				key = "null" // JSON has no NULL key; ksqlDB writes this
			}
			dst = append(AppendJSONString(dst, key), ':')
			dst = appendJSONValue(dst, t.Elem, x.Value)
		}
		return append(dst, '}')
	case types.KindStruct:
		dst = append(dst, '{')
		for i, x := range value.([]any) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendJSONString(dst, t.Fields[i].Name), ':')
			dst = appendJSONValue(dst, t.Fields[i].Type, x)
		}
		return append(dst, '}')
	}
	panic(fmt.Sprintf("format: a %s was let through to JSON", t))
}
