package onnx

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"github.com/millrace/millrace/udf/model"
)

// Bounds on what a model may take, whatever its file asks for. What the shapes tell is refused when the model is loaded; texts,
// whose length only the rows tell, are an error when they are scored.
const (
	maxWork       = 1 << 32   // steps of loading, and of one row: seconds
	maxArranged   = 1 << 25   // elements that loading moves about before any row is scored
	maxFrameBytes = 256 << 20 // the intermediate values of one row
	maxTextBytes  = 1 << 20   // a text that is cut into words, and all texts that the operators make for one row
	maxExpression = 1 << 14   // instructions of a regular expression
)

// maxRowElements bounds one value of one row: 16 MB of float.
const maxRowElements = 1 << 22

// charge counts the steps of a node, the product of the factors, before it computes anything: those of loading and those of a row
// together. Every operator is charged for its operands and results; those that do more than look at each once say so.
func (c *compiler) charge(factors ...int) error {
	n := 1
	for _, f := range factors {
		f = max(f, 1)
		if n > maxWork/f {
			return fmt.Errorf("more than %d steps a row", maxWork)
		}
		n *= f
	}
	if c.work += n; c.work > maxWork {
		return fmt.Errorf("more than %d steps a row", maxWork)
	}
	return nil
}

// arrange counts places of rearrangements, which loading works out one by one.
func (c *compiler) arrange(places int) error {
	if c.arranged += places; c.arranged > maxArranged {
		return fmt.Errorf("rearrangements of more than %d elements", maxArranged)
	}
	return nil
}

// reserve counts what a register takes in a frame of one row.
func (c *compiler) reserve(kind model.ElemType, n int) error {
	if c.frameBytes += n * elemBytes(kind); c.frameBytes > maxFrameBytes {
		return fmt.Errorf("the intermediate values of a row are too large: more than %d bytes", maxFrameBytes)
	}
	return nil
}

// elemBytes is what an element takes in memory. A text takes its header and a few bytes; long ones are counted as they are made.
func elemBytes(kind model.ElemType) int {
	switch kind {
	case model.Bool:
		return 1
	case model.Float32:
		return 4
	case model.String:
		return 48
	}
	return 8
}

// made counts texts that a step has made, n bytes in all, against the rows of the frame.
func (f *frame) made(n int) error {
	if f.texts += n; f.texts > maxTextBytes*f.n {
		return fmt.Errorf("texts of more than %d bytes a row", maxTextBytes)
	}
	return nil
}

// expression compiles a regular expression of a bounded size: a counted repeat makes a large program of a short text.
func expression(text string) (*regexp.Regexp, error) {
	if len(text) > maxExpression {
		return nil, fmt.Errorf("an expression of %d bytes", len(text))
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if instructions(tree) > maxExpression {
		return nil, fmt.Errorf("an expression of more than %d instructions", maxExpression)
	}
	return regexp.Compile(text)
}

// instructions bounds the size of an expression's program, from above. The parser has bounded the depth, and what repeats may
// multiply to.
func instructions(e *syntax.Regexp) int {
	n := 2
	if e.Op == syntax.OpLiteral {
		n += len(e.Rune)
	}
	for _, sub := range e.Sub {
		n += instructions(sub)
	}
	if e.Op == syntax.OpRepeat {
		n *= max(e.Min, e.Max, 1) + 1
	}
	return n
}
