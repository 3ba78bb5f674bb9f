package expr

import (
	"bytes"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// like matches a pattern, which is usually const and then prepared once. NULL operands do not match.
type like struct {
	x, pattern node
	escape     rune
	text       []byte // the pattern that parts was made of
	ready      bool
	parts      []likePart
	res        *vector.Vector
}

func (c *compiler) like(e *plan.Like) (node, error) {
	x, p, err := c.pair(e.Expr, e.Pattern)
	return &like{x: x, pattern: p, escape: e.Escape, res: vector.New(types.Boolean)}, err
}

func (x *like) eval(c *context, sel []int32) *vector.Vector {
	a, p := x.x.eval(c, sel), x.pattern.eval(c, sel)
	size(x.res, a.Const && p.Const, c.n)
	for _, row := range work(c, x.res.Const, sel) {
		i := int(row)
		x.res.Bool[i] = false
		if a.IsNull(i) || p.IsNull(i) {
			continue
		}
		if text := p.Str(i); !x.ready || !bytes.Equal(text, x.text) {
			x.text = append(x.text[:0], text...)
			x.parts, x.ready = parseLike(x.text, x.escape), true
		}
		x.res.Bool[i] = matchLike(a.Str(i), x.parts)
	}
	return x.res
}

// likePart is literal text or single characters between the % of a pattern.
type likePart struct {
	runes []rune // -1 stands for any one character
	text  []byte // the same, if it has no -1
}

// parseLike splits a pattern at its %.
func parseLike(pattern []byte, escape rune) []likePart {
	parts := []likePart{{}}
	for i := 0; i < len(pattern); {
		r, n := utf8.DecodeRune(pattern[i:])
		i += n
		last := &parts[len(parts)-1]
		switch {
		case r == escape && escape != 0 && i < len(pattern):
			r, n = utf8.DecodeRune(pattern[i:])
			i += n
			last.runes = append(last.runes, r)
		case r == '%':
			parts = append(parts, likePart{})
		case r == '_':
			last.runes = append(last.runes, -1)
		default:
			last.runes = append(last.runes, r)
		}
	}
	for i := range parts {
		parts[i].literal()
	}
	return parts
}

func (p *likePart) literal() {
	p.text = []byte{}
	for _, r := range p.runes {
		if r < 0 {
			p.text = nil
			return
		}
		p.text = utf8.AppendRune(p.text, r)
	}
}

// prefix gives the length of the text at the start of s that the part matches, or -1.
func (p *likePart) prefix(s []byte) int {
	if p.text != nil {
		if bytes.HasPrefix(s, p.text) {
			return len(p.text)
		}
		return -1
	}
	at := 0
	for _, want := range p.runes {
		if at == len(s) {
			return -1
		}
		r, n := utf8.DecodeRune(s[at:])
		if want >= 0 && r != want {
			return -1
		}
		at += n
	}
	return at
}

// find gives the first match in s: its start and end, or -1.
func (p *likePart) find(s []byte) (start, end int) {
	if p.text != nil {
		if i := bytes.Index(s, p.text); i >= 0 {
			return i, i + len(p.text)
		}
		return -1, -1
	}
	for i := 0; i <= len(s); {
		if n := p.prefix(s[i:]); n >= 0 {
			return i, i + n
		}
		_, n := utf8.DecodeRune(s[i:])
		i += max(n, 1)
	}
	return -1, -1
}

// matchLike takes the leftmost match of every middle part, which leaves the most for the rest. Its work is bounded by the product
// of the lengths.
func matchLike(s []byte, parts []likePart) bool {
	n := parts[0].prefix(s)
	if n < 0 {
		return false
	}
	s = s[n:]
	if len(parts) == 1 {
		return len(s) == 0
	}
	for _, p := range parts[1 : len(parts)-1] {
		_, end := p.find(s)
		if end < 0 {
			return false
		}
		s = s[end:]
	}
	return parts[len(parts)-1].suffix(s)
}

// suffix says whether the part matches the end of s.
func (p *likePart) suffix(s []byte) bool {
	if p.text != nil {
		return bytes.HasSuffix(s, p.text)
	}
	at := len(s)
	for range p.runes {
		if at == 0 {
			return false
		}
		_, n := utf8.DecodeLastRune(s[:at])
		at -= n
	}
	return p.prefix(s[at:]) == len(s)-at
}
