package remote

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/millrace/millrace/udf/model"
)

// scanner reads JSON in one pass, straight into columns. It takes the bare words NaN, Infinity and -Infinity, which TensorFlow Serving and
// Python write, and its depth is bounded.
type scanner struct {
	b     []byte
	i     int
	depth int
}

// maxDepth bounds the nesting of an answer.
const maxDepth = 32

var (
	errJSON  = errors.New("it is not JSON, or cut off")
	errDepth = errors.New("it is nested too deeply")
)

// peek is the next byte that is not space; 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.i++
	return true
}

// end checks that nothing follows.
func (s *scanner) end() error {
	if s.peek() != 0 || s.i < len(s.b) {
		return errJSON
	}
	return nil
}

// list reads open, elements with commas between them, and shut.
func (s *scanner) list(open, shut byte, element func() error) error {
	if !s.accept(open) {
		return errJSON
	}
	if s.depth++; s.depth > maxDepth {
		return errDepth
	}
	defer func() { s.depth-- }()
	if s.accept(shut) {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.accept(shut) {
			return nil
		}
		if !s.accept(',') {
			return errJSON
		}
	}
}

func (s *scanner) array(element func() error) error { return s.list('[', ']', element) }

// object calls field with each key; field reads the value.
func (s *scanner) object(field func(key string) error) error {
	return s.list('{', '}', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		if !s.accept(':') {
			return errJSON
		}
		return field(key)
	})
}

// raw is the bytes of a string with its quotes, or of a word.
func (s *scanner) raw() ([]byte, error) {
	if s.peek() == '"' {
		for end := s.i + 1; end < len(s.b); end++ {
			switch s.b[end] {
			case '\\':
				end++
			case '"':
				t := s.b[s.i : end+1]
				s.i = end + 1
				return t, nil
			}
		}
		return nil, errJSON
	}
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '+', c == '.':
			s.i++
			continue
		}
		break
	}
	if s.i == start {
		return nil, errJSON
	}
	return s.b[start:s.i], nil
}

func (s *scanner) text() (string, error) {
	t, err := s.raw()
	if err != nil {
		return "", err
	}
	var v string
	if t[0] != '"' || !utf8.Valid(t) || json.Unmarshal(t, &v) != nil {
		return "", errJSON
	}
	return v, nil
}

// skip passes a value over.
func (s *scanner) skip() error {
	switch s.peek() {
	case '{':
		return s.object(func(string) error { return s.skip() })
	case '[':
		return s.array(s.skip)
	}
	_, err := s.raw()
	return err
}

func (s *scanner) int() (int64, error) {
	t, err := s.raw()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(t), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not an integer", t)
	}
	return n, nil
}

// element reads one element of a column. A number that is missing (null) is NaN where the type has it.
func (s *scanner) element(t model.ElemType, c *model.Column, i int) error {
	if t == model.String {
		v, err := s.binaryText()
		if err == nil {
			c.String[i] = v
		}
		return err
	}
	raw, err := s.raw()
	if err != nil {
		return err
	}
	word := string(raw)
	wrong := fmt.Errorf("%.40q is not of the type %s", word, t)
	switch {
	case t.IsFloat():
		f, err := parseFloat(word, t)
		if err != nil {
			return wrong
		}
		if t == model.Float32 {
			c.Float32[i] = float32(f)
		} else {
			c.Float64[i] = f
		}
	case t.IsInt():
		if c.Int64[i], err = strconv.ParseInt(word, 10, 64); err != nil {
			return wrong
		}
	case word == "true" || word == "false":
		c.Bool[i] = word == "true"
	default:
		return wrong
	}
	return nil
}

func parseFloat(word string, t model.ElemType) (float64, error) {
	switch word {
	case "null", "NaN":
		return math.NaN(), nil
	case "Infinity":
		return math.Inf(1), nil
	case "-Infinity":
		return math.Inf(-1), nil
	}
	if c := word[len(word)-1]; c < '0' || c > '9' { // ParseFloat knows more words, JSON does not
		return 0, errJSON
	}
	bits := 64
	if t == model.Float32 {
		bits = 32
	}
	return strconv.ParseFloat(word, bits)
}

// binaryText reads a string, or {"b64": "..."} as TensorFlow Serving writes outputs whose names end in _bytes.
func (s *scanner) binaryText() (string, error) {
	if s.peek() != '{' {
		return s.text()
	}
	var v string
	err := s.object(func(key string) error {
		if key != "b64" {
			return errJSON
		}
		t, err := s.text()
		if err != nil {
			return err
		}
		b, err := base64.StdEncoding.DecodeString(t)
		if v = string(b); err == nil && !utf8.ValidString(v) {
			err = errText
		}
		return err
	})
	return v, err
}

// rows reads an array that has an element for each of the rows lo to hi, a scalar or a nested array of the tensor's width.
func (s *scanner) rows(t Tensor, c *model.Column, lo, hi int) error {
	row, width := lo, t.width()
	err := s.array(func() error {
		if row == hi {
			return fmt.Errorf("it has more than %d rows", hi-lo)
		}
		if err := s.row(t, c, row*width, width); err != nil {
			return err
		}
		row++
		return nil
	})
	if err == nil && row < hi {
		err = fmt.Errorf("it has %d rows, not %d", row-lo, hi-lo)
	}
	if err != nil {
		return fmt.Errorf("output %s: %w", t.Name, err)
	}
	return nil
}

// row reads the width elements of one row.
func (s *scanner) row(t Tensor, c *model.Column, first, width int) error {
	n := 0
	var leaf func() error
	leaf = func() error {
		if s.peek() == '[' {
			return s.array(leaf)
		}
		if n == width {
			return fmt.Errorf("a row has more than %d elements", width)
		}
		n++
		return s.element(t.elem(), c, first+n-1)
	}
	if err := leaf(); err != nil {
		return err
	}
	if n < width {
		return fmt.Errorf("a row has %d elements, not %d", n, width)
	}
	return nil
}

// flat reads the elements lo to hi, nested in whatever way.
func (s *scanner) flat(t Tensor, c *model.Column, lo, hi int) error {
	if err := s.row(t, c, lo, hi-lo); err != nil {
		return fmt.Errorf("output %s: %w", t.Name, err)
	}
	return nil
}

// words is how a protocol writes numbers that JSON has not.
type words struct{ nan, inf string }

var errInfinite = errors.New("an infinite number cannot be sent in JSON")

// appendElement writes one element of a column.
func appendElement(dst []byte, t model.ElemType, c *model.Column, i int, w words) ([]byte, error) {
	switch t {
	case model.Float32:
		return appendFloat(dst, float64(c.Float32[i]), 32, w)
	case model.Float64:
		return appendFloat(dst, c.Float64[i], 64, w)
	case model.Int64, model.Int32:
		return strconv.AppendInt(dst, c.Int64[i], 10), nil
	case model.Bool:
		return strconv.AppendBool(dst, c.Bool[i]), nil
	case model.String:
	}
	return appendText(dst, c.String[i]), nil
}

func appendText(dst []byte, v string) []byte {
	b, _ := json.Marshal(v) // a string always can be
	return append(dst, b...)
}

func appendFloat(dst []byte, f float64, bits int, w words) ([]byte, error) {
	switch {
	case math.IsNaN(f):
		return append(dst, w.nan...), nil
	case math.IsInf(f, 0) && w.inf == "":
		return dst, errInfinite
	case math.IsInf(f, 1):
		return append(dst, w.inf...), nil
	case math.IsInf(f, -1):
		return append(append(dst, '-'), w.inf...), nil
	}
	return strconv.AppendFloat(dst, f, 'g', -1, bits), nil
}
