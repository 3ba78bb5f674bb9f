package ast

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is a refusal of a statement by the parser or the analyzer.
type Error struct {
	Code    string // stable rule code, dotted: "syntax", "join.type"
	Message string // lower case, without position
	Hint    string // what to do, or empty
	Span    Span   // what the message is about, in bytes of the source text
}

// Error is the message alone; Render adds position, source line and hint.
func (e *Error) Error() string { return e.Message }

// Position is the line and column of offset in text, both from 1; columns count characters.
func Position(text string, offset int) (line, column int) {
	offset = max(0, min(offset, len(text)))
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	return 1 + strings.Count(text[:offset], "\n"), 1 + utf8.RuneCountInString(text[start:offset])
}

// Render shows err for a person: message with line and column, the source line, carets under the span, and the hint.
// An error that is not an *Error is shown as it is.
func Render(err error, text string) string {
	var e *Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	start := max(0, min(e.Span.Start, len(text)))
	line, column := Position(text, start)
	from := strings.LastIndexByte(text[:start], '\n') + 1
	to := len(text)
	if n := strings.IndexByte(text[start:], '\n'); n >= 0 {
		to = start + n
	}
	end := max(start, min(e.Span.End, to))
	var b strings.Builder
	fmt.Fprintf(&b, "line %d:%d: %s\n", line, column, e.Message)
	fmt.Fprintf(&b, "    %s\n", strings.TrimRight(text[from:to], "\r"))
	fmt.Fprintf(&b, "    %s%s", blank(text[from:start]), strings.Repeat("^", max(1, utf8.RuneCountInString(text[start:end]))))
	if e.Hint != "" {
		fmt.Fprintf(&b, "\nhint: %s", e.Hint)
	}
	return b.String()
}

// blank replaces all but tabs by spaces, so that carets stand under their text however wide a tab is.
func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}
