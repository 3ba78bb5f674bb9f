package udf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/types"
)

// Resolve implements analyzer.Functions: overloads that take the arguments as they are come before those that need casts
// (which aggregates never do); among several the one that fits closest wins, and a tie is an error.
func (r *Registry) Resolve(name string, args []analyzer.Arg) (analyzer.Match, error) {
	f := r.functions[name]
	if f == nil {
		return analyzer.Match{}, r.unknown(name)
	}
	found, bodyErr := f.candidates(args, false)
	if len(found) == 0 && f.Kind != analyzer.AggregateFunction {
		var err error
		found, err = f.candidates(args, true)
		bodyErr = errors.Join(bodyErr, err)
	}
	switch top := best(found); {
	case len(top) == 1:
		return top[0].match(f)
	case len(top) > 1:
		return analyzer.Match{}, &ast.Error{
			Code:    "function.ambiguous",
			Message: fmt.Sprintf("function %s(%s) is ambiguous", name, argTypes(args)),
			Hint:    "cast the arguments to one of: " + f.alternatives(),
		}
	case bodyErr != nil:
		return analyzer.Match{}, bodyErr
	}
	return analyzer.Match{}, f.mismatch(args)
}

func (r *Registry) unknown(name string) error {
	return &ast.Error{Code: "function.unknown", Message: "there is no function " + name}
}

func (f *Function) mismatch(args []analyzer.Arg) error {
	return &ast.Error{
		Code:    "function.arguments",
		Message: fmt.Sprintf("function %s does not accept (%s)", f.Name, argTypes(args)),
		Hint:    "it accepts: " + f.alternatives(),
	}
}

func (f *Function) alternatives() string {
	lines := make([]string, len(f.Overloads))
	for i := range f.Overloads {
		params, _, _ := strings.Cut(f.Overloads[i].Signature, "->")
		lines[i] = f.Name + "(" + strings.TrimSpace(params) + ")"
	}
	return strings.Join(lines, "; ")
}

func argTypes(args []analyzer.Arg) string {
	out := make([]string, len(args))
	for i, a := range args {
		if a.Lambda > 0 {
			out[i] = "LAMBDA"
		} else {
			out[i] = a.Type.String()
		}
	}
	return strings.Join(out, ", ")
}

// candidate is an overload that accepts the arguments.
type candidate struct {
	overload *Overload
	args     []analyzer.Arg
	params   []*Param // one an argument
	bound    bindings
	lambdas  [][]*types.Type
}

// candidates lists the overloads that accept the arguments. The error is of a lambda body that could not be typed.
func (f *Function) candidates(args []analyzer.Arg, casts bool) (found []candidate, bodyErr error) {
	for i := range f.Overloads {
		o := &f.Overloads[i]
		params := o.signature.expand(len(args))
		if params == nil && len(args)+len(o.signature.Params) > 0 {
			continue
		}
		c := candidate{overload: o, args: args, params: params, bound: bindings{}}
		ok, err := c.accept(casts)
		if ok {
			found = append(found, c)
		} else if err != nil {
			bodyErr = err
		}
	}
	return found, bodyErr
}

// expand gives one parameter an argument, or nil if the number does not fit.
func (s *Signature) expand(n int) []*Param {
	out := make([]*Param, 0, n)
	extra := n - len(s.Params)
	if s.Variadic < 0 && extra != 0 || extra < -1 {
		return nil
	}
	for i := range s.Params {
		copies := 1
		if i == s.Variadic {
			copies = extra + 1
		}
		for range copies {
			out = append(out, &s.Params[i])
		}
	}
	return out
}

// accept checks plain arguments first: they bind the variables that type the lambdas.
func (c *candidate) accept(casts bool) (bool, error) {
	for i, a := range c.args {
		p := c.params[i].Type
		isLambda := a.Lambda > 0 || a.Type.Kind == types.KindLambda
		if isLambda != (p.Kind == types.KindLambda) || a.Lambda > 0 && a.Lambda != len(p.Args) {
			return false, nil
		}
		if !isLambda && !c.bound.accepts(p, a.Type, casts) {
			return false, nil
		}
	}
	c.lambdas = make([][]*types.Type, len(c.args))
	for i, a := range c.args {
		if a.Lambda == 0 {
			continue
		}
		for _, p := range c.params[i].Type.Args {
			c.lambdas[i] = append(c.lambdas[i], c.bound.substitute(p, nil))
		}
		body, err := a.Body(c.lambdas[i])
		if err != nil {
			return false, err
		}
		if !c.bound.accepts(c.params[i].Type.Elem, body, false) {
			return false, nil
		}
	}
	return true, nil
}

func (c *candidate) match(f *Function) (analyzer.Match, error) {
	s := c.overload.signature
	m := analyzer.Match{Lambdas: c.lambdas, Undo: c.overload.Undo}
	for i, a := range c.args {
		m.Params = append(m.Params, c.bound.substitute(c.params[i].Type, a.Type))
		if c.params[i].Init {
			m.Init++
		}
	}
	if s.Returns != nil {
		m.Returns = c.bound.substitute(s.Returns, nil)
	}
	var err error
	if c.overload.Returns != nil {
		if m.Returns, err = c.overload.Returns(m.Params); err != nil {
			return m, &ast.Error{Code: "function.arguments", Message: fmt.Sprintf("function %s: %v", f.Name, err)}
		}
	}
	if f.Kind != analyzer.AggregateFunction {
		return m, nil
	}
	agg, err := c.overload.Aggregate(&Call{Name: f.Name, Params: m.Params, Returns: m.Returns})
	if err != nil {
		return m, &ast.Error{Code: "function.arguments", Message: fmt.Sprintf("function %s: %v", f.Name, err)}
	}
	m.Returns, m.State = agg.Returns(), stateType(agg.State())
	return m, nil
}

// stateType is a lone column's type, or a STRUCT of all columns.
func stateType(columns []*types.Type) *types.Type {
	if len(columns) == 1 {
		return columns[0]
	}
	t := types.StructOf()
	for i, c := range columns {
		t.Fields = append(t.Fields, types.Field{Name: fmt.Sprintf("S%d", i), Type: c})
	}
	return t
}

// best keeps the candidates that fit closest; more than one is a tie.
func best(found []candidate) []candidate {
	var top []candidate
	for _, c := range found {
		switch {
		case len(top) == 0 || closer(c, top[0]) > 0:
			top = append(top[:0:0], c)
		case closer(c, top[0]) == 0:
			top = append(top, c)
		}
	}
	return top
}

// closer compares by: not variadic, more parameters, fewer generic ones, variadic further right.
func closer(a, b candidate) int {
	return slices.Compare(a.rank(), b.rank())
}

func (c candidate) rank() []int {
	s := c.overload.signature
	fixed, generic := 1, 0
	if s.Variadic >= 0 {
		fixed = 0
	}
	for _, p := range s.Params {
		if p.Type.generic() {
			generic++
		}
	}
	return []int{fixed, len(s.Params), -generic, s.Variadic}
}
