package builtin

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/millrace/millrace/udf"
)

// Patterns are RE2's: what Java adds that needs backtracking, look-around and back references, is an error, and no pattern
// takes more than linear time.
func regexpFunctions() []udf.Function {
	return []udf.Function{
		function("REGEXP_EXTRACT", "The first match of a pattern, or of one of its groups; NULL if there is none.",
			on("pattern STRING, input STRING -> STRING", regexpExtract), on("pattern STRING, input STRING, group INT -> STRING", regexpExtract)),
		function("REGEXP_EXTRACT_ALL", "All matches of a pattern, or of one of its groups.",
			on("pattern STRING, input STRING -> ARRAY<STRING>", regexpExtractAll),
			on("pattern STRING, input STRING, group INT -> ARRAY<STRING>", regexpExtractAll)),
		function("REGEXP_REPLACE", "The text with every match of a pattern replaced; $1 stands for the first group, ${name} for a named one.",
			on("str STRING, regexp STRING, newStr STRING -> STRING", regexpReplace)),
		function("REGEXP_SPLIT_TO_ARRAY", "The parts of a text between matches of a pattern.",
			on("string STRING, regexp STRING -> ARRAY<STRING>", regexpSplit)),
	}
}

// compiled keeps the last pattern of the call, which is usually its only one.
func compiled(c *udf.Call, pattern string) (*regexp.Regexp, error) {
	if re, ok := c.Cache.(*keptPattern); ok && re.text == pattern {
		return re.Regexp, nil
	}
	re, err := regexp.Compile(translated(pattern))
	if err != nil {
		return nil, fmt.Errorf("compile pattern: %w", err)
	}
	c.Cache = &keptPattern{pattern, re}
	return re, nil
}

// keptPattern is a pattern as SQL has it, and compiled.
type keptPattern struct {
	text string
	*regexp.Regexp
}

// javaClasses are Java's names of ASCII classes, \\p{Alpha} say, and what RE2 calls them between [: and :].
var javaClasses = map[string]string{
	"Lower": "lower", "Upper": "upper", "ASCII": "ascii", "Alpha": "alpha", "Digit": "digit", "Alnum": "alnum", "Punct": "punct",
	"Graph": "graph", "Print": "print", "Blank": "blank", "Cntrl": "cntrl", "XDigit": "xdigit", "Space": "space",
}

// translated writes Java's names of classes as RE2's.
func translated(pattern string) string {
	if !strings.Contains(pattern, `\p{`) && !strings.Contains(pattern, `\P{`) {
		return pattern
	}
	var b strings.Builder
	inClass := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern):
			class, size := javaClass(pattern[i:], inClass)
			b.WriteString(class)
			i += size - 1
			continue
		case c == '[':
			inClass = true
		case c == ']':
			inClass = false
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}

// javaClass translates the escape sequence that s begins with, and says how long it is.
func javaClass(s string, inClass bool) (class string, size int) {
	if end := strings.IndexByte(s, '}'); s[1]|32 == 'p' && end > 3 && s[2] == '{' {
		name, known := javaClasses[s[3:end]]
		if !known {
			return s[:end+1], end + 1
		}
		if s[1] == 'P' {
			name = "^" + name
		}
		if inClass {
			return "[:" + name + ":]", end + 1
		}
		return "[[:" + name + ":]]", end + 1
	}
	return s[:2], 2
}

// template is a replacement as Java reads it, taken apart: literal text, and groups that a match fills in.
type template struct {
	parts []templatePart
}

type templatePart struct {
	literal string
	group   int // -1: the literal
}

// parseTemplate reads $n, where n has as many digits as the pattern has groups for, ${name}, and \\ before a character that stands for itself.
func parseTemplate(text string, re *regexp.Regexp) (*template, error) {
	t := &template{}
	literal := strings.Builder{}
	for rest := text; rest != ""; {
		c := rest[0]
		rest = rest[1:]
		switch {
		case c != '\\' && c != '$':
			literal.WriteByte(c)
			continue
		case rest == "":
			return nil, fmt.Errorf("replacement %q ends in %c", text, c)
		case c == '\\':
			literal.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		group, size := groupOf(rest, re)
		if group < 0 {
			return nil, fmt.Errorf("replacement %q names a group that the pattern does not have", text)
		}
		t.parts = append(t.parts, templatePart{literal.String(), -1}, templatePart{"", group})
		literal.Reset()
		rest = rest[size:]
	}
	t.parts = append(t.parts, templatePart{literal.String(), -1})
	return t, nil
}

// groupOf reads what follows a $: the group, -1 if there is none, and how long its name is.
func groupOf(s string, re *regexp.Regexp) (group, size int) {
	if s[0] == '{' {
		end := strings.IndexByte(s, '}')
		if end < 2 {
			return -1, 0
		}
		return re.SubexpIndex(s[1:end]), end + 1
	}
	group = -1
	for size < len(s) && s[size] >= '0' && s[size] <= '9' {
		next := max(group, 0)*10 + int(s[size]-'0')
		if next > re.NumSubexp() {
			break
		}
		group = next
		size++
	}
	return group, size
}

// expand appends the replacement of a match m of s.
func (t *template) expand(dst []byte, s string, m []int) []byte {
	for _, p := range t.parts {
		switch g := 2 * p.group; {
		case p.group < 0:
			dst = append(dst, p.literal...)
		case m[g] >= 0:
			dst = append(dst, s[m[g]:m[g+1]]...)
		}
	}
	return dst
}

func regexpReplace(c *udf.Call, a []any) (any, error) {
	re, err := compiled(c, a[1].(string))
	if err != nil {
		return nil, err
	}
	s := a[0].(string)
	matches := re.FindAllStringSubmatchIndex(s, -1)
	if matches == nil {
		return s, nil
	}
	t, err := parseTemplate(a[2].(string), re)
	if err != nil {
		return nil, err
	}
	var out []byte
	end := 0
	for _, m := range matches {
		out = t.expand(append(out, s[end:m[0]]...), s, m)
		end = m[1]
		if len(out) > len(s)+maxText {
			return nil, errTooLong
		}
	}
	return string(append(out, s[end:]...)), nil
}

// regexpSplit keeps empty parts everywhere, but for patterns that match nothing at all: those split as Java's own split does, which
// drops empty parts at the end and one that a match of nothing makes at the beginning.
func regexpSplit(c *udf.Call, a []any) (any, error) {
	re, err := compiled(c, a[1].(string))
	if err != nil {
		return nil, err
	}
	if a[0] == "" {
		return []any{""}, nil
	}
	parts := re.Split(a[0].(string), -1)
	if m := re.FindStringIndex(""); m != nil && len(parts) > 1 {
		if first := re.FindStringIndex(a[0].(string)); parts[0] == "" && first != nil && first[1] == 0 {
			parts = parts[1:]
		}
		for len(parts) > 1 && parts[len(parts)-1] == "" {
			parts = parts[:len(parts)-1]
		}
	}
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out, nil
}

func group(a []any) int {
	if len(a) > 2 {
		return int(a[2].(int32))
	}
	return 0
}

func regexpExtract(c *udf.Call, a []any) (any, error) {
	re, err := compiled(c, a[0].(string))
	if err != nil {
		return nil, err
	}
	m, g := re.FindStringSubmatchIndex(a[1].(string)), group(a)
	if m == nil || g < 0 || g > re.NumSubexp() || m[2*g] < 0 {
		return nil, nil
	}
	return a[1].(string)[m[2*g]:m[2*g+1]], nil
}

func regexpExtractAll(c *udf.Call, a []any) (any, error) {
	re, err := compiled(c, a[0].(string))
	if err != nil {
		return nil, err
	}
	g := group(a)
	if g < 0 || g > re.NumSubexp() {
		return nil, nil
	}
	out := []any{}
	for _, m := range re.FindAllStringSubmatch(a[1].(string), -1) {
		out = append(out, m[g])
	}
	return out, nil
}
