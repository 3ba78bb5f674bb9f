package engine

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/millrace/millrace/sql/ast"
)

// session is the state of one request: properties and variables, which SET and DEFINE change for the statements behind
// them. It belongs to the request's goroutine.
type session struct {
	props map[string]string
	vars  map[string]string
}

func newSession(r Request) (*session, error) {
	s := &session{props: map[string]string{}, vars: maps.Clone(r.Variables)}
	if s.vars == nil {
		s.vars = map[string]string{}
	}
	for name, value := range r.Properties {
		text, err := propertyText(value)
		if err != nil {
			return nil, fmt.Errorf("property %s: %w", name, err)
		}
		if err := s.set(name, text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// propertyText takes the forms JSON gives a property's value.
func propertyText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case int:
		return strconv.Itoa(v), nil
	case fmt.Stringer: // json.Number
		return v.String(), nil
	}
	return "", fmt.Errorf("a value must be text, a number or a boolean, not %T", value)
}

func (s *session) set(name, value string) error {
	p, err := lookupProperty(name)
	if err != nil {
		return err
	}
	if p.check != nil {
		if err := p.check(value); err != nil {
			return fmt.Errorf("property %s: %w", p.name, err)
		}
	}
	s.props[p.name] = value
	return nil
}

// change carries out a statement that changes the session alone. It reports false for any other.
func (s *session) change(stmt ast.Statement) (bool, error) {
	switch st := stmt.(type) {
	case *ast.Set:
		if err := s.set(st.Name, st.Value); err != nil {
			return true, &ast.Error{Code: "property", Span: st.Span(), Message: err.Error()}
		}
	case *ast.Unset:
		p, err := lookupProperty(st.Name)
		if err != nil {
			return true, &ast.Error{Code: "property", Span: st.Span(), Message: err.Error()}
		}
		delete(s.props, p.name)
	case *ast.Define:
		s.vars[st.Name.Name] = st.Value
	case *ast.Undefine:
		delete(s.vars, st.Name.Name)
	default:
		return false, nil
	}
	return true, nil
}
