package shell

import (
	"regexp"
	"slices"
	"strings"
)

// painter colors a line as it is typed.
type painter struct{}

const (
	colorKeyword = "\x1b[1;35m"
	colorString  = "\x1b[32m"
	colorNumber  = "\x1b[36m"
	colorComment = "\x1b[2m"
	colorOff     = "\x1b[0m"
)

var paintable = regexp.MustCompile("--.*|'(?:[^']|'')*'?|`[^`]*`?|\"[^\"]*\"?|[A-Za-z_][A-Za-z0-9_@]*|[0-9]+(?:\\.[0-9]+)?")

// Paint implements readline.Painter.
func (painter) Paint(line []rune, _ int) []rune {
	return []rune(paintable.ReplaceAllStringFunc(string(line), func(word string) string {
		switch c := word[0]; {
		case strings.HasPrefix(word, "--"):
			return colorComment + word + colorOff
		case c == '\'':
			return colorString + word + colorOff
		case '0' <= c && c <= '9':
			return colorNumber + word + colorOff
		}
		if _, found := slices.BinarySearch(keywords, strings.ToUpper(word)); found {
			return colorKeyword + word + colorOff
		}
		return word
	}))
}
