package server

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/sql/types"
)

// appendValue writes a boxed value as the REST API shows it. That is the JSON of records but for times, which are texts here:
// DATE yyyy-MM-dd, TIME HH:mm:ss[.SSS], TIMESTAMP yyyy-MM-dd'T'HH:mm:ss.SSS.
func appendValue(b []byte, t *types.Type, value any) []byte {
	if value == nil {
		return append(b, "null"...)
	}
	switch t.Kind {
	case types.KindBoolean:
		return strconv.AppendBool(b, value.(bool))
	case types.KindInt:
		return strconv.AppendInt(b, int64(value.(int32)), 10)
	case types.KindBigint:
		return strconv.AppendInt(b, value.(int64), 10)
	case types.KindDouble:
		return appendDouble(b, value.(float64))
	case types.KindDecimal:
		return value.(types.Decimal).Append(b)
	case types.KindBytes:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), value.([]byte)), '"')
	case types.KindDate:
		return append(types.AppendDate(append(b, '"'), value.(int32)), '"')
	case types.KindTime:
		return append(appendTime(append(b, '"'), value.(int32)), '"')
	case types.KindTimestamp:
		return append(types.AppendTimestamp(append(b, '"'), value.(int64)), '"')
	case types.KindArray, types.KindMap, types.KindStruct:
		return appendNested(b, t, value)
	}
	return format.AppendJSONString(b, value.(string))
}

func appendNested(b []byte, t *types.Type, value any) []byte {
	switch t.Kind {
	case types.KindArray:
		b = append(b, '[')
		for i, x := range value.([]any) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, t.Elem, x)
		}
		return append(b, ']')
	case types.KindMap:
		b = append(b, '{')
		for i, x := range value.(types.Map) {
			if i > 0 {
				b = append(b, ',')
			}
			b = format.AppendJSONString(b, types.Text(x.Key, t.Key))
			b = appendValue(append(b, ':'), t.Elem, x.Value)
		}
		return append(b, '}')
	}
	b = append(b, '{')
	for i, x := range value.([]any) {
		if i > 0 {
			b = append(b, ',')
		}
		b = format.AppendJSONString(b, t.Fields[i].Name)
		b = appendValue(append(b, ':'), t.Fields[i].Type, x)
	}
	return append(b, '}')
}

// appendDouble quotes what JSON has no number for.
func appendDouble(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(types.AppendDouble(append(b, '"'), f), '"')
	}
	return types.AppendDouble(b, f)
}

func appendTime(b []byte, ms int32) []byte {
	two := func(n int32) { b = append(b, byte('0'+n/10%10), byte('0'+n%10)) }
	two(ms / 3_600_000)
	b = append(b, ':')
	two(ms / 60_000 % 60)
	b = append(b, ':')
	two(ms / 1000 % 60)
	if rest := ms % 1000; rest != 0 {
		b = append(b, '.', byte('0'+rest/100))
		two(rest % 100)
	}
	return b
}
