package analyzer

import (
	"strings"

	"github.com/millrace/millrace/sql/ast"
)

func (s *statement) createType(x *ast.CreateType) (Result, error) {
	name := strings.ToUpper(x.Name.Name)
	if _, ok := s.cat.Type(name); ok {
		if x.IfNotExists {
			return &Nothing{Message: "type " + name + " exists already"}, nil
		}
		return nil, fail("type.exists", x.Name.Span(), "there is already a type %s", name)
	}
	t, err := s.typeOf(x.Type)
	if err != nil {
		return nil, err
	}
	return &CreateType{Name: name, Type: t}, nil
}

func (s *statement) dropType(x *ast.DropType) (Result, error) {
	name := strings.ToUpper(x.Name.Name)
	if _, ok := s.cat.Type(name); !ok {
		if x.IfExists {
			return &Nothing{Message: "there is no type " + name}, nil
		}
		return nil, advise(fail("type.unknown", x.Name.Span(), "there is no type %s", name), "%s", ast.Suggest(name, s.cat.Types()))
	}
	return &DropType{Name: name}, nil
}
