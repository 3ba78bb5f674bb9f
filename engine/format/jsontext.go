package format

import "unicode/utf8"

// appendValueText writes a JSON value that a STRING column meets, as ksqlDB does: an array as [a, b] with each element's text,
// an object as compact JSON, anything else as its own text.
func appendValueText(dst, b []byte, s span) []byte {
	switch s.kind {
	case text:
		return appendUnescaped(dst, s.of(b))
	case number:
		return appendNumberText(dst, s.of(b), s.fraction)
	case object:
		return appendCompact(dst, b, s)
	case array:
		dst = append(dst, '[')
		first := true
		// The text was scanned, and visit never fails.
		_ = eachElement(b, &s, func(v *span) error {
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			dst = appendValueText(dst, b, *v)
			return nil
		})
		return append(dst, ']')
	}
	return append(dst, s.of(b)...)
}

// appendCompact writes a scanned value as JSON without spaces.
func appendCompact(dst, b []byte, s span) []byte {
	first := true
	comma := func() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
	}
	switch s.kind {
	case text:
		return AppendJSONString(dst, appendUnescaped(nil, s.of(b)))
	case array:
		dst = append(dst, '[')
		_ = eachElement(b, &s, func(v *span) error {
			comma()
			dst = appendCompact(dst, b, *v)
			return nil
		})
		return append(dst, ']')
	case object:
		dst = append(dst, '{')
		_ = eachMember(b, &s, func(key []byte, v *span) error {
			comma()
			dst = append(AppendJSONString(dst, key), ':')
			dst = appendCompact(dst, b, *v)
			return nil
		})
		return append(dst, '}')
	}
	return appendValueText(dst, b, s)
}

// AppendJSONString adds s as a JSON string, escaped as Jackson does. Invalid UTF-8 becomes U+FFFD, so that the text is always JSON.
func AppendJSONString[S string | []byte](dst []byte, s S) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
