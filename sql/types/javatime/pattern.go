// Package javatime formats and reads dates and times by the patterns of Java's DateTimeFormatter, which ksqlDB's statements
// are written with: 'yyyy-MM-dd”T”HH:mm:ss.SSSX'.
//
// Supported letters: G u y M L d D Q q E a h H k K m s S A n N V z O X x Z, text in quotes, and optional parts in brackets. Week-based
// fields, padding and long zone names are refused when the pattern is compiled. Text is English and read whatever
// its case. Fields that a text does not give are those of 1970-01-01T00:00.
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
	literal  string
	optional []item // not nil: an optional part
}

const (
	maxPattern = 500
	maxDepth   = 10
)

// counts is how often a letter may be repeated.
var counts = map[byte]int{
	'G': 3, 'u': 19, 'y': 19, 'M': 5, 'L': 5, 'd': 2, 'D': 3, 'Q': 4, 'q': 4, 'E': 5, 'a': 1, 'h': 2, 'H': 2, 'k': 2, 'K': 2,
	'm': 2, 's': 2, 'S': 9, 'A': 19, 'n': 19, 'N': 19, 'V': 2, 'z': 3, 'O': 4, 'X': 5, 'x': 5, 'Z': 5,
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
			n := len(c.rest) - len(strings.TrimLeft(c.rest, string(ch)))
			if n > counts[ch] || ch == 'V' && n != 2 || ch == 'O' && n != 1 && n != 4 {
				return nil, fmt.Errorf("%s is not supported", c.rest[:n])
			}
			out = append(out, item{letter: ch, count: n})
			c.rest = c.rest[n:]
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
	case 'u', 'y':
		if it.count == 2 {
			return 2, 2, true
		}
		return it.count, 19, true
	case 'M', 'L', 'Q', 'q':
		if it.count > 2 {
			return 0, 0, false
		}
		fallthrough
	case 'd', 'h', 'H', 'k', 'K', 'm', 's':
		if it.count == 2 {
			return 2, 2, true
		}
		return 1, 19, true
	case 'D':
		if it.count == 3 {
			return 3, 3, true
		}
		return it.count, 3, true
	case 'A', 'n', 'N':
		return it.count, 19, true
	case 'S':
		return it.count, it.count, true
	}
	return 0, 0, false
}
