package xgboost

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// IsUBJ says whether a file that begins with an object is Universal Binary JSON: a key's length stands there, with the
// marker of its type first.
func IsUBJ(b []byte) bool {
	return len(b) > 1 && b[0] == '{' && (b[1] == 'L' || b[1] == 'l' || b[1] == 'I' || b[1] == 'i' || b[1] == 'U')
}

const ubjDepth = 64

// ubjReader rewrites UBJSON (ubjson.org, draft 12, as XGBoost writes it: lists may be typed and counted, objects not).
type ubjReader struct {
	b   []byte
	out []byte
}

// ubjToJSON rewrites a whole document. Numbers that JSON does not have become strings, which no list of numbers takes.
func ubjToJSON(b []byte) ([]byte, error) {
	r := &ubjReader{b: b, out: make([]byte, 0, 2*len(b))}
	marker, err := r.marker()
	if err == nil {
		err = r.value(marker, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", len(b)-len(r.b), err)
	}
	return r.out, nil
}

var errShort = errors.New("the file is cut off")

func (r *ubjReader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.b) {
		return nil, errShort
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

// marker is the next type, past no-ops.
func (r *ubjReader) marker() (byte, error) {
	for {
		b, err := r.take(1)
		if err != nil {
			return 0, err
		}
		if b[0] != 'N' {
			return b[0], nil
		}
	}
}

// sizes of the types that lists may be of. Those without bytes are not among them: they would make long lists of nothing.
var sizes = map[byte]int{'i': 1, 'U': 1, 'I': 2, 'l': 4, 'L': 8, 'd': 4, 'D': 8}

func (r *ubjReader) value(marker byte, depth int) error {
	if depth > ubjDepth {
		return errors.New("it nests too deep")
	}
	switch marker {
	case '{':
		return r.object(depth)
	case '[':
		return r.list(depth)
	case 'S':
		return r.text()
	case 'Z':
		r.out = append(r.out, "null"...)
	case 'T':
		r.out = append(r.out, "true"...)
	case 'F':
		r.out = append(r.out, "false"...)
	default:
		return r.number(marker)
	}
	return nil
}

func (r *ubjReader) number(marker byte) error {
	size, ok := sizes[marker]
	if !ok {
		return fmt.Errorf("type %q is not known", marker)
	}
	b, err := r.take(size)
	if err != nil {
		return err
	}
	switch marker {
	case 'd':
		r.float(float64(math.Float32frombits(binary.BigEndian.Uint32(b))), 32)
	case 'D':
		r.float(math.Float64frombits(binary.BigEndian.Uint64(b)), 64)
	default:
		r.out = strconv.AppendInt(r.out, integer(marker, b), 10)
	}
	return nil
}

func integer(marker byte, b []byte) int64 {
	switch marker {
	case 'i':
		return int64(int8(b[0]))
	case 'U':
		return int64(b[0])
	case 'I':
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 'l':
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return int64(binary.BigEndian.Uint64(b))
}

func (r *ubjReader) float(v float64, bits int) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		r.out = strconv.AppendQuote(r.out, strconv.FormatFloat(v, 'g', -1, bits))
		return
	}
	r.out = strconv.AppendFloat(r.out, v, 'g', -1, bits)
}

// length reads a count: a marker of an integer type and the integer.
func (r *ubjReader) length() (int, error) {
	marker, err := r.marker()
	if err != nil {
		return 0, err
	}
	size, ok := sizes[marker]
	if !ok || marker == 'd' || marker == 'D' {
		return 0, fmt.Errorf("a length of type %q", marker)
	}
	b, err := r.take(size)
	if err != nil {
		return 0, err
	}
	n := integer(marker, b)
	if n < 0 || n > int64(len(r.b)) { // whatever is counted takes a byte at least
		return 0, errShort
	}
	return int(n), nil
}

func (r *ubjReader) text() error {
	n, err := r.length()
	if err != nil {
		return err
	}
	b, err := r.take(n)
	if err != nil {
		return err
	}
	quoted, err := json.Marshal(string(b))
	r.out = append(r.out, quoted...)
	return err
}

func (r *ubjReader) object(depth int) error {
	r.out = append(r.out, '{')
	for first := true; ; first = false {
		if len(r.b) == 0 {
			return errShort
		}
		if r.b[0] == '}' {
			r.b = r.b[1:]
			r.out = append(r.out, '}')
			return nil
		}
		if !first {
			r.out = append(r.out, ',')
		}
		if err := r.text(); err != nil {
			return err
		}
		r.out = append(r.out, ':')
		marker, err := r.marker()
		if err != nil {
			return err
		}
		if err := r.value(marker, depth+1); err != nil {
			return err
		}
	}
}

// list reads what follows '[': an element type after '$' and a count after '#', both optional; without a count, ']' ends it.
func (r *ubjReader) list(depth int) error {
	element, count := byte(0), -1
	next, err := r.marker()
	if err == nil && next == '$' {
		if element, err = r.marker(); err == nil && sizes[element] == 0 {
			return fmt.Errorf("a list of type %q", element)
		}
		if err == nil {
			next, err = r.marker()
		}
		if err == nil && next != '#' {
			return errors.New("a list with a type and no count")
		}
	}
	if err == nil && next == '#' {
		if count, err = r.length(); err == nil && element == 0 && count > 0 {
			next, err = r.marker()
		}
	}
	if err != nil {
		return err
	}
	return r.elements(element, next, count, depth)
}

func (r *ubjReader) elements(element, next byte, count, depth int) error {
	r.out = append(r.out, '[')
	for i := 0; count < 0 && next != ']' || i < count; i++ {
		if i > 0 {
			r.out = append(r.out, ',')
		}
		if element != 0 {
			next = element
		}
		if err := r.value(next, depth+1); err != nil {
			return err
		}
		if element == 0 && (count < 0 || i+1 < count) {
			var err error
			if next, err = r.marker(); err != nil {
				return err
			}
		}
	}
	r.out = append(r.out, ']')
	return nil
}
