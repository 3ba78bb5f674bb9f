package builtin

import (
	"crypto/md5" //nolint:gosec // MD5 is what the function is asked for
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf"
)

// maxText bounds what padding and replacing may add to a text: records are hostile.
const maxText = 16 << 20

var errTooLong = fmt.Errorf("the result is longer than %d bytes", maxText)

func stringFunctions() []udf.Function {
	text := func(f func(string) string) impl {
		return func(_ *udf.Call, a []any) (any, error) { return f(a[0].(string)), nil }
	}
	return []udf.Function{
		function("UCASE", "The text in upper case.", rowsOfText1(on("input STRING -> STRING", text(strings.ToUpper)), appendUpper)),
		function("LCASE", "The text in lower case.", rowsOfText1(on("input STRING -> STRING", text(strings.ToLower)), appendLower)),
		function("TRIM", "The text without white space around it.", rowsOfText1(on("input STRING -> STRING", text(trim)), appendTrimmed)),
		function("INITCAP", "The text with each word's first letter in upper and the others in lower case.",
			on("str STRING -> STRING", text(initcap))),
		function("LEN", "The number of characters of a text, or of bytes.",
			rowsOfNumber(on("input STRING -> INT", func(_ *udf.Call, a []any) (any, error) {
				return int32(utf8.RuneCountInString(a[0].(string))), nil
			}), func(args []*vector.Vector, row int) int32 { return int32(utf8.RuneCount(args[0].Str(row))) }),
			rowsOfNumber(on("input BYTES -> INT", func(_ *udf.Call, a []any) (any, error) { return int32(len(a[0].([]byte))), nil }),
				func(args []*vector.Vector, row int) int32 { return int32(len(args[0].Str(row))) })),
		function("REPLACE", "The text with every occurrence of a part replaced.",
			rowsOfFailingText(on("str STRING, oldStr STRING, newStr STRING -> STRING", func(_ *udf.Call, a []any) (any, error) {
				s, old, text := a[0].(string), a[1].(string), a[2].(string)
				if err := replaceLimit(len(s), strings.Count(s, old), len(text)); err != nil {
					return nil, err
				}
				return strings.ReplaceAll(s, old, text), nil
			}), appendReplaced)),
		function("MD5", "The MD5 hash of a text in hexadecimal.", on("s STRING -> STRING", text(func(s string) string {
			sum := md5.Sum([]byte(s)) //nolint:gosec // see above
			return hex.EncodeToString(sum[:])
		}))),
		function("CHR", "The character of a code point, given as a number or as \\uXXXX.",
			on("decimalCode INT -> STRING", func(_ *udf.Call, a []any) (any, error) {
				if r := a[0].(int32); utf8.ValidRune(r) {
					return string(r), nil
				}
				return nil, nil
			}),
			on("utf16Code STRING -> STRING", func(_ *udf.Call, a []any) (any, error) { return unescape(a[0].(string)), nil })),
		function("ELT", "The argument behind the first at position n, counted from 1; NULL where there is none.",
			onNulls("n INT, args STRING... -> STRING", func(_ *udf.Call, a []any) (any, error) {
				if n, ok := a[0].(int32); ok && n >= 1 && int(n) < len(a) {
					return a[n], nil
				}
				return nil, nil
			})),
		function("FIELD", "The position of the first argument among the others, counted from 1; 0 if it is not there or NULL.",
			onNulls("str STRING, args STRING... -> INT", func(_ *udf.Call, a []any) (any, error) {
				if a[0] == nil {
					return int32(0), nil
				}
				return int32(slices.Index(a[1:], a[0]) + 1), nil
			})),
		function("UUID", "A random UUID, or the one that 16 bytes hold.",
			udf.Overload{Signature: "-> STRING", Volatile: true, Call: randomUUID},
			on("bytes BYTES -> STRING", func(_ *udf.Call, a []any) (any, error) {
				if b := a[0].([]byte); len(b) == 16 {
					return formatUUID(b), nil
				}
				return nil, nil
			})),
		function("SPLIT_TO_MAP", "The entries of a text as a map; an entry without its delimiter is left out, and so is what follows a second one.",
			on("input STRING, entryDelimiter STRING, kvDelimiter STRING -> MAP<STRING, STRING>", splitToMap)),
	}
}

// replaceLimit refuses to replace so many parts of a text of n bytes by one of so many bytes.
func replaceLimit(n, parts, text int) error {
	if n*text > maxText && parts*text > maxText {
		return errTooLong
	}
	return nil
}

// trim cuts what Java's String.trim cuts.
func trim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

func initcap(s string) string {
	start := true
	return strings.Map(func(r rune) rune {
		defer func() { start = unicode.IsSpace(r) }()
		if start {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

// unescape reads a sequence of \uXXXX; NULL if it is anything else.
func unescape(s string) any {
	var units []uint16
	for s != "" {
		if len(s) < 6 || s[0] != '\\' || s[1]|32 != 'u' {
			return nil
		}
		n, err := strconv.ParseUint(s[2:6], 16, 16)
		if err != nil {
			return nil
		}
		units = append(units, uint16(n))
		s = s[6:]
	}
	if len(units) == 0 {
		return nil
	}
	return string(utf16.Decode(units))
}

func randomUUID(c *udf.Call, _ []any) (any, error) {
	if c.Env == nil || c.Env.Random == nil {
		return nil, errors.New("no source of random numbers")
	}
	b := make([]byte, 16)
	for i := range b {
		b[i] = byte(c.Env.Random() * 256)
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, RFC 9562
	return formatUUID(b), nil
}

func formatUUID(b []byte) string {
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func splitToMap(_ *udf.Call, a []any) (any, error) {
	s, entry, kv := a[0].(string), a[1].(string), a[2].(string)
	if entry == "" || kv == "" || entry == kv {
		return nil, nil
	}
	m := types.NewMapBuilder(types.String, 0)
	for part := range strings.SplitSeq(s, entry) {
		if k, rest, ok := strings.Cut(part, kv); ok {
			v, _, _ := strings.Cut(rest, kv)
			m.Put(k, v)
		}
	}
	return m.Map, nil
}
