package onnx

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
	"unsafe"
)

// runes is a set of characters: what [a-zA-Z0-9_] matches.
type runes struct {
	ascii  [utf8.RuneSelf]bool
	ranges []rune // pairs of the first and the last, ascending
}

// runsOf is the set of an expression that matches the longest runs of a set of characters, as [a-z]+ does and most expressions for words do;
// nil of another expression.
func runsOf(text string) *runes {
	e, err := syntax.Parse(text, syntax.Perl)
	if err != nil || e.Op != syntax.OpPlus || e.Flags&syntax.NonGreedy != 0 || e.Sub[0].Op != syntax.OpCharClass {
		return nil
	}
	set := &runes{ranges: e.Sub[0].Rune}
	for r := range set.ascii {
		set.ascii[r] = set.search(rune(r))
	}
	return set
}

func (s *runes) has(r rune) bool {
	if r < utf8.RuneSelf {
		return s.ascii[r]
	}
	return s.search(r)
}

func (s *runes) search(r rune) bool {
	i, _ := slices.BinarySearch(s.ranges, r)                   // the first end that is not below it
	return i < len(s.ranges) && (i%2 == 1 || s.ranges[i] == r) // it is the last of a range, or a range begins here
}

// each calls fn for the runs of a text in order.
func (s *runes) each(text string, fn func(run string)) {
	start := -1
	for i, r := range text {
		switch in := s.has(r); {
		case in && start < 0:
			start = i
		case !in && start >= 0:
			fn(text[start:i])
			start = -1
		}
	}
	if start >= 0 {
		fn(text[start:])
	}
}

// fold is a text with every character changed, in the memory of the frame.
func (f *frame) fold(text string, change func(rune) rune) string {
	from := len(f.text)
	for _, r := range text {
		f.text = utf8.AppendRune(f.text, change(r))
	}
	made := f.text[from:]
	return unsafe.String(unsafe.SliceData(made), len(made))
}

// maxKeptText bounds the memory for texts that a frame keeps.
const maxKeptText = 1 << 20

// forget gives the memory of the texts that were made to the next rows, unless somebody else may have them.
func (f *frame) forget(shared bool) {
	if f.texts, f.text = 0, f.text[:0]; shared || cap(f.text) > maxKeptText {
		f.text = nil
	}
}
