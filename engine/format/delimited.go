package format

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// delimited reads and writes one line of separated values, one a column in order. An empty field is NULL, so an empty string
// reads back as NULL.
type delimited struct {
	cols      []Column
	delimiter string
	maxSize   int
	fields    [][]byte
	buf       []byte
	c         coercer
}

func checkDelimited(cols []Column) error {
	if len(cols) == 0 {
		return errors.New("the 'DELIMITED' format needs at least one column")
	}
	for _, c := range cols {
		switch c.Type.Kind {
		case types.KindBoolean, types.KindInt, types.KindBigint, types.KindDouble, types.KindDecimal, types.KindString,
			types.KindBytes, types.KindDate, types.KindTime, types.KindTimestamp:
		default:
			return fmt.Errorf("the 'DELIMITED' format does not support type '%s', column: %s", c.Type.Kind, types.QuoteName(c.Name))
		}
	}
	return nil
}

func newDelimited(f plan.Format, cols []Column, opts Options) (*delimited, error) {
	delim, err := Delimiter(f.Props["DELIMITER"])
	if err != nil {
		return nil, err
	}
	return &delimited{cols: cols, delimiter: delim, maxSize: opts.MaxSize}, nil
}

func newDelimitedDecoder(f plan.Format, cols []Column, opts Options) (Decoder, error) {
	return newDelimited(f, cols, opts)
}

func newDelimitedEncoder(f plan.Format, cols []Column, opts Options) (Encoder, error) {
	return newDelimited(f, cols, opts)
}

// Delimiter reads the property of that name: one character, TAB or SPACE; "" means a comma.
func Delimiter(prop string) (string, error) {
	switch prop {
	case "":
		return ",", nil
	case "TAB":
		return "\t", nil
	case "SPACE":
		return " ", nil
	}
	if strings.TrimSpace(prop) == "" {
		return "", errors.New("delimiter is blank: use TAB or SPACE for those characters")
	}
	if utf8.RuneCountInString(prop) != 1 || !utf8.ValidString(prop) || prop == `"` {
		return "", fmt.Errorf("invalid delimiter %q: it must be one character, TAB or SPACE", prop)
	}
	return prop, nil
}

// Decode implements Decoder.
func (d *delimited) Decode(payload []byte, dest []*vector.Vector) error {
	if len(payload) > d.maxSize {
		return fmt.Errorf("DELIMITED: %d bytes, at most %d are read", len(payload), d.maxSize)
	}
	var err error
	if d.fields, d.buf, err = splitCSV(payload, d.delimiter, d.fields[:0], d.buf[:0]); err != nil {
		return err
	}
	if len(d.fields) != len(d.cols) {
		return fmt.Errorf("DELIMITED: column count mismatch: expected %d, got %d", len(d.cols), len(d.fields))
	}
	for i := range d.cols {
		c := &d.cols[i]
		if c.Target < 0 {
			continue
		}
		if err := d.c.field(dest[c.Target], d.fields[i]); err != nil {
			for _, done := range d.cols[:i] {
				if done.Target >= 0 {
					pop(dest[done.Target])
				}
			}
			return fmt.Errorf("DELIMITED: column %s: %w", types.QuoteName(c.Name), err)
		}
	}
	return nil
}

// field appends a text to v, or returns an error and leaves v alone.
func (c *coercer) field(v *vector.Vector, b []byte) error {
	if len(b) == 0 {
		v.AppendNull()
		return nil
	}
	switch t := v.Type; t.Kind {
	case types.KindBoolean:
		v.Bool = append(v.Bool, strings.EqualFold(string(b), "true"))
	case types.KindInt, types.KindDate, types.KindTime:
		n, err := parseInt(b)
		if err != nil {
			return refuse(t, err)
		}
		small, err := narrow(n, t)
		if err != nil {
			return err
		}
		v.I32 = append(v.I32, small)
	case types.KindBigint, types.KindTimestamp:
		n, err := parseInt(b)
		if err != nil {
			return refuse(t, err)
		}
		v.I64 = append(v.I64, n)
	case types.KindDouble:
		f, err := parseJavaDouble(b)
		if err != nil {
			return refuse(t, err)
		}
		v.F64 = append(v.F64, f)
	case types.KindDecimal:
		x, err := parseDecimal(b, t)
		if err != nil {
			return refuse(t, err)
		}
		v.Any = append(v.Any, x)
	case types.KindBytes:
		raw, err := c.base64(b)
		if err != nil {
			return err
		}
		v.AppendBytes(raw)
	default:
		appendValidUTF8(v, b)
	}
	return nil
}

// Append implements Encoder.
func (d *delimited) Append(dst []byte, cols []*vector.Vector, row int) ([]byte, error) {
	for i := range d.cols {
		if i > 0 {
			dst = append(dst, d.delimiter...)
		}
		v := cols[d.cols[i].Target]
		if v.IsNull(row) {
			continue
		}
		d.buf = appendField(d.buf[:0], v, row)
		dst = appendCSV(dst, d.buf, d.delimiter, i == 0)
	}
	return dst, nil
}

func appendField(dst []byte, v *vector.Vector, row int) []byte {
	i := v.At(row)
	switch v.Type.Kind {
	case types.KindBoolean:
		return strconv.AppendBool(dst, v.Bool[i])
	case types.KindInt, types.KindDate, types.KindTime:
		return strconv.AppendInt(dst, int64(v.I32[i]), 10)
	case types.KindBigint, types.KindTimestamp:
		return strconv.AppendInt(dst, v.I64[i], 10)
	case types.KindDouble:
		return types.AppendDouble(dst, v.F64[i])
	case types.KindDecimal:
		return v.Any[i].(types.Decimal).Append(dst)
	case types.KindBytes:
		return base64.StdEncoding.AppendEncode(dst, v.Str(row))
	}
	return append(dst, v.Str(row)...)
}
