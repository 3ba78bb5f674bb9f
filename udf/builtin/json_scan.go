package builtin

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/types"
)

// jsonScanner reads a text that is known to be valid JSON, so that it need not look for errors: most texts are, and reading them token
// by token costs many times as much.
type jsonScanner struct {
	s  string
	at int
}

func (r *jsonScanner) space() {
	for r.at < len(r.s) && r.s[r.at] <= ' ' {
		r.at++
	}
}

// value reads a value, in the forms of readJSON.
func (r *jsonScanner) value(depth int) (any, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxJSONDepth)
	}
	r.space()
	switch r.s[r.at] {
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case '"':
		return r.text()
	case 't':
		r.at += len("true")
		return true, nil
	case 'f':
		r.at += len("false")
		return false, nil
	case 'n':
		r.at += len("null")
		return nil, nil
	}
	end := strings.IndexAny(r.s[r.at:], ",]} \t\r\n")
	if end < 0 {
		end = len(r.s) - r.at
	}
	number := json.Number(r.s[r.at : r.at+end])
	r.at += end
	return number, nil
}

// text reads a string: as it stands where nothing in it is escaped.
func (r *jsonScanner) text() (string, error) {
	begin := r.at
	for r.at++; r.s[r.at] != '"'; r.at++ {
		if r.s[r.at] == '\\' {
			r.at++
		}
	}
	r.at++
	raw := r.s[begin+1 : r.at-1]
	if strings.IndexByte(raw, '\\') < 0 && utf8.ValidString(raw) {
		return raw, nil
	}
	var s string
	err := json.Unmarshal([]byte(r.s[begin:r.at]), &s)
	return s, err
}

func (r *jsonScanner) list(depth int) (any, error) {
	list := []any{}
	for r.at++; ; {
		if r.space(); r.s[r.at] == ']' {
			r.at++
			return list, nil
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		r.comma()
	}
}

func (r *jsonScanner) object(depth int) (any, error) {
	o, keys := jsonObject{}, types.Set{Type: types.String}
	for r.at++; ; {
		if r.space(); r.s[r.at] == '}' {
			r.at++
			return o, nil
		}
		key, err := r.text()
		if err != nil {
			return nil, err
		}
		r.space()
		r.at++ // the colon
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o = o.put(&keys, key, v)
		r.comma()
	}
}

// comma passes over the comma behind an element, if there is one.
func (r *jsonScanner) comma() {
	if r.space(); r.s[r.at] == ',' {
		r.at++
	}
}
