// Package javatime formats and reads dates and times by the patterns of Java's DateTimeFormatter, which ksqlDB's statements
// are written with: 'yyyy-MM-dd"T"HH:mm:ss.SSSX', say.
//
// All letters of Java 17 are there: G u y Y M L d D Q q w W E e c F g a B h H k K m s S A n N V v z O X x Z, p to pad, text in
// quotes, and optional parts in brackets. What Java takes from a locale is that of the United States: names are English and read
// whatever their case, weeks begin on Sunday. Fields that a text does not give are those of 1970-01-01T00:00 where a moment is read.
//
// testdata/expect.tsv holds what Java itself makes of patterns; the tests compare.
package javatime

import (
	"fmt"
	"strings"
)

// Formatter is a compiled pattern. It is immutable and safe for concurrent use.
type Formatter struct {
	pattern string
	items   []item
}

// item is a field (letter and count), literal text, or an optional part.
type item struct {
	letter   byte // 0: literal or optional
	count    int
	pad      int // the width that blanks fill the field up to; 0: none
	literal  string
	optional []item // not nil: an optional part
}

const (
	maxPattern = 500
	maxDepth   = 10
)

// counts is how often a letter may be repeated.
var counts = map[byte]int{
	'G': 5, 'u': 19, 'y': 19, 'Y': 19, 'M': 5, 'L': 5, 'd': 2, 'D': 3, 'Q': 5, 'q': 5, 'w': 2, 'W': 1, 'E': 5, 'e': 5, 'c': 5, 'F': 1,
	'g': 19, 'a': 1, 'B': 5, 'h': 2, 'H': 2, 'k': 2, 'K': 2, 'm': 2, 's': 2, 'S': 9, 'A': 19, 'n': 19, 'N': 19,
	'V': 2, 'v': 4, 'z': 4, 'O': 4, 'X': 5, 'x': 5, 'Z': 5,
}

// allowed says whether a letter may be repeated so often.
func allowed(letter byte, n int) bool {
	switch letter {
	case 'V':
		return n == 2
	case 'O', 'v':
		return n == 1 || n == 4
	case 'B':
		return n == 1 || n == 4 || n == 5
	case 'c':
		return n != 2 && n <= 5
	}
	return n <= counts[letter]
}

// A class of fields: a date has no clock, a time of day no date, and neither has a zone.
const (
	dateFields = 1 << iota
	clockFields
	zoneFields
)

func classOf(letter byte) int {
	switch letter {
	case 'a', 'B', 'h', 'H', 'k', 'K', 'm', 's', 'S', 'A', 'n', 'N':
		return clockFields
	case 'V', 'v', 'z', 'O', 'X', 'x', 'Z':
		return zoneFields
	}
	return dateFields
}

// Compile reads a pattern.
func Compile(pattern string) (*Formatter, error) {
	if len(pattern) > maxPattern {
		return nil, fmt.Errorf("date pattern of %d bytes is longer than %d", len(pattern), maxPattern)
	}
	c := &compiler{rest: pattern}
	items, err := c.items(0)
	if err != nil {
		return nil, fmt.Errorf("date pattern %q: %w", pattern, err)
	}
	return &Formatter{pattern: pattern, items: items}, nil
}

// String is the pattern.
func (f *Formatter) String() string { return f.pattern }

type compiler struct{ rest string }

func isLetter(c byte) bool { return c|32 >= 'a' && c|32 <= 'z' }

func (c *compiler) items(depth int) ([]item, error) {
	out := []item{}
	if depth > maxDepth {
		return nil, fmt.Errorf("optional parts nest deeper than %d", maxDepth)
	}
	for c.rest != "" {
		ch := c.rest[0]
		switch {
		case isLetter(ch):
			it, err := c.field()
			if err != nil {
				return nil, err
			}
			out = append(out, it)
		case ch == '\'':
			text, err := c.quoted()
			if err != nil {
				return nil, err
			}
			out = append(out, item{literal: text})
		case ch == '[':
			c.rest = c.rest[1:]
			part, err := c.items(depth + 1)
			if err != nil {
				return nil, err
			}
			out = append(out, item{optional: part})
		case ch == ']':
			if depth == 0 {
				return nil, fmt.Errorf("] without [")
			}
			c.rest = c.rest[1:]
			return out, nil
		case ch == '{' || ch == '}' || ch == '#':
			return nil, fmt.Errorf("%c is reserved: write it in quotes", ch)
		default:
			out = append(out, item{literal: c.rest[:1]})
			c.rest = c.rest[1:]
		}
	}
	return out, nil // as in Java, the end closes optional parts
}

// field reads a run of a letter, with the padding before it.
func (c *compiler) field() (item, error) {
	run := func() (byte, int) {
		if c.rest == "" || !isLetter(c.rest[0]) {
			return 0, 0
		}
		letter := c.rest[0]
		n := len(c.rest) - len(strings.TrimLeft(c.rest, string(letter)))
		c.rest = c.rest[n:]
		return letter, n
	}
	pad := 0
	letter, n := run()
	if letter == 'p' {
		pad = n
		if letter, n = run(); letter == 0 {
			return item{}, fmt.Errorf("p pads no field")
		}
	}
	if !allowed(letter, n) {
		return item{}, fmt.Errorf("%s is not supported", strings.Repeat(string(letter), n))
	}
	return item{letter: letter, count: n, pad: pad}, nil
}

// quoted reads '...' with ” for a quote; two quotes alone are one.
func (c *compiler) quoted() (string, error) {
	if strings.HasPrefix(c.rest, "''") {
		c.rest = c.rest[2:]
		return "'", nil
	}
	var b strings.Builder
	for i := 1; i < len(c.rest); i++ {
		if c.rest[i] != '\'' {
			b.WriteByte(c.rest[i])
			continue
		}
		if i+1 < len(c.rest) && c.rest[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		c.rest = c.rest[i+1:]
		return b.String(), nil
	}
	return "", fmt.Errorf("text in quotes does not end")
}

// numeric says whether the field is a number, and how wide it is: fixed where min equals max.
func (it *item) numeric() (min, max int, ok bool) {
	switch it.letter {
	case 'u', 'y', 'Y':
		if it.count == 2 {
			return 2, 2, true
		}
		return it.count, 19, true
	case 'M', 'L', 'Q', 'q', 'e', 'c':
		if it.count > 2 {
			return 0, 0, false
		}
		fallthrough
	case 'd', 'h', 'H', 'k', 'K', 'm', 's':
		if it.count == 2 {
			return 2, 2, true
		}
		return 1, 19, true
	case 'W', 'F':
		return 1, 2, true
	case 'w':
		return it.count, 2, true
	case 'D':
		return it.count, 3, true
	case 'A', 'n', 'N', 'g':
		return it.count, 19, true
	case 'S':
		return it.count, it.count, true
	}
	return 0, 0, false
}
