package parser

import (
	"strings"
)

func isLetter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isPart(c byte) bool   { return isLetter(c) || isDigit(c) || c == '@' }

// isSpace is the white space of the dialect; a no-break space arrives by copy and paste and is refused with its name.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// commentEnd returns where the comment that begins at i ends; i itself if none begins there, -1 if it does not end.
func commentEnd(text string, i int) int {
	switch {
	case strings.HasPrefix(text[i:], "--"):
		if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
			return i + n
		}
		return len(text)
	case strings.HasPrefix(text[i:], "/*"):
		if n := strings.Index(text[i+2:], "*/"); n >= 0 {
			return i + n + 4
		}
		return -1
	}
	return i
}

// quotedEnd returns where the quoted text that begins at i ends, or -1. A doubled quote does not end it.
func quotedEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		if text[i] != quote {
			continue
		}
		if i+1 == len(text) || text[i+1] != quote {
			return i + 1
		}
		i++
	}
	return -1
}

// numberEnd returns where the digits, fraction and exponent that begin at i end.
func numberEnd(text string, i int) int {
	i = digitsEnd(text, i)
	if i < len(text) && text[i] == '.' {
		i = digitsEnd(text, i+1)
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		j := i + 1
		if j < len(text) && (text[j] == '+' || text[j] == '-') {
			j++
		}
		if j < len(text) && isDigit(text[j]) {
			i = digitsEnd(text, j)
		}
	}
	return i
}

func digitsEnd(text string, i int) int {
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return i
}

func partEnd(text string, i int) int {
	for i < len(text) && isPart(text[i]) {
		i++
	}
	return i
}
