package analyzer_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/types"
)

// functions is a small table of functions: enough to meet every way in which the analyzer uses them. The real ones are package udf's.
type functions map[string]function

type function struct {
	kind    analyzer.FunctionKind
	resolve func(args []analyzer.Arg) (analyzer.Match, bool)
}

func (f functions) Kind(name string) analyzer.FunctionKind { return f[name].kind }

func (f functions) Names() []string { return slices.Sorted(maps.Keys(f)) }

func (f functions) Resolve(name string, args []analyzer.Arg) (analyzer.Match, error) {
	m, ok := f[name].resolve(args)
	if !ok {
		return m, &ast.Error{Code: "function.arguments", Message: "function " + name + " does not accept these"}
	}
	return m, nil
}

func scalar(returns *types.Type, params ...*types.Type) function {
	return function{analyzer.ScalarFunction, func(args []analyzer.Arg) (analyzer.Match, bool) {
		if len(args) != len(params) {
			return analyzer.Match{}, false
		}
		for i, a := range args {
			if a.Type == nil || !types.ImplicitCast(a.Type, params[i]) {
				return analyzer.Match{}, false
			}
		}
		return analyzer.Match{Params: params, Returns: returns}, true
	}}
}

// aggregate takes one argument of any type and init integers behind it.
func aggregate(init int, undo bool, result func(t *types.Type) (returns, state *types.Type)) function {
	return function{analyzer.AggregateFunction, func(args []analyzer.Arg) (analyzer.Match, bool) {
		if len(args) != 1+init {
			return analyzer.Match{}, false
		}
		m := analyzer.Match{Params: []*types.Type{args[0].Type}, Init: init, Undo: undo}
		for range init {
			m.Params = append(m.Params, types.Int)
		}
		m.Returns, m.State = result(args[0].Type)
		return m, true
	}}
}

func same(t *types.Type) (returns, state *types.Type) { return t, t }

var testFunctions = functions{
	"UCASE":        scalar(types.String, types.String),
	"LEN":          scalar(types.Int, types.String),
	"SQRT":         scalar(types.Double, types.Double),
	"CONCAT":       scalar(types.String, types.String, types.String),
	"RANDOM":       scalar(types.Double),
	"TIMESTAMPADD": scalar(types.Timestamp, types.IntervalUnit, types.Int, types.Timestamp),
	"AS_VALUE": {analyzer.ScalarFunction, func(args []analyzer.Arg) (analyzer.Match, bool) {
		return analyzer.Match{Params: []*types.Type{args[0].Type}, Returns: args[0].Type}, len(args) == 1
	}},
	"TRANSFORM": {analyzer.ScalarFunction, func(args []analyzer.Arg) (analyzer.Match, bool) {
		if len(args) != 2 || args[1].Lambda != 1 || args[0].Type.Kind != types.KindArray {
			return analyzer.Match{}, false
		}
		params := []*types.Type{args[0].Type.Elem}
		t, err := args[1].Body(params)
		if err != nil {
			return analyzer.Match{}, false
		}
		return analyzer.Match{Params: []*types.Type{args[0].Type, nil}, Returns: types.ArrayOf(t), Lambdas: [][]*types.Type{nil, params}}, true
	}},
	"COUNT": aggregate(0, true, func(*types.Type) (*types.Type, *types.Type) { return types.Bigint, types.Bigint }),
	"SUM":   aggregate(0, true, same),
	"MAX":   aggregate(0, false, same),
	"AVG": aggregate(0, true, func(*types.Type) (*types.Type, *types.Type) {
		return types.Double, types.StructOf(types.Field{Name: "S", Type: types.Double}, types.Field{Name: "N", Type: types.Bigint})
	}),
	"TOPK": aggregate(1, false, func(t *types.Type) (*types.Type, *types.Type) { return types.ArrayOf(t), types.ArrayOf(t) }),
	"EXPLODE": {analyzer.TableFunction, func(args []analyzer.Arg) (analyzer.Match, bool) {
		if len(args) != 1 || args[0].Type.Kind != types.KindArray {
			return analyzer.Match{}, false
		}
		return analyzer.Match{Params: []*types.Type{args[0].Type}, Returns: args[0].Type.Elem}, true
	}},
}

// models knows one model: fraud, of two numbers.
type models struct{}

func (models) ResolvePredict(model string, _ int, args []*types.Type) (*types.Type, error) {
	if len(args) != 2 {
		return nil, &ast.Error{Code: "model.arguments", Message: strings.ToLower(model) + " takes 2 columns"}
	}
	return types.StructOf(types.Field{Name: "label", Type: types.Bigint}, types.Field{Name: "probability", Type: types.Double}), nil
}
