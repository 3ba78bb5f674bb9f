package format

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// The scanner checks JSON text (RFC 8259, strictly: no comments, no trailing commas, valid UTF-8, nothing behind the value) and
// finds where values lie. It makes nothing of them: coercion works on the spans that it returns, and may rely on their syntax.

// kind is what a JSON value is.
type kind uint8

const (
	missing kind = iota // the record has no such field
	null
	boolFalse
	boolTrue
	number
	text
	array
	object
)

var kindNames = [...]string{"missing", "null", "boolean", "boolean", "number", "string", "array", "object"}

func (k kind) String() string { return kindNames[k] }

// span is one JSON value of a payload. That of a string excludes the quotes. It is small on purpose: it travels in registers.
type span struct {
	start, end int32 // so a payload has at most 2 GiB
	kind       kind
	escaped    bool // a string with backslashes
	fraction   bool // a number with a point or an exponent
	exact      bool // noted for a column of exactly the member's name
}

// of is the text of the value.
func (s *span) of(b []byte) []byte { return b[s.start:s.end] }

// SyntaxError is a payload that is not what its format asks for.
type SyntaxError struct {
	Offset int // in bytes
	Reason string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

func badSyntax(offset int, reason string) error { return &SyntaxError{Offset: offset, Reason: reason} }

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// scanValue scans the value that begins at b[i] and returns the offset behind it. Depth is how deep it may still nest.
func scanValue(b []byte, i, depth int) (span, int, error) {
	if i >= len(b) {
		return span{}, i, badSyntax(i, "unexpected end of JSON")
	}
	switch c := b[i]; {
	case c == '"':
		end, escaped, err := scanString(b, i+1)
		return span{start: int32(i + 1), end: int32(end), kind: text, escaped: escaped}, end + 1, err
	case c == '-' || '0' <= c && c <= '9':
		end, fraction, err := scanNumber(b, i)
		return span{start: int32(i), end: int32(end), kind: number, fraction: fraction}, end, err
	case c == '{':
		end, err := scanObject(b, i, depth-1)
		return span{start: int32(i), end: int32(end), kind: object}, end, err
	case c == '[':
		end, err := scanArray(b, i, depth-1)
		return span{start: int32(i), end: int32(end), kind: array}, end, err
	case c == 't':
		return scanWord(b, i, "true", boolTrue)
	case c == 'f':
		return scanWord(b, i, "false", boolFalse)
	case c == 'n':
		return scanWord(b, i, "null", null)
	}
	return span{}, i, badSyntax(i, "a JSON value cannot begin so")
}

func scanWord(b []byte, i int, word string, k kind) (span, int, error) {
	end := i + len(word)
	if end > len(b) || string(b[i:end]) != word {
		return span{}, i, badSyntax(i, "invalid JSON literal")
	}
	return span{start: int32(i), end: int32(end), kind: k}, end, nil
}

// scanString returns the offset of the quote that closes the string whose content begins at i.
func scanString(b []byte, i int) (end int, escaped bool, err error) {
	start, ascii := i, true
	for {
		i = plainText(b, i)
		if i >= len(b) {
			return i, false, badSyntax(i, "unterminated JSON string")
		}
		switch c := b[i]; {
		case c == '"':
			if !ascii && !utf8.Valid(b[start:i]) {
				return i, false, badSyntax(start, "invalid UTF-8 in JSON string")
			}
			return i, escaped, nil
		case c == '\\':
			n := escapeLen(b, i)
			if n == 0 {
				return i, false, badSyntax(i, "invalid escape in JSON string")
			}
			escaped = true
			i += n
		case c < ' ':
			return i, false, badSyntax(i, "control character in JSON string")
		default:
			ascii = false
			i++
			for i < len(b) && b[i] >= utf8.RuneSelf {
				i++
			}
		}
	}
}

// plainText returns the offset of the first byte from i on that is a quote, a backslash, a control character or not ASCII. It looks
// at eight bytes at once: a byte's top bit is set in m if it is one of those. (Borrows may set bits above the first hit, never below.)
func plainText(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w | w) & tops
		if m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' && b[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// scanNumber returns the offset behind the number at b[i].
func scanNumber(b []byte, i int) (end int, fraction bool, err error) {
	if b[i] == '-' {
		i++
	}
	first := i
	i = digits(b, i)
	if i == first || i > first+1 && b[first] == '0' {
		return i, false, badSyntax(first, "invalid JSON number")
	}
	if i < len(b) && b[i] == '.' {
		fraction = true
		first = i + 1
		if i = digits(b, first); i == first {
			return i, false, badSyntax(i, "invalid JSON number")
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		fraction = true
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		first = i
		if i = digits(b, first); i == first {
			return i, false, badSyntax(i, "invalid JSON number")
		}
	}
	return i, fraction, nil
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

func scanObject(b []byte, i, depth int) (int, error) {
	if depth < 0 {
		return i, badSyntax(i, "JSON nested too deeply")
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1, nil
	}
	for {
		_, next, err := scanKey(b, i)
		if err != nil {
			return next, err
		}
		if _, next, err = scanValue(b, next, depth); err != nil {
			return next, err
		}
		var more bool
		if i, more, err = scanComma(b, next, '}'); !more {
			return i, err
		}
	}
}

func scanArray(b []byte, i, depth int) (int, error) {
	if depth < 0 {
		return i, badSyntax(i, "JSON nested too deeply")
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return i + 1, nil
	}
	for {
		_, next, err := scanValue(b, i, depth)
		if err != nil {
			return next, err
		}
		var more bool
		if i, more, err = scanComma(b, next, ']'); !more {
			return i, err
		}
	}
}

// scanKey scans a member's name and colon, and returns the offset of its value.
func scanKey(b []byte, i int) (span, int, error) {
	if i >= len(b) || b[i] != '"' {
		return span{}, i, badSyntax(i, "expected a JSON member name")
	}
	end, escaped, err := scanString(b, i+1)
	if err != nil {
		return span{}, end, err
	}
	key := span{start: int32(i + 1), end: int32(end), kind: text, escaped: escaped}
	if i = skipSpace(b, end+1); i >= len(b) || b[i] != ':' {
		return span{}, i, badSyntax(i, "expected a colon")
	}
	return key, skipSpace(b, i+1), nil
}

// scanComma goes on behind a member or element: to the next one, or behind the closing bracket.
func scanComma(b []byte, i int, closing byte) (next int, more bool, err error) {
	i = skipSpace(b, i)
	if i < len(b) {
		switch b[i] {
		case ',':
			return skipSpace(b, i+1), true, nil
		case closing:
			return i + 1, false, nil
		}
	}
	return i, false, badSyntax(i, "expected a comma or a closing bracket")
}

// scanEnd checks that nothing follows.
func scanEnd(b []byte, i int) error {
	if i = skipSpace(b, i); i != len(b) {
		return badSyntax(i, "unexpected text after the JSON value")
	}
	return nil
}
