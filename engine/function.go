package engine

import (
	"strconv"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf"
)

func kindText(k analyzer.FunctionKind) string {
	switch k {
	case analyzer.AggregateFunction:
		return "AGGREGATE"
	case analyzer.TableFunction:
		return "TABLE"
	}
	return "SCALAR"
}

func (e *Engine) showFunctions() FunctionNames {
	list := FunctionNames{Functions: []FunctionName{}}
	functions := e.functions()
	for _, name := range functions.Names() {
		f, _ := functions.Function(name)
		list.Functions = append(list.Functions, FunctionName{Name: name, Type: kindText(f.Kind), Category: f.Category})
	}
	return list
}

func (e *Engine) describeFunction(name ast.Ident) ([]EntityBody, error) {
	f, ok := e.functions().Function(name.Name)
	if !ok {
		return nil, e.unknownFunction(name)
	}
	d := FunctionDescription{
		Name: f.Name, Description: f.Description, Author: "Millrace", Version: Version, Path: "internal", Type: kindText(f.Kind),
	}
	for i := range f.Overloads {
		d.Functions = append(d.Functions, e.overloadInfo(f.Name, &f.Overloads[i]))
	}
	if defined, ok := e.Catalog().Function(f.Name); ok {
		def := defined.Last()
		d.Author, d.Version, d.Path = "", strconv.Itoa(def.Version), def.URI
	}
	return one(d), nil
}

func (e *Engine) unknownFunction(name ast.Ident) error {
	return &ast.Error{
		Code: "function.unknown", Span: name.Span(), Message: "there is no function " + name.Name,
		Hint: ast.Suggest(name.Name, e.functions().Names()),
	}
}

func (e *Engine) overloadInfo(name string, o *udf.Overload) FunctionInfo {
	s := o.Parsed()
	info := FunctionInfo{Description: o.Description, Arguments: []FunctionArgument{}}
	if s.Returns != nil {
		info.ReturnType = s.Returns.String()
	} else {
		info.ReturnType = e.computedType(name, s)
	}
	for i, p := range s.Params {
		info.Arguments = append(info.Arguments, FunctionArgument{Name: p.Name, Type: p.Type.String(), IsVariadic: i == s.Variadic})
	}
	return info
}

// byArguments stands for a type that only a call has.
const byArguments = "by the arguments"

// computedType tells what is known of a result whose type the function computes: it is asked about two samples of arguments.
func (e *Engine) computedType(name string, s *udf.Signature) string {
	var found [2]*types.Type
	for i, free := range [2]sample{{types.String, types.DecimalOf(6, 2)}, {types.Bigint, types.DecimalOf(9, 4)}} {
		args := make([]analyzer.Arg, len(s.Params))
		for j, p := range s.Params {
			args[j].Type = free.of(p.Type)
		}
		m, err := e.functions().Resolve(name, args)
		if err != nil || m.Returns == nil {
			return byArguments
		}
		found[i] = m.Returns
	}
	switch {
	case found[0].String() == found[1].String():
		return found[0].String()
	case found[0].Kind == types.KindDecimal && found[1].Kind == types.KindDecimal:
		return "DECIMAL, " + byArguments
	}
	return byArguments
}

// sample is what stands for a type that a signature leaves open, and for a DECIMAL.
type sample struct{ open, decimal *types.Type }

func (s sample) of(p *udf.Pattern) *types.Type {
	switch {
	case p.Any || p.Var != "":
		return s.open
	case p.Kind == types.KindArray:
		return types.ArrayOf(s.of(p.Elem))
	case p.Kind == types.KindMap:
		return types.MapOf(s.of(p.Key), s.of(p.Elem))
	case p.Kind == types.KindDecimal:
		return s.decimal
	}
	return &types.Type{Kind: p.Kind}
}
