package builtin

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millrace/millrace/udf"
)

// maskFunctions replace letters and digits. The four replacement characters are those for upper case, lower case, digits and the
// rest; a NULL one leaves its kind as it is.
func maskFunctions() []udf.Function {
	const chars = ", upper STRING, lower STRING, digit STRING, other STRING"
	partial := func(name, description string, masked func(i, n, count int) bool) udf.Function {
		f := func(_ *udf.Call, a []any) (any, error) {
			if a[0] == nil || a[1] == nil || a[1].(int32) < 0 {
				return nil, nil
			}
			count := int(a[1].(int32))
			return value(mask(a[0].(string), a[2:], func(i, n int) bool { return masked(i, n, count) }))
		}
		return function(name, description,
			onNulls("input STRING, numChars INT -> STRING", f), onNulls("input STRING, numChars INT"+chars+" -> STRING", f))
	}
	all := func(_ *udf.Call, a []any) (any, error) {
		if a[0] == nil {
			return nil, nil
		}
		return value(mask(a[0].(string), a[1:], func(int, int) bool { return true }))
	}
	return []udf.Function{
		function("MASK", "The text with every character replaced by its kind's: X for upper case, x for lower case, n for digits, - for others, or those given; NULL keeps a kind. NULL for a NULL text.",
			onNulls("input STRING -> STRING", all), onNulls("input STRING"+chars+" -> STRING", all)),
		partial("MASK_LEFT", "The text with its first characters masked, as MASK does; NULL for a NULL text or number.", func(i, _, count int) bool { return i < count }),
		partial("MASK_RIGHT", "The text with its last characters masked, as MASK does; NULL for a NULL text or number.", func(i, n, count int) bool { return i >= n-count }),
		partial("MASK_KEEP_LEFT", "The text with all but its first characters masked, as MASK does; NULL for a NULL text or number.", func(i, _, count int) bool { return i >= count }),
		partial("MASK_KEEP_RIGHT", "The text with all but its last characters masked, as MASK does; NULL for a NULL text or number.", func(i, n, count int) bool { return i < n-count }),
	}
}

// mask replaces the characters at which masked says so.
func mask(s string, chars []any, masked func(i, n int) bool) (string, error) {
	with := [4]any{"X", "x", "n", "-"}
	copy(with[:], chars)
	for _, c := range with {
		if c != nil && utf8.RuneCountInString(c.(string)) != 1 {
			return "", fmt.Errorf("%q is not one character to mask with", c)
		}
	}
	runes := []rune(s)
	var b strings.Builder
	for i, r := range runes {
		kind := 3
		switch {
		case unicode.IsUpper(r):
			kind = 0
		case unicode.IsLower(r):
			kind = 1
		case unicode.IsDigit(r):
			kind = 2
		}
		if to, ok := with[kind].(string); ok && masked(i, len(runes)) {
			r = []rune(to)[0]
		}
		b.WriteRune(r)
	}
	return b.String(), nil
}
