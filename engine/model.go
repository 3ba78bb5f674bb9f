package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf/model"
)

// createModel reads the file, has a backend load it, stores its bytes and appends the definition. Whatever is wrong with
// the file is said here; a query never finds out later.
func (e *Engine) createModel(ctx context.Context, st *ast.CreateModel, text string) ([]EntityBody, error) {
	name := st.Name.Name
	if strings.Contains(name, "@") {
		return nil, &ast.Error{Code: "model.name", Span: st.Name.Span(), Message: "@ separates a model's name from its version"}
	}
	if st.OrReplace {
		return nil, &ast.Error{
			Code: "model.replace", Span: st.Span(), Message: "this release keeps one version of a model",
			Hint: "DROP MODEL " + name + " first",
		}
	}
	def, b, err := e.readModel(ctx, st, text)
	if err != nil {
		return nil, err
	}
	if def.SHA256, err = e.artifacts.save(ctx, b); err != nil {
		return nil, err
	}
	seq, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		if _, exists := e.Catalog().Model(name); exists {
			if st.IfNotExists {
				return nil, command.ErrNothing
			}
			return nil, &ast.Error{Code: "model.exists", Span: st.Name.Span(), Message: "model " + name + " exists"}
		}
		return &command.Command{Text: text, Changes: []command.Change{{Kind: command.PutModel, Model: def}}}, nil
	})
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{"model " + name + " exists"}), nil
	}
	if err != nil {
		return nil, err
	}
	return one(e.succeeded("model/"+name+"/create", "model "+name+" created, scored by the "+def.Backend+" backend", "", seq)), nil
}

// readModel checks the statement and loads its file.
func (e *Engine) readModel(ctx context.Context, st *ast.CreateModel, text string) (*catalog.Model, []byte, error) {
	props, err := modelProperties(st)
	if err != nil {
		return nil, nil, err
	}
	at := st.Span()
	if st.With != nil {
		at = st.With.Span()
	}
	uri := props["URI"]
	if uri == "" {
		return nil, nil, &ast.Error{
			Code: "model.uri", Span: at, Message: "CREATE MODEL needs the model's file",
			Hint: "WITH (URI='fraud.onnx'), a path below the server's model folder " + e.opts.ModelDir,
		}
	}
	b, err := readModelFile(e.opts.ModelDir, uri)
	if err != nil {
		return nil, nil, &ast.Error{Code: "model.file", Span: at, Message: err.Error()}
	}
	v, err := model.Load(ctx, e.backends, model.NewArtifact(uri, b), model.Options{Backend: props["BACKEND"]})
	if err != nil {
		return nil, nil, &ast.Error{Code: "model.load", Span: at, Message: err.Error()}
	}
	defer func() { _ = v.Scorer.Close() }() // this one only showed that the file loads
	return &catalog.Model{
		Name: st.Name.Name, Version: 1, URI: uri, Size: int64(len(b)), Backend: v.Backend, Statement: text, Props: props,
	}, b, nil
}

// modelProperties reads WITH (...): URI and BACKEND.
func modelProperties(st *ast.CreateModel) (map[string]string, error) {
	props := map[string]string{}
	if st.With == nil {
		return props, nil
	}
	known := []string{"URI", "BACKEND"}
	for _, p := range st.With.Items {
		name := strings.ToUpper(p.Name.Name)
		value, ok := p.Value.(*ast.StringLit)
		switch {
		case name != "URI" && name != "BACKEND":
			return nil, &ast.Error{
				Code: "with.unknown", Span: p.Span(), Message: "a model has no property " + name, Hint: ast.Suggest(name, known),
			}
		case !ok:
			return nil, &ast.Error{Code: "with.value", Span: p.Span(), Message: name + " must be text in single quotes"}
		}
		props[name] = value.Value
	}
	return props, nil
}

// readModelFile reads a file below dir. os.Root resolves links and refuses what leads outside.
func readModelFile(dir, uri string) ([]byte, error) {
	if strings.Contains(uri, "://") {
		return nil, fmt.Errorf("model %s: this release reads files only", uri)
	}
	path := uri
	if filepath.IsAbs(path) {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("model folder: %w", err)
		}
		if path, err = filepath.Rel(abs, path); err != nil {
			return nil, fmt.Errorf("model %s: %w", uri, err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("model folder: %w", err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w (files are read from below %s only)", uri, err, dir)
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, fmt.Errorf("model %s: it is no file", uri)
	}
	f, err := root.Open(path)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", uri, err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, model.DefaultMaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", uri, err)
	}
	return b, nil
}

func (e *Engine) dropModel(ctx context.Context, st *ast.DropModel, text string) ([]EntityBody, error) {
	name := st.Name.Name
	seq, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		cat := e.Catalog()
		if _, err := lookupModel(cat, st.Name); err != nil {
			if st.IfExists {
				return nil, command.ErrNothing
			}
			return nil, err
		}
		if users := modelUsers(cat, name); len(users) > 0 {
			return nil, &ast.Error{
				Code: "model.in-use", Span: st.Name.Span(), Message: "model " + name + " is used by " + strings.Join(users, ", "),
				Hint: "TERMINATE them first",
			}
		}
		return &command.Command{Text: text, Changes: []command.Change{{Kind: command.DropModel, Name: name}}}, nil
	})
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{"there is no model " + name}), nil
	}
	if err != nil {
		return nil, err
	}
	return one(e.succeeded("model/"+name+"/drop", "model "+name+" dropped", "", seq)), nil
}

// modelUsers lists the queries that score the model.
func modelUsers(cat *catalog.Catalog, name string) []string {
	var users []string
	for _, q := range cat.Queries() {
		if len(planModels(q.Plan)[name]) > 0 {
			users = append(users, q.ID)
		}
	}
	return users
}

// planModels lists the models that a plan scores, each with the versions it names.
func planModels(node plan.Node) map[string][]int {
	models := map[string][]int{}
	plan.Walk(node, func(n plan.Node) bool {
		for _, expr := range plan.Exprs(n) {
			plan.WalkExpr(expr, func(x plan.Expr) bool {
				if p, ok := x.(*plan.Predict); ok {
					models[p.Model] = append(models[p.Model], p.Version)
				}
				return true
			})
		}
		return true
	})
	return models
}

// putModel makes a defined model ready to score: on start, and when a command that made it is read back.
func (e *Engine) putModel(ctx context.Context, m *catalog.Model) error {
	b, err := e.artifacts.load(ctx, m.SHA256)
	if err != nil {
		return fmt.Errorf("model %s: %w", m.Name, err)
	}
	v, err := model.Load(ctx, e.backends, model.NewArtifact(m.URI, b), model.Options{Backend: m.Backend})
	if err != nil {
		return err
	}
	_, err = e.models.Create(m.Name, v)
	return err
}

func lookupModel(cat *catalog.Catalog, name ast.Ident) (*catalog.Model, error) {
	if m, ok := cat.Model(name.Name); ok {
		return m, nil
	}
	var names []string
	for _, m := range cat.Models() {
		names = append(names, m.Name)
	}
	return nil, &ast.Error{
		Code: "name.model", Span: name.Span(), Message: "there is no model " + types.QuoteName(name.Name), Hint: ast.Suggest(name.Name, names),
	}
}

func modelInfo(m *catalog.Model) ModelInfo {
	return ModelInfo{Name: m.Name, Version: m.Version, Backend: m.Backend, URI: m.URI, SHA256: m.SHA256, Bytes: m.Size}
}

func showModels(cat *catalog.Catalog) ModelsList {
	list := ModelsList{Models: []ModelInfo{}}
	for _, m := range cat.Models() {
		list.Models = append(list.Models, modelInfo(m))
	}
	return list
}

func (e *Engine) describeModel(cat *catalog.Catalog, name ast.Ident) ([]EntityBody, error) {
	m, err := lookupModel(cat, name)
	if err != nil {
		return nil, err
	}
	v, err := e.models.Snapshot().Resolve(m.Name, 0)
	if err != nil {
		return nil, err
	}
	d := ModelDescription{ModelInfo: modelInfo(m), Statement: m.Statement, Inputs: []ModelColumn{}, Outputs: []ModelColumn{}}
	sig := v.Scorer.Signature()
	for _, t := range sig.Inputs {
		d.Inputs = append(d.Inputs, ModelColumn{Name: t.Name, Type: t.Type.String(), Shape: t.Describe()})
	}
	for _, t := range sig.Outputs {
		d.Outputs = append(d.Outputs, ModelColumn{Name: t.Name, Type: t.Type.String(), Shape: t.String()})
	}
	d.Returns = returns(v)
	return one(d), nil
}
