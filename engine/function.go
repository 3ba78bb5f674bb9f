package engine

import (
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
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
	for _, name := range e.functions.Names() {
		f, _ := e.functions.Function(name)
		list.Functions = append(list.Functions, FunctionName{Name: name, Type: kindText(f.Kind), Category: f.Category})
	}
	return list
}

func (e *Engine) describeFunction(name ast.Ident) ([]EntityBody, error) {
	f, ok := e.functions.Function(name.Name)
	if !ok {
		return nil, &ast.Error{
			Code: "function.unknown", Span: name.Span(), Message: "there is no function " + name.Name,
			Hint: ast.Suggest(name.Name, e.functions.Names()),
		}
	}
	d := FunctionDescription{
		Name: f.Name, Description: f.Description, Author: "Millrace", Version: Version, Path: "internal", Type: kindText(f.Kind),
	}
	for i := range f.Overloads {
		d.Functions = append(d.Functions, overloadInfo(&f.Overloads[i]))
	}
	return one(d), nil
}

func overloadInfo(o *udf.Overload) FunctionInfo {
	s := o.Parsed()
	info := FunctionInfo{Description: o.Description, Arguments: []FunctionArgument{}}
	if s.Returns != nil {
		info.ReturnType = s.Returns.String()
	}
	for i, p := range s.Params {
		info.Arguments = append(info.Arguments, FunctionArgument{Name: p.Name, Type: p.Type.String(), IsVariadic: i == s.Variadic})
	}
	return info
}
