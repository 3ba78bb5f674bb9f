package model

import "github.com/millrace/millrace/sql/types"

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
