package builtin

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// partFunctions take text, in characters, or bytes apart and put them together.
func partFunctions() []udf.Function {
	return []udf.Function{
		function("SUBSTRING", "A part of a text or of bytes. Positions count from 1, or from the end if negative.",
			rowsOfText(on("str STRING, pos INT -> STRING", substringText), appendPart),
			rowsOfText(on("str BYTES, pos INT -> BYTES", substringBytes), appendBytesPart),
			rowsOfText(on("str STRING, pos INT, length INT -> STRING", substringText), appendPart),
			rowsOfText(on("str BYTES, pos INT, length INT -> BYTES", substringBytes), appendBytesPart)),
		function("LPAD", "Text or bytes padded on the left, or cut, to a length.",
			on("input STRING, targetLen INT, padding STRING -> STRING", padText(true)),
			on("input BYTES, targetLen INT, padding BYTES -> BYTES", padBytes(true))),
		function("RPAD", "Text or bytes padded on the right, or cut, to a length.",
			on("input STRING, targetLen INT, padding STRING -> STRING", padText(false)),
			on("input BYTES, targetLen INT, padding BYTES -> BYTES", padBytes(false))),
		function("INSTR", "The position of a part in a text, counted from 1; 0 if it is not there or a text is NULL. A negative position searches backwards.",
			onNulls("str STRING, substring STRING -> INT", instr), onNulls("str STRING, substring STRING, position INT -> INT", instr),
			onNulls("str STRING, substring STRING, position INT, occurrence INT -> INT", instr)),
		function("CONCAT", "The arguments one behind the other; NULL ones are left out.",
			rowsOfText(onNulls("inputs STRING... -> STRING", func(_ *udf.Call, a []any) (any, error) { return joinText("", a), nil }), concat),
			rowsOfText(onNulls("inputs BYTES... -> BYTES", func(_ *udf.Call, a []any) (any, error) { return joinBytes(nil, a), nil }), concat)),
		function("CONCAT_WS", "The arguments behind the first, with the first between them; NULL ones are left out.",
			onNulls("separator STRING, inputs STRING... -> STRING", func(_ *udf.Call, a []any) (any, error) {
				if a[0] == nil {
					return nil, nil
				}
				return joinText(a[0].(string), a[1:]), nil
			}),
			onNulls("separator BYTES, inputs BYTES... -> BYTES", func(_ *udf.Call, a []any) (any, error) {
				if a[0] == nil {
					return nil, nil
				}
				return joinBytes(a[0].([]byte), a[1:]), nil
			})),
		function("SPLIT", "The parts of a text or of bytes between a delimiter; an empty delimiter splits at every character or byte.",
			on("string STRING, delimiter STRING -> ARRAY<STRING>", splitText), on("string BYTES, delimiter BYTES -> ARRAY<BYTES>", splitBytes)),
	}
}

// bounds are those of SUBSTRING in n elements; length nil: to the end.
func bounds(n int, pos int32, length *int32) (start, end int) {
	if pos < 0 {
		start = max(n+int(pos), 0)
	} else {
		start = max(min(int(pos)-1, n), 0)
	}
	if length == nil {
		return start, n
	}
	return start, max(start, min(n, start+int(*length)))
}

func cut(n int, a []any) (start, end int) {
	if len(a) < 3 {
		return bounds(n, a[1].(int32), nil)
	}
	length := a[2].(int32)
	return bounds(n, a[1].(int32), &length)
}

func substringText(_ *udf.Call, a []any) (any, error) {
	s := a[0].(string)
	start, end := cut(utf8.RuneCountInString(s), a)
	at, from, to := 0, len(s), len(s)
	for i := range s {
		if at == start {
			from = i
		}
		if at == end {
			to = i
		}
		at++
	}
	return s[from:max(from, to)], nil
}

func substringBytes(_ *udf.Call, a []any) (any, error) {
	b := a[0].([]byte)
	start, end := cut(len(b), a)
	return b[start:end:end], nil
}

// padTo gives n elements: input cut, or filled with padding before or behind it.
func padTo[T any](input, padding []T, n int, left bool) []T {
	if len(input) >= n {
		return input[:n:n]
	}
	fill := make([]T, n-len(input))
	for i := range fill {
		fill[i] = padding[i%len(padding)]
	}
	if left {
		return append(fill, input...)
	}
	return append(append(make([]T, 0, n), input...), fill...)
}

func padLength(n int32, padding int) (ok bool, err error) {
	if n > maxText {
		return false, fmt.Errorf("length %d is more than %d", n, maxText)
	}
	return n >= 0 && padding > 0, nil
}

func padText(left bool) impl {
	return func(_ *udf.Call, a []any) (any, error) {
		padding := []rune(a[2].(string))
		if ok, err := padLength(a[1].(int32), len(padding)); !ok {
			return nil, err
		}
		return string(padTo([]rune(a[0].(string)), padding, int(a[1].(int32)), left)), nil
	}
}

func padBytes(left bool) impl {
	return func(_ *udf.Call, a []any) (any, error) {
		padding := a[2].([]byte)
		if ok, err := padLength(a[1].(int32), len(padding)); !ok {
			return nil, err
		}
		return padTo(a[0].([]byte), padding, int(a[1].(int32)), left), nil
	}
}

func instr(_ *udf.Call, a []any) (any, error) {
	if slices.Contains(a[2:], nil) {
		return nil, nil
	}
	if a[0] == nil || a[1] == nil {
		return int32(0), nil
	}
	s, part := []rune(a[0].(string)), []rune(a[1].(string))
	pos, occurrence := int32(1), int32(1)
	if len(a) > 2 {
		pos = a[2].(int32)
	}
	if len(a) > 3 {
		occurrence = a[3].(int32)
	}
	at, step := int(pos)-1, 1
	if pos < 0 {
		at, step = len(s)+int(pos), -1
	}
	if pos == 0 || occurrence < 1 {
		return int32(0), nil
	}
	at = min(at, len(s)-len(part))
	if pos > 0 && int(pos)-1 > at {
		return int32(0), nil
	}
	for ; at >= 0 && at+len(part) <= len(s); at += step {
		if string(s[at:at+len(part)]) == string(part) {
			if occurrence--; occurrence == 0 {
				return int32(at + 1), nil
			}
		}
	}
	return int32(0), nil
}

// concat is the column form of CONCAT.
func concat(dst []byte, args []*vector.Vector, row int) []byte {
	return appendJoined(dst, args, row, nil)
}

func joinText(separator string, a []any) string {
	var parts []string
	for _, v := range a {
		if s, ok := v.(string); ok {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, separator)
}

func joinBytes(separator []byte, a []any) []byte {
	var parts [][]byte
	for _, v := range a {
		if b, ok := v.([]byte); ok {
			parts = append(parts, b)
		}
	}
	return bytes.Join(parts, separator)
}

func splitText(_ *udf.Call, a []any) (any, error) {
	s, delimiter := a[0].(string), a[1].(string)
	if s == "" {
		return []any{""}, nil
	}
	out := []any{}
	for part := range strings.SplitSeq(s, delimiter) {
		out = append(out, part)
	}
	return out, nil
}

func splitBytes(_ *udf.Call, a []any) (any, error) {
	s, delimiter := a[0].([]byte), a[1].([]byte)
	out := []any{}
	switch {
	case len(s) == 0:
		return []any{[]byte{}}, nil
	case len(delimiter) == 0:
		for i := range s {
			out = append(out, s[i:i+1:i+1])
		}
	default:
		for part := range bytes.SplitSeq(s, delimiter) {
			out = append(out, part)
		}
	}
	return out, nil
}
