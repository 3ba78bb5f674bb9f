package onnx

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestRuns wants the words that the expression itself finds, in texts with characters of every length and broken ones.
func TestRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "Z", "0", "_", " ", "-", "é", "ß", "漢", "🙂", "\xff", "\xe6\xbc", "\ufffd", "\x00", "~"}
	for _, pattern := range []string{`[a-zA-Z0-9_]+`, `\w+`, `[^ ]+`, `[é-漢]+`, `\pL+`, `(?i)[k-z]+`, `[\x{fffd}a]+`} {
		set, re := runsOf(pattern), regexp.MustCompile(pattern)
		if set == nil {
			t.Errorf("%s is not taken for runs of characters", pattern)
			continue
		}
		for range 300 {
			var b strings.Builder
			for range r.IntN(12) {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
			var got []string
			set.each(b.String(), func(w string) { got = append(got, w) })
			if want := re.FindAllString(b.String(), -1); !slices.Equal(got, want) {
				t.Fatalf("%s in %q: got %q, want %q", pattern, b.String(), got, want)
			}
		}
	}
	for _, pattern := range []string{`[a-z]+?`, `[a-z]*`, `\b\w\w+\b`, `ab+`, `a`, `([a-z]+)`, `[a-z]{2,}`} {
		if runsOf(pattern) != nil {
			t.Errorf("%s is taken for runs of characters", pattern)
		}
	}
}

// TestFold wants what package strings makes of texts, and texts that stay when others are made.
func TestFold(t *testing.T) {
	var f frame
	var got, want []string
	for _, s := range []string{"", "abc", "ABC", "Straße", "ÀÉ漢🙂", "a\xffB", "İI", "\ufffdX"} {
		got = append(got, f.fold(s, unicode.ToLower), f.fold(s, unicode.ToUpper))
		want = append(want, strings.ToLower(s), strings.ToUpper(s))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
