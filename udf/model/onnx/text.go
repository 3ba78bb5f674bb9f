package onnx

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/millrace/millrace/udf/model"
)

// splitter cuts texts into words. How many a text has differs from row to row, so words are no tensor: what a Tokenizer gives
// is the text itself with the splitter that its reader is to use.
type splitter struct {
	runs       *runes         // words are runs of these; nil: see words
	words      *regexp.Regexp // matches words; nil: separators, or every character is a word
	separators *regexp.Regexp
	shortest   int // characters of a word
}

// splittable are the operators that words may pass through.
var splittable = []string{"Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze", "TfIdfVectorizer"}

// each calls fn for the words of a text in order.
func (s *splitter) each(text string, fn func(word string)) {
	emit := func(word string) {
		if utf8.RuneCountInString(word) >= s.shortest {
			fn(word)
		}
	}
	switch {
	case s.runs != nil:
		s.runs.each(text, emit)
	case s.words != nil:
		for len(text) > 0 {
			at := s.words.FindStringIndex(text)
			if at == nil {
				return
			}
			if at[1] == at[0] { // nothing was matched: go on behind the next character
				_, n := utf8.DecodeRuneInString(text[at[0]:])
				text = text[at[0]+max(n, 1):]
				continue
			}
			emit(text[at[0]:at[1]])
			text = text[at[1]:]
		}
	case s.separators != nil:
		for {
			at := s.separators.FindStringIndex(text)
			if at == nil || at[1] == at[0] {
				break
			}
			if at[0] > 0 {
				emit(text[:at[0]])
			}
			text = text[at[1]:]
		}
		if text != "" {
			emit(text)
		}
	default:
		for len(text) > 0 {
			_, n := utf8.DecodeRuneInString(text)
			emit(text[:n])
			text = text[n:]
		}
	}
}

// tokenizer is com.microsoft's Tokenizer, which skl2onnx emits for text.
func tokenizer(x *call) error {
	if err := x.arity(1, 1); err != nil {
		return err
	}
	v := x.inputs[0]
	x.ignore("pad_value") // fills up tensors; words are none
	if v.kind != model.String {
		return fmt.Errorf("an operand of %s", v.kind)
	}
	if v.size() != 1 || x.int("mark", 0) != 0 {
		return uncovered("marks, or several texts a row")
	}
	s := &splitter{shortest: int(x.int("mincharnum", 1))}
	pattern, separators := x.text("tokenexp", ""), x.texts("separators")
	var err error
	switch {
	case pattern != "":
		if s.words, err = expression(pattern); err != nil {
			return fmt.Errorf("tokenexp: %w", err)
		}
		s.runs = runsOf(pattern)
	case len(separators) == 0:
		return errors.New("neither tokenexp nor separators")
	case len(separators) == 1 && separators[0] == "":
	default:
		if s.separators, err = expression(strings.Join(separators, "|")); err != nil {
			return fmt.Errorf("separators: %w", err)
		}
	}
	if err := x.alias(v, append(slices.Clone(v.shape), 1)); err != nil {
		return err
	}
	if out := x.values[x.out[0]]; out != nil {
		out.split = s
	}
	return nil
}

// stringNormalizer changes the case of texts and drops stop words, which are compared with whole texts.
func stringNormalizer(x *call) error {
	if err := x.arity(1, 1); err != nil {
		return err
	}
	v, stops := x.inputs[0], x.texts("stopwords")
	if v.kind != model.String {
		return fmt.Errorf("an operand of %s", v.kind)
	}
	x.ignore("locale")
	var change func(rune) rune // nil: none
	switch action := x.text("case_change_action", "NONE"); action {
	case "NONE":
	case "LOWER":
		change = unicode.ToLower
	case "UPPER":
		change = unicode.ToUpper
	default:
		return fmt.Errorf("case_change_action %q", action)
	}
	compare := func(s string) string { return s }
	if x.int("is_case_sensitive", 0) == 0 {
		compare = strings.ToLower
	}
	stopped := make(map[string]bool, len(stops))
	for _, s := range stops {
		stopped[compare(s)] = true
	}
	if len(stops) > 0 && (v.size() != 1 || x.stacked > 0) {
		return uncovered("stop words among several texts a row")
	}
	out, err := x.output(v.kind, v.shape)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		dst, made := data[string](f, out), 0
		for i, s := range data[string](f, v) {
			dst[i] = ""
			if len(stopped) > 0 && stopped[compare(s)] {
				continue
			}
			if dst[i] = s; change != nil {
				dst[i] = f.fold(s, change)
			}
			made += len(dst[i])
		}
		return f.made(made)
	})
}

// stringConcat joins texts element by element.
func stringConcat(x *call) error {
	if err := x.arity(2, 2); err != nil {
		return err
	}
	a, b := x.inputs[0], x.inputs[1]
	if a.kind != model.String || b.kind != model.String {
		return fmt.Errorf("operands of %s and %s", a.kind, b.kind)
	}
	shape, err := broadcast(a, b)
	if err != nil {
		return err
	}
	if a, err = x.spread(a, shape); err != nil {
		return err
	}
	if b, err = x.spread(b, shape); err != nil {
		return err
	}
	out, err := x.output(model.String, shape)
	if err != nil {
		return err
	}
	return x.emit(func(f *frame) error {
		p, q, dst := data[string](f, a), data[string](f, b), data[string](f, out)
		for i := range dst {
			left, right := p[i%len(p)], q[i%len(q)]
			if err := f.made(len(left) + len(right)); err != nil { // before it is: doubling fills any memory soon
				return err
			}
			dst[i] = left + right
		}
		return nil
	})
}

// regexFullMatch says which texts an expression matches from end to end.
func regexFullMatch(x *call) error {
	if err := x.arity(1, 1); err != nil {
		return err
	}
	if kind := x.inputs[0].kind; kind != model.String {
		return fmt.Errorf("an operand of %s", kind)
	}
	re, err := expression(`^(?:` + x.text("pattern", "") + `)$`)
	if err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	return unary(x, model.Bool, each(re.MatchString))
}
