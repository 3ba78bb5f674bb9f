package format

import "unicode/utf8"

// escapeLen is the length of the escape sequence at b[i], or 0 if it is none.
func escapeLen(b []byte, i int) int {
	if i+1 >= len(b) {
		return 0
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if hex4(b, i+2) >= 0 {
			return 6
		}
	}
	return 0
}

// hex4 reads four hexadecimal digits, or returns -1.
func hex4(b []byte, i int) rune {
	if i+4 > len(b) {
		return -1
	}
	var r rune
	for _, c := range b[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

// appendUnescaped decodes the content of a JSON string that was scanned. A lone surrogate becomes U+FFFD.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			n := i + 1
			for n < len(raw) && raw[n] != '\\' {
				n++
			}
			dst = append(dst, raw[i:n]...)
			i = n
			continue
		}
		c := raw[i+1]
		if c != 'u' {
			dst = append(dst, unescape(c))
			i += 2
			continue
		}
		r := hex4(raw, i+2)
		i += 6
		if r >= 0xd800 && r <= 0xdfff {
			low := rune(-1)
			if r < 0xdc00 && i+1 < len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
				low = hex4(raw, i+2)
			}
			if low >= 0xdc00 && low <= 0xdfff {
				r = (r-0xd800)<<10 | (low - 0xdc00) + 0x10000
				i += 6
			} else {
				r = utf8.RuneError
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func unescape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
