package format

// splitCSV cuts the first line of a payload into fields, by the rules of Apache Commons CSV's default format with another
// delimiter: empty lines before it are skipped; a field that begins with a quote ends with one, "" inside stands for a quote, and
// line ends may be inside; in other fields quotes are ordinary characters. Fields alias b, or buf where quotes were taken out.
// What follows the first line is not read, as in ksqlDB.
func splitCSV(b []byte, delimiter string, fields [][]byte, buf []byte) ([][]byte, []byte, error) {
	i := 0
	for i < len(b) && (b[i] == '\n' || b[i] == '\r') {
		i++
	}
	if i == len(b) {
		return fields, buf, badSyntax(i, "no fields in record")
	}
	for {
		var field []byte
		var err error
		if i < len(b) && b[i] == '"' {
			if field, i, buf, err = quotedField(b, i+1, delimiter, buf); err != nil {
				return fields, buf, err
			}
		} else {
			start := i
			for i < len(b) && !endsField(b, i, delimiter) {
				i++
			}
			field = b[start:i]
		}
		fields = append(fields, field)
		if i == len(b) || b[i] == '\n' || b[i] == '\r' {
			return fields, buf, nil
		}
		i += len(delimiter)
	}
}

func endsField(b []byte, i int, delimiter string) bool {
	return b[i] == '\n' || b[i] == '\r' || hasDelimiter(b, i, delimiter)
}

func hasDelimiter(b []byte, i int, delimiter string) bool {
	return b[i] == delimiter[0] && (len(delimiter) == 1 || i+len(delimiter) <= len(b) && string(b[i:i+len(delimiter)]) == delimiter)
}

// quotedField reads a field whose opening quote is before i, and stops at what ends it.
func quotedField(b []byte, i int, delimiter string, buf []byte) (field []byte, next int, newBuf []byte, err error) {
	start, piece := len(buf), i
	for ; i < len(b); i++ {
		if b[i] != '"' {
			continue
		}
		if i+1 < len(b) && b[i+1] == '"' {
			buf = append(buf, b[piece:i+1]...)
			i++
			piece = i + 1
			continue
		}
		if len(buf) == start {
			field = b[piece:i]
		} else {
			buf = append(buf, b[piece:i]...)
			field = buf[start:len(buf):len(buf)]
		}
		for i++; i < len(b) && !endsField(b, i, delimiter); i++ {
			if b[i] != ' ' && b[i] != '\t' {
				return nil, i, buf, badSyntax(i, "unexpected text between closing quote and delimiter")
			}
		}
		return field, i, buf, nil
	}
	return nil, i, buf, badSyntax(i, "unterminated quoted field")
}

// appendCSV writes a field, in quotes where the reader needs them, which Commons CSV decides so: the first field of a line if it
// is empty or begins with anything but an ASCII letter or digit; any field that begins with # or below, ends with a
// space or below, or holds a line end, a quote or the delimiter.
func appendCSV(dst, field []byte, delimiter string, first bool) []byte {
	if !needsQuotes(field, delimiter, first) {
		return append(dst, field...)
	}
	dst = append(dst, '"')
	for _, c := range field {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func needsQuotes(field []byte, delimiter string, first bool) bool {
	if len(field) == 0 {
		return first
	}
	c := field[0]
	if first && !(c-'0' <= 9 || c-'A' <= 'Z'-'A' || c-'a' <= 'z'-'a') || c <= '#' || field[len(field)-1] <= ' ' {
		return true
	}
	for i, c := range field {
		if c == '"' || endsField(field, i, delimiter) {
			return true
		}
	}
	return false
}
