package format

import "strings"

// match says which wanted columns a member's name feeds: one that has exactly this name, and one whose name is
// the upper-case form of it. Each is -1 if there is none.
type match struct{ exact, fold int32 }

// wanted says whether anybody reads the member.
func (m match) wanted() bool { return m.exact >= 0 || m.fold >= 0 }

// keyTable finds columns by member names. Producers write the members of their objects in the same order again and again, so
// it remembers, for each position, the name seen there last, with quotes and colon, and compares that first.
type keyTable struct {
	byName  map[string]int32
	known   map[string]name // names looked up before, so that a name allocates once
	guesses []name          // by position
}

// name is a member name as it stands in the text, `"name":`, and what it matches.
type name struct {
	text  string
	match match
}

// The bounds of what hostile records can make a table remember.
const (
	maxGuesses   = 256
	maxKnown     = 1024
	maxKnownName = 256
)

// newKeyTable indexes names; names[i] belongs to wanted column targets[i], or to nobody (-1).
func newKeyTable(names []string, targets []int32) *keyTable {
	t := &keyTable{byName: make(map[string]int32, len(names)), known: map[string]name{}}
	for i, n := range names {
		t.byName[n] = targets[i]
	}
	return t
}

// next reads the member name at b[i], the n-th of its object, and returns its match and the offset of the value.
func (t *keyTable) next(b []byte, i, n int) (match, int, error) {
	if n < len(t.guesses) {
		g := &t.guesses[n]
		if end := i + len(g.text); end < len(b) && string(b[i:end]) == g.text {
			return g.match, skipSpace(b, end), nil
		}
	}
	return t.learn(b, i, n)
}

// learn is next without a guess; it leaves one.
func (t *keyTable) learn(b []byte, i, n int) (match, int, error) {
	key, next, err := scanKey(b, i)
	if err != nil {
		return match{}, next, err
	}
	if key.escaped {
		return t.find(string(appendUnescaped(nil, key.of(b)))), next, nil
	}
	k, ok := t.known[string(key.of(b))]
	if !ok {
		s := string(key.of(b))
		k = name{text: `"` + s + `":`, match: t.find(s)}
		if len(t.known) >= maxKnown || len(s) > maxKnownName {
			return k.match, next, nil
		}
		t.known[s] = k
	}
	switch {
	case n < len(t.guesses):
		t.guesses[n] = k
	case n == len(t.guesses) && n < maxGuesses:
		t.guesses = append(t.guesses, k)
	}
	return k.match, next, nil
}

// find applies ksqlDB's rule: names without quotes in SQL were made upper case there, so a column takes the member of exactly its
// name, else one whose upper-case form is its name.
func (t *keyTable) find(member string) match {
	m := match{-1, -1}
	if i, ok := t.byName[member]; ok {
		m.exact = i
	}
	if upper := strings.ToUpper(member); upper != member {
		if i, ok := t.byName[upper]; ok {
			m.fold = i
		}
	}
	return m
}
