package analyzer

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// predict binds PREDICT(model, arguments...), also written ML_PREDICT. The model is a name, with @n for a version, or a string.
func (b *binder) predict(x *ast.Call) (plan.Expr, error) {
	if err := plainCall(x); err != nil {
		return nil, err
	}
	if len(x.Args) == 0 {
		return nil, advise(fail("model.missing", x.Span(), "PREDICT needs a model"), "write PREDICT(model, column, ...)")
	}
	written, err := modelName(x.Args[0])
	if err != nil {
		return nil, err
	}
	name, version, err := splitVersion(written, x.Args[0].Span())
	if err != nil {
		return nil, err
	}
	if _, ok := b.cat.Model(name); !ok || b.models == nil {
		var all []string
		for _, m := range b.cat.Models() {
			all = append(all, m.Name)
		}
		hint := ast.Suggest(name, all)
		if hint == "" {
			hint = "register it with CREATE MODEL; SHOW MODELS lists what is there"
		}
		return nil, advise(fail("model.unknown", x.Args[0].Span(), "there is no model %s", name), "%s", hint)
	}
	args, err := b.list(x.Args[1:])
	if err != nil {
		return nil, err
	}
	argTypes := make([]*types.Type, len(args))
	for i, a := range args {
		argTypes[i] = a.Type()
	}
	t, err := b.models.ResolvePredict(name, version, argTypes)
	if err != nil {
		return nil, at(err, "model.arguments", x.Span())
	}
	return &plan.Predict{Model: name, Version: version, Args: args, T: t}, nil
}

func modelName(e ast.Expr) (string, error) {
	switch m := e.(type) {
	case *ast.ColumnRef:
		if m.Qualifier == nil {
			return m.Name.Name, nil
		}
	case *ast.StringLit:
		return strings.ToUpper(m.Value), nil
	}
	return "", advise(fail("model.name", e.Span(), "the first argument of PREDICT is the name of a model, not %s", e), "write PREDICT(model, column, ...)")
}

// splitVersion cuts FRAUD@2 into its parts; without @ the version is 0, the current one.
func splitVersion(name string, at ast.Span) (string, int, error) {
	base, v, found := strings.Cut(name, "@")
	if !found {
		return name, 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		return "", 0, fail("model.version", at, "%s: a version is a number from 1", name)
	}
	return base, n, nil
}
