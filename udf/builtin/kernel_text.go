package builtin

import (
	"bytes"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/vector"
)

// appendCase appends s in another case: ASCII byte by byte, anything else by the standard library.
func appendCase(lo, hi byte, other func([]byte) []byte) func(dst, s []byte) []byte {
	return func(dst, s []byte) []byte {
		mark := len(dst)
		for _, c := range s {
			if c >= utf8.RuneSelf {
				return append(dst[:mark], other(s)...)
			}
			if c >= lo && c <= hi {
				c ^= 'a' ^ 'A'
			}
			dst = append(dst, c)
		}
		return dst
	}
}

var (
	appendUpper = appendCase('a', 'z', bytes.ToUpper)
	appendLower = appendCase('A', 'Z', bytes.ToLower)
)

// appendTrimmed appends s without what Java's String.trim cuts, of which all is ASCII.
func appendTrimmed(dst, s []byte) []byte {
	return append(dst, bytes.TrimFunc(s, func(r rune) bool { return r <= ' ' })...)
}

// appendPart appends what SUBSTRING gives of a text.
func appendPart(dst []byte, args []*vector.Vector, row int) []byte {
	s := args[0].Str(row)
	start, end := part(utf8.RuneCount(s), args, row)
	from := skipRunes(s, start)
	return append(dst, s[from:from+skipRunes(s[from:], end-start)]...)
}

func appendBytesPart(dst []byte, args []*vector.Vector, row int) []byte {
	s := args[0].Str(row)
	start, end := part(len(s), args, row)
	return append(dst, s[start:end]...)
}

// part gives the bounds of SUBSTRING in n elements.
func part(n int, args []*vector.Vector, row int) (start, end int) {
	pos := args[1].I32[args[1].At(row)]
	if len(args) < 3 {
		return bounds(n, pos, nil)
	}
	return bounds(n, pos, &args[2].I32[args[2].At(row)])
}

// skipRunes is the length of the first n characters of s.
func skipRunes(s []byte, n int) int {
	at := 0
	for ; n > 0; n-- {
		_, size := utf8.DecodeRune(s[at:])
		at += size
	}
	return at
}

// appendReplaced appends s with old replaced.
func appendReplaced(dst []byte, args []*vector.Vector, row int) ([]byte, error) {
	s, old, text := args[0].Str(row), args[1].Str(row), args[2].Str(row)
	if len(old) == 0 {
		if err := replaceLimit(len(s), utf8.RuneCount(s)+1, len(text)); err != nil {
			return dst, err
		}
		return append(dst, bytes.ReplaceAll(s, old, text)...), nil
	}
	if err := replaceLimit(len(s), bytes.Count(s, old), len(text)); err != nil {
		return dst, err
	}
	for {
		i := bytes.Index(s, old)
		if i < 0 {
			return append(dst, s...), nil
		}
		dst = append(append(dst, s[:i]...), text...)
		s = s[i+len(old):]
	}
}

// appendJoined appends all arguments from the first on that are not NULL, with a separator between them.
func appendJoined(dst []byte, args []*vector.Vector, row int, separator []byte) []byte {
	first := true
	for _, v := range args {
		if v.IsNull(row) {
			continue
		}
		if !first {
			dst = append(dst, separator...)
		}
		dst, first = append(dst, v.Str(row)...), false
	}
	return dst
}
