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
		function("REGEXP_REPLACE", "The text with every match of a pattern replaced; $1 stands for the first group.",
			on("str STRING, regexp STRING, newStr STRING -> STRING", func(c *udf.Call, a []any) (any, error) {
				re, err := compiled(c, a[1].(string))
				if err != nil {
					return nil, err
				}
				return replacePattern(re, a[0].(string), goTemplate(a[2].(string)))
			})),
		function("REGEXP_SPLIT_TO_ARRAY", "The parts of a text between matches of a pattern.",
			on("string STRING, regexp STRING -> ARRAY<STRING>", func(c *udf.Call, a []any) (any, error) {
				re, err := compiled(c, a[1].(string))
				if err != nil {
					return nil, err
				}
				out := []any{}
				for _, part := range re.Split(a[0].(string), -1) {
					out = append(out, part)
				}
				return out, nil
			})),
	}
}

// compiled keeps the last pattern of the call, which is usually its only one.
func compiled(c *udf.Call, pattern string) (*regexp.Regexp, error) {
	if re, ok := c.Cache.(*regexp.Regexp); ok && re.String() == pattern {
		return re, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("compile pattern: %w", err)
	}
	c.Cache = re
	return re, nil
}

// goTemplate turns Java's $1 and \$ into what package regexp expands.
func goTemplate(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] == '$' {
				b.WriteByte('$')
			}
			b.WriteByte(s[i])
		case s[i] == '$' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
			i++
			b.WriteString("${" + s[i:i+1] + "}")
		case s[i] == '$':
			b.WriteString("$$")
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func replacePattern(re *regexp.Regexp, s, template string) (any, error) {
	var out []byte
	end := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		out = re.ExpandString(append(out, s[end:m[0]]...), template, s, m)
		end = m[1]
		if len(out) > len(s)+maxText {
			return nil, errTooLong
		}
	}
	return string(append(out, s[end:]...)), nil
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
