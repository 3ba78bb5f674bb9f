package model

import (
	"strconv"

	"github.com/millrace/millrace/sql/types"
)

// Fact is something a file says about its model, for people to read.
type Fact struct{ Name, Value string }

// ArgTypes are the widest SQL types of arguments that a PREDICT of the model takes, in their order.
func (s Signature) ArgTypes() []*types.Type {
	var args []*types.Type
	for _, t := range s.Inputs {
		arg := types.Double
		switch {
		case t.Type == Int32:
			arg = types.Int
		case t.Type.IsInt():
			arg = types.Bigint
		case t.Type == String:
			arg = types.String
		case t.Type == Bool:
			arg = types.Boolean
		}
		for range t.Width() {
			args = append(args, arg)
		}
	}
	return args
}

// InputNames name the elements of the inputs in a Tally, OutputNames those of the outputs: by column or key where the file has them, and
// else by the tensor, with a number if it has several.
func (s Signature) InputNames() []string { return elementNames(s.Inputs) }

// OutputNames are like InputNames.
func (s Signature) OutputNames() []string { return elementNames(s.Outputs) }

func elementNames(tensors []Tensor) []string {
	var names []string
	for _, t := range tensors {
		width := t.Width()
		for e := 0; e < width && len(names) < maxWatched; e++ {
			switch {
			case e < len(t.Columns):
				names = append(names, t.Columns[e])
			case e < len(t.Keys):
				names = append(names, t.Name+"['"+t.Keys[e]+"']")
			case width == 1:
				names = append(names, t.Name)
			default:
				names = append(names, t.Name+"["+strconv.Itoa(e+1)+"]") // as SQL counts
			}
		}
	}
	return names
}

// ScoreElement is the element of a Tally's outputs that stands for a row's score: the first number with a fraction or, of a binary
// classifier's two probabilities, that of the second class. It is -1 for a model that has none, or has it too far behind.
func (s Signature) ScoreElement() int {
	first := 0
	for _, t := range s.Outputs {
		if t.Type.IsFloat() && t.Width() > 0 {
			if t.Width() == 2 {
				first++
			}
			if first >= maxWatched {
				return -1
			}
			return first
		}
		first += t.Width()
	}
	return -1
}
