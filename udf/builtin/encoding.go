package builtin

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/udf"
)

func encodingFunctions() []udf.Function {
	return []udf.Function{
		function("ENCODE", "A text taken from one encoding to another: hex, utf8, ascii or base64.",
			on("str STRING, inputEncoding STRING, outputEncoding STRING -> STRING", func(_ *udf.Call, a []any) (any, error) {
				if strings.EqualFold(a[1].(string), a[2].(string)) {
					return nil, fmt.Errorf("both encodings are %q", a[1])
				}
				b, err := decode(a[0].(string), a[1].(string), lenientBase64)
				if err != nil {
					return nil, err
				}
				return value(encode(b, a[2].(string)))
			})),
		function("TO_BYTES", "The bytes that a text stands for: hex, utf8, ascii or base64.",
			on("value STRING, encoding STRING -> BYTES", func(_ *udf.Call, a []any) (any, error) {
				b, err := decode(a[0].(string), a[1].(string), strictBase64)
				if err != nil {
					return nil, err
				}
				return b, nil
			})),
		function("FROM_BYTES", "Bytes as text: hex, utf8, ascii or base64.",
			on("value BYTES, encoding STRING -> STRING", func(_ *udf.Call, a []any) (any, error) {
				s, err := encode(a[0].([]byte), a[1].(string))
				if err == nil && strings.EqualFold(a[1].(string), "hex") {
					s = strings.ToUpper(s) // unlike ENCODE
				}
				return value(s, err)
			})),
	}
}

// decode gives the bytes of a text. What is not base64 is an error for TO_BYTES, while ENCODE reads over it.
func decode(s, encoding string, fromBase64 func(string) ([]byte, error)) ([]byte, error) {
	switch strings.ToLower(encoding) {
	case "utf8":
		return []byte(s), nil
	case "ascii":
		return asciiBytes(s), nil
	case "base64":
		return fromBase64(s)
	case "hex":
		return decodeHex(s)
	}
	return nil, unknownEncoding(encoding)
}

func strictBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("decode base64: %w", err)
	}
	return b, nil
}

// lenientBase64 leaves out what does not belong to either alphabet, and ends at the padding; bits that make no byte are dropped.
func lenientBase64(s string) ([]byte, error) {
	s, _, _ = strings.Cut(s, "=")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '+', r == '/':
			return r
		}
		return -1
	}, s)
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("decode base64: %w", err)
	}
	return b, nil
}

func unknownEncoding(encoding string) error {
	return fmt.Errorf("unknown encoding %q: it is one of hex, utf8, ascii, base64", encoding)
}

func asciiBytes(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r >= utf8.RuneSelf {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}

// decodeHex reads digits, with 0x before them or in X'...'. Behind 0x, an odd number of digits lacks a leading zero.
func decodeHex(s string) ([]byte, error) {
	if rest, ok := strings.CutPrefix(s, "0x"); ok {
		s = rest
		if len(s)%2 == 1 {
			s = "0" + s
		}
	} else if len(s) >= 3 && s[0]|32 == 'x' && s[1] == '\'' && s[len(s)-1] == '\'' {
		s = s[2 : len(s)-1]
	}
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("decode hex: %w", err)
	}
	return b, nil
}

func encode(b []byte, encoding string) (string, error) {
	switch strings.ToLower(encoding) {
	case "utf8":
		return strings.ToValidUTF8(string(b), "\uFFFD"), nil
	case "ascii":
		var out strings.Builder
		for _, c := range b {
			if c >= utf8.RuneSelf {
				out.WriteRune(utf8.RuneError)
			} else {
				out.WriteByte(c)
			}
		}
		return out.String(), nil
	case "base64":
		return base64.StdEncoding.EncodeToString(b), nil
	case "hex":
		return hex.EncodeToString(b), nil
	}
	return "", unknownEncoding(encoding)
}

func conversionFunctions() []udf.Function {
	from := func(name, result string, size int, read func(binary.ByteOrder, []byte) any) udf.Function {
		f := func(_ *udf.Call, a []any) (any, error) {
			b := a[0].([]byte)
			if len(b) != size {
				return nil, fmt.Errorf("%d bytes given, %d needed", len(b), size)
			}
			order := binary.ByteOrder(binary.BigEndian)
			if len(a) > 1 {
				switch strings.ToUpper(a[1].(string)) {
				case "BIG_ENDIAN":
				case "LITTLE_ENDIAN":
					order = binary.LittleEndian
				default:
					return nil, fmt.Errorf("byte order %q is neither BIG_ENDIAN nor LITTLE_ENDIAN", a[1])
				}
			}
			return read(order, b), nil
		}
		return function(name, "The "+result+" that bytes hold, big-endian unless told otherwise.",
			on("value BYTES -> "+result, f), on("value BYTES, byteOrder STRING -> "+result, f))
	}
	return []udf.Function{
		from("INT_FROM_BYTES", "INT", 4, func(o binary.ByteOrder, b []byte) any { return int32(o.Uint32(b)) }),
		from("BIGINT_FROM_BYTES", "BIGINT", 8, func(o binary.ByteOrder, b []byte) any { return int64(o.Uint64(b)) }),
		from("DOUBLE_FROM_BYTES", "DOUBLE", 8, func(o binary.ByteOrder, b []byte) any { return math.Float64frombits(o.Uint64(b)) }),
	}
}
