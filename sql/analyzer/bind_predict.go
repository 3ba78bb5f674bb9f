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
	name, version, err := b.model(x)
	if err != nil {
		return nil, err
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

// modelVersion binds MODEL_VERSION(model): which version scores the row.
func (b *binder) modelVersion(x *ast.Call) (plan.Expr, error) {
	if err := plainCall(x); err != nil {
		return nil, err
	}
	name, version, err := b.model(x)
	switch {
	case err != nil:
		return nil, err
	case len(x.Args) > 1:
		return nil, fail("model.arguments", x.Span(), "MODEL_VERSION takes a model and nothing else")
	case version > 0:
		return &plan.Literal{Value: int32(version), T: types.Int}, nil
	}
	return &plan.ModelVersion{Model: name}, nil
}

// model finds the model that is the first argument of a call; version 0 follows its rollout.
func (b *binder) model(x *ast.Call) (name string, version int, err error) {
	if len(x.Args) == 0 {
		return "", 0, advise(fail("model.missing", x.Span(), "%s needs a model", x.Name), "write PREDICT(model, column, ...)")
	}
	at := x.Args[0].Span()
	written, err := modelName(x)
	if err != nil {
		return "", 0, err
	}
	if name, version, err = splitVersion(written, at); err != nil {
		return "", 0, err
	}
	m, ok := b.cat.Model(name)
	if !ok || b.models == nil {
		var all []string
		for _, m := range b.cat.Models() {
			all = append(all, m.Name)
		}
		hint := ast.Suggest(name, all)
		if hint == "" {
			hint = "register it with CREATE MODEL; SHOW MODELS lists what is there"
		}
		return "", 0, advise(fail("model.unknown", at, "there is no model %s", name), "%s", hint)
	}
	if v := m.Version(version); version > 0 && (v == nil || v.Retired) {
		return "", 0, advise(fail("model.version", at, "model %s has no version %d", name, version), "SHOW MODEL VERSIONS %s lists those it has", name)
	}
	return name, version, nil
}

func modelName(call *ast.Call) (string, error) {
	e := call.Args[0]
	switch m := e.(type) {
	case *ast.ColumnRef:
		if m.Qualifier == nil {
			return m.Name.Name, nil
		}
	case *ast.StringLit:
		return strings.ToUpper(m.Value), nil
	}
	return "", advise(fail("model.name", e.Span(), "the first argument of %s is the name of a model, not %s", call.Name, e), "write PREDICT(model, column, ...)")
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
