package parser

import "strings"

// Piece is one statement's text of a script, without its semicolon.
type Piece struct {
	Text  string
	Start int // byte offset in the script
}

// Split cuts text at semicolons that stand outside strings, names and comments. Pieces that hold nothing but space and
// comments are left out. complete says whether the last piece had its semicolon, or nothing is left behind the last
// one: if not, a shell should read on.
func Split(text string) (pieces []Piece, complete bool) {
	start, blank := 0, true
	cut := func(end int) {
		if !blank {
			trimmed := strings.TrimLeft(text[start:end], " \t\r\n")
			pieces = append(pieces, Piece{Text: strings.TrimRight(trimmed, " \t\r\n"), Start: end - len(trimmed)})
		}
		start, blank = end+1, true
	}
	for i := 0; i < len(text); {
		end := commentEnd(text, i)
		c := text[i]
		switch {
		case end < 0: // an open comment
			blank = false
			cut(len(text))
			return pieces, false
		case end > i:
			i = end
			continue
		case c == '\'' || c == '"' || c == '`':
			blank = false
			if end = quotedEnd(text, i); end < 0 {
				cut(len(text))
				return pieces, false
			}
			i = end
			continue
		case c == ';':
			cut(i)
		case !isSpace(c):
			blank = false
		}
		i++
	}
	complete = blank
	cut(len(text))
	return pieces, complete
}
