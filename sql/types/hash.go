package types

import "math"

// HashKey gives a comparable Go value that two values of one type have in common exactly if they are equal; false if the type
// has none, which is so for lists, maps and structs.
func HashKey(v any, t *Type) (any, bool) {
	if v == nil {
		return nil, true
	}
	switch t.Kind {
	case KindArray, KindMap, KindStruct:
		return nil, false
	case KindDouble:
		f := v.(float64)
		if f != f {
			f = math.NaN() // of one bit pattern
		}
		return math.Float64bits(f), true
	case KindBytes:
		return string(v.([]byte)), true
	case KindDecimal:
		return v.(Decimal).trimZeros().String(), true
	}
	return v, true
}

// Set finds equal values of one type. A few are compared one by one, many are hashed, so that a hostile record cannot make work that
// grows with the square of its size.
type Set struct {
	Type   *Type
	values []any
	index  map[any]int
}

// hashedFrom is the number of values from which on an index pays.
const hashedFrom = 16

// Find gives the position at which an equal value was added, or -1.
func (s *Set) Find(v any) int {
	if s.index != nil {
		if k, ok := HashKey(v, s.Type); ok {
			if i, found := s.index[k]; found {
				return i
			}
			return -1
		}
	}
	for i := range s.values {
		if EqualValues(s.values[i], v, s.Type) {
			return i
		}
	}
	return -1
}

// Add gives the value's position and whether it is new.
func (s *Set) Add(v any) (at int, isNew bool) {
	if i := s.Find(v); i >= 0 {
		return i, false
	}
	s.values = append(s.values, v)
	k, ok := HashKey(v, s.Type)
	switch {
	case !ok:
	case s.index != nil:
		s.index[k] = len(s.values) - 1
	case len(s.values) == hashedFrom:
		s.index = make(map[any]int, 4*hashedFrom)
		for i, old := range s.values {
			k, _ := HashKey(old, s.Type)
			s.index[k] = i
		}
	}
	return len(s.values) - 1, true
}

// MapBuilder makes a Map; a later value under an equal key replaces the earlier one.
type MapBuilder struct {
	Map  Map
	keys Set
}

// NewMapBuilder returns a builder of maps with keys of the type and room for n entries.
func NewMapBuilder(keyType *Type, n int) *MapBuilder {
	return &MapBuilder{Map: make(Map, 0, n), keys: Set{Type: keyType}}
}

// Put sets the value under key, and says whether the key is new.
func (b *MapBuilder) Put(key, value any) bool {
	at, isNew := b.keys.Add(key)
	if isNew {
		b.Map = append(b.Map, MapEntry{Key: key, Value: value})
	} else {
		b.Map[at].Value = value
	}
	return isNew
}
