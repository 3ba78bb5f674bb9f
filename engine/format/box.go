package format

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/types"
)

// box makes the boxed form of a value that was scanned. It recurses as deep as the type nests, so the type bounds it.
func (c *coercer) box(t *types.Type, b []byte, s *span) (any, error) {
	if s.kind <= null {
		return nil, nil
	}
	switch t.Kind {
	case types.KindBoolean:
		if s.kind != boolTrue && s.kind != boolFalse {
			return nil, mismatch(s.kind, t)
		}
		return s.kind == boolTrue, nil
	case types.KindInt, types.KindDate, types.KindTime:
		return boxed(c.int32(t, b, s))
	case types.KindBigint, types.KindTimestamp:
		return boxed(c.int64(t, b, s))
	case types.KindDouble:
		return boxed(c.double(t, b, s))
	case types.KindDecimal:
		return boxed(c.decimal(t, b, s))
	case types.KindString:
		return string(c.string(b, s)), nil
	case types.KindBytes:
		raw, err := c.bytes(t, b, s)
		if err != nil {
			return nil, err
		}
		return append([]byte{}, raw...), nil
	case types.KindArray:
		return c.boxArray(t, b, s)
	case types.KindMap:
		return c.boxMap(t, b, s)
	case types.KindStruct:
		return c.boxStruct(t, b, s)
	}
	return nil, mismatch(s.kind, t)
}

func boxed[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (c *coercer) boxArray(t *types.Type, b []byte, s *span) (any, error) {
	if s.kind != array {
		return nil, mismatch(s.kind, t)
	}
	out := []any{}
	err := eachElement(b, s, func(v *span) error {
		x, err := c.box(t.Elem, b, v)
		if err != nil {
			return at(index(len(out)), err)
		}
		out = append(out, x)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// maxLinear is how many entries a map may have before the search for a repeated key uses an index.
const maxLinear = 16

func (c *coercer) boxMap(t *types.Type, b []byte, s *span) (any, error) {
	if s.kind != object {
		return nil, mismatch(s.kind, t)
	}
	out := types.Map{}
	var places map[string]int
	err := eachMember(b, s, func(member []byte, v *span) error {
		key := string(member)
		x, err := c.box(t.Elem, b, v)
		if err != nil {
			return at("."+key, err)
		}
		place := -1
		if places != nil {
			if i, ok := places[key]; ok {
				place = i
			}
		} else {
			place = slices.IndexFunc(out, func(e types.MapEntry) bool { return e.Key == key })
		}
		if place >= 0 {
			out[place].Value = x
			return nil
		}
		out = append(out, types.MapEntry{Key: key, Value: x})
		if places != nil {
			places[key] = len(out) - 1
		} else if len(out) == maxLinear {
			places = make(map[string]int, 4*maxLinear)
			for i, e := range out {
				places[e.Key.(string)] = i
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// boxStruct takes members by the same rule as a record's: exactly the field's name, else one whose upper-case form is it.
func (c *coercer) boxStruct(t *types.Type, b []byte, s *span) (any, error) {
	if s.kind != object {
		return nil, mismatch(s.kind, t)
	}
	found := make([]span, len(t.Fields))
	err := eachMember(b, s, func(key []byte, v *span) error {
		for i := range t.Fields {
			switch name := t.Fields[i].Name; {
			case name == string(key):
				found[i] = *v
				found[i].exact = true
			case !found[i].exact && len(name) == len(key) && foldsTo(key, name):
				found[i] = *v
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := make([]any, len(t.Fields))
	for i, f := range t.Fields {
		if out[i], err = c.box(f.Type, b, &found[i]); err != nil {
			return nil, at("."+f.Name, err)
		}
	}
	return out, nil
}

// foldsTo says whether the upper-case form of key, of the same length, is name.
func foldsTo(key []byte, name string) bool {
	for i, c := range key {
		if c >= utf8.RuneSelf {
			return strings.ToUpper(string(key)) == name
		}
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// noLimit is the depth for text that was scanned within its limit before.
const noLimit = 1 << 30

// eachElement visits the elements of a scanned array.
func eachElement(b []byte, s *span, visit func(*span) error) error {
	i := skipSpace(b, int(s.start)+1)
	for more := b[i] != ']'; more; {
		v, next, err := scanValue(b, i, noLimit)
		if err != nil {
			return err
		}
		if err := visit(&v); err != nil {
			return err
		}
		if i, more, err = scanComma(b, next, ']'); err != nil {
			return err
		}
	}
	return nil
}

// eachMember visits the members of a scanned object.
func eachMember(b []byte, s *span, visit func(key []byte, v *span) error) error {
	i := skipSpace(b, int(s.start)+1)
	for more := b[i] != '}'; more; {
		k, next, err := scanKey(b, i)
		if err != nil {
			return err
		}
		v, next, err := scanValue(b, next, noLimit)
		if err != nil {
			return err
		}
		key := k.of(b)
		if k.escaped {
			key = appendUnescaped(nil, key)
		}
		if err := visit(key, &v); err != nil {
			return err
		}
		if i, more, err = scanComma(b, next, '}'); err != nil {
			return err
		}
	}
	return nil
}
