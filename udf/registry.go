package udf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// Registry holds functions by name. It is immutable and safe for concurrent use.
type Registry struct {
	functions map[string]*Function
}

var _ analyzer.Functions = (*Registry)(nil)

// NewRegistry builds a registry. A name that occurs twice adds overloads to the first. An error names a function that is
// declared wrongly.
func NewRegistry(functions ...Function) (*Registry, error) {
	return (&Registry{}).With(functions...)
}

// With returns a registry that has more functions.
func (r *Registry) With(functions ...Function) (*Registry, error) {
	out := &Registry{functions: maps.Clone(r.functions)}
	if out.functions == nil {
		out.functions = make(map[string]*Function)
	}
	for _, f := range functions {
		if err := out.add(f); err != nil {
			return nil, fmt.Errorf("function %s: %w", f.Name, err)
		}
	}
	return out, nil
}

// Without returns a registry that does not know the names.
func (r *Registry) Without(names ...string) *Registry {
	out := &Registry{functions: maps.Clone(r.functions)}
	for _, name := range names {
		delete(out.functions, name)
	}
	return out
}

func (r *Registry) add(f Function) error {
	if f.Name == "" || f.Name != strings.ToUpper(f.Name) {
		return fmt.Errorf("the name is not upper case")
	}
	overloads := make([]Overload, len(f.Overloads))
	for i, o := range f.Overloads {
		s, err := ParseSignature(o.Signature)
		if err != nil {
			return err
		}
		implemented := f.Kind == analyzer.ScalarFunction && (o.Call != nil || o.Defined) ||
			f.Kind == analyzer.TableFunction && o.Table != nil ||
			f.Kind == analyzer.AggregateFunction && o.Aggregate != nil
		if !implemented {
			return fmt.Errorf("%q has no implementation of the function's kind", o.Signature)
		}
		if s.Returns == nil && o.Returns == nil && f.Kind != analyzer.AggregateFunction {
			return fmt.Errorf("%q has no result type", o.Signature)
		}
		o.signature = s
		overloads[i] = o
	}
	if old := r.functions[f.Name]; old != nil {
		if old.Kind != f.Kind {
			return fmt.Errorf("it is declared as two kinds of function")
		}
		f.Description, f.Category = old.Description, old.Category
		overloads = slices.Concat(old.Overloads, overloads)
	}
	f.Overloads = overloads
	r.functions[f.Name] = &f
	return nil
}

// Kind implements analyzer.Functions.
func (r *Registry) Kind(name string) analyzer.FunctionKind {
	if f := r.functions[name]; f != nil {
		return f.Kind
	}
	return analyzer.NoFunction
}

// Names implements analyzer.Functions; they are sorted.
func (r *Registry) Names() []string { return slices.Sorted(maps.Keys(r.functions)) }

// Function returns the function with the name, for DESCRIBE FUNCTION. Do not modify.
func (r *Registry) Function(name string) (*Function, bool) {
	f, ok := r.functions[name]
	return f, ok
}

// Parsed is the overload's signature.
func (o *Overload) Parsed() *Signature { return o.signature }

// Scalar finds the overload of a bound call again. Each expression gets its own.
func (r *Registry) Scalar(call *plan.Call, env *Env) (*Scalar, error) {
	o, err := r.find(call.Name, analyzer.ScalarFunction, call.Params)
	if err != nil {
		return nil, err
	}
	c := &Call{Name: call.Name, Params: call.Params, Returns: call.T, Env: env}
	return &Scalar{Call: c, Nulls: o.Nulls, Defined: o.Defined, Rows: o.Rows, f: o.Call}, nil
}

// Volatile says whether a bound call may give different results for equal arguments.
func (r *Registry) Volatile(call *plan.Call) bool {
	o, err := r.find(call.Name, analyzer.ScalarFunction, call.Params)
	return err != nil || o.Volatile
}

// Table finds the overload of a bound table function again.
func (r *Registry) Table(call *plan.TableCall, env *Env) (*Table, error) {
	o, err := r.find(call.Name, analyzer.TableFunction, call.Params)
	if err != nil {
		return nil, err
	}
	c := &Call{Name: call.Name, Params: call.Params, Returns: call.T, Env: env}
	return &Table{Call: c, Nulls: o.Nulls, f: o.Table}, nil
}

// Aggregate builds the aggregate of a bound call. Its Params are those of all arguments, or of all but the constants.
func (r *Registry) Aggregate(call *plan.AggregateCall, env *Env) (Aggregate, error) {
	params := slices.Clone(call.Params)
	init := make([]any, len(call.Init))
	for i, l := range call.Init {
		init[i] = l.Value
		if len(params) < len(call.Args)+len(call.Init) {
			params = append(params, l.T)
		}
	}
	o, err := r.find(call.Name, analyzer.AggregateFunction, params)
	if err != nil {
		return nil, err
	}
	a, err := o.Aggregate(&Call{Name: call.Name, Params: params, Returns: call.T, Init: init, Env: env})
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", call.Name, err)
	}
	return a, nil
}

// find looks up an overload by exact parameter types, as Resolve returned them.
func (r *Registry) find(name string, kind analyzer.FunctionKind, params []*types.Type) (*Overload, error) {
	f := r.functions[name]
	if f == nil || f.Kind != kind {
		return nil, r.unknown(name)
	}
	args := make([]analyzer.Arg, len(params))
	for i, t := range params {
		args[i].Type = t
	}
	if c, _ := f.candidates(args, false); len(c) > 0 {
		return best(c)[0].overload, nil
	}
	// A literal that takes the part of a constant may be narrower than its parameter.
	if c, _ := f.candidates(args, true); len(c) > 0 {
		return best(c)[0].overload, nil
	}
	return nil, f.mismatch(args)
}
