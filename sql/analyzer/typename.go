package analyzer

import (
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
)

const maxTypeDepth = 50

var typeNames = map[string]*types.Type{
	"BOOLEAN": types.Boolean, "INT": types.Int, "INTEGER": types.Int, "BIGINT": types.Bigint, "DOUBLE": types.Double,
	"STRING": types.String, "VARCHAR": types.String, "BYTES": types.Bytes, "DATE": types.Date, "TIME": types.Time,
	"TIMESTAMP": types.Timestamp,
}

// TypeOf resolves a type that is written outside of a query.
func TypeOf(cat *catalog.Catalog, t *ast.TypeName) (*types.Type, error) {
	s := &statement{cat: cat}
	return s.typeOf(t)
}

// typeOf resolves a written type. A custom type becomes a copy of what it stands for now.
func (s *statement) typeOf(t *ast.TypeName) (*types.Type, error) { return s.typeAt(t, 0) }

func (s *statement) typeAt(t *ast.TypeName, depth int) (*types.Type, error) {
	if depth > maxTypeDepth {
		return nil, fail("type.depth", t.Span(), "type is nested deeper than %d", maxTypeDepth)
	}
	name := strings.ToUpper(t.Name.Name)
	switch {
	case t.Elem != nil:
		e, err := s.typeAt(t.Elem, depth+1)
		if err != nil {
			return nil, err
		}
		return types.ArrayOf(e), nil
	case t.Value != nil:
		return s.mapType(t, depth)
	case name == "STRUCT":
		return s.structType(t, depth)
	case name == "DECIMAL" || name == "DEC" || name == "NUMERIC":
		return decimalType(t)
	}
	if b, ok := typeNames[name]; ok {
		return b, nil
	}
	if c, ok := s.cat.Type(name); ok {
		return c, nil
	}
	known := s.cat.Types()
	for n := range typeNames {
		known = append(known, n)
	}
	return nil, advise(fail("type.unknown", t.Span(), "there is no type %s", t.Name.Name), "%s", ast.Suggest(name, known))
}

func (s *statement) mapType(t *ast.TypeName, depth int) (*types.Type, error) {
	k, err := s.typeAt(t.Key, depth+1)
	if err != nil {
		return nil, err
	}
	v, err := s.typeAt(t.Value, depth+1)
	if err != nil {
		return nil, err
	}
	return types.MapOf(k, v), nil
}

func (s *statement) structType(t *ast.TypeName, depth int) (*types.Type, error) {
	out := types.StructOf()
	for _, f := range t.Fields {
		if out.FieldIndex(f.Name.Name) >= 0 {
			return nil, fail("struct.duplicate-field", f.Name.Span(), "field %s is there twice", f.Name)
		}
		ft, err := s.typeAt(f.Type, depth+1)
		if err != nil {
			return nil, err
		}
		out.Fields = append(out.Fields, types.Field{Name: f.Name.Name, Type: ft})
	}
	return out, nil
}

func decimalType(t *ast.TypeName) (*types.Type, error) {
	if len(t.Params) != 2 || t.Params[0].Word || t.Params[1].Word {
		return nil, advise(fail("type.decimal", t.Span(), "DECIMAL takes a precision and a scale"), "write DECIMAL(10, 2)")
	}
	p, sc := t.Params[0].Value, t.Params[1].Value
	if p < 1 || sc < 0 || sc > p {
		return nil, fail("type.decimal", t.Span(), "DECIMAL(%d, %d) needs 1 <= precision and 0 <= scale <= precision", p, sc)
	}
	return types.DecimalOf(p, sc), nil
}
