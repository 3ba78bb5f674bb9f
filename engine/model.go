package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

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
	def, err := e.takeModel(ctx, st, text)
	if err != nil {
		return nil, err
	}
	message := ""
	seq, err := e.commands.Submit(ctx, func(seq int64) (*command.Command, error) {
		m, exists := e.Catalog().Model(name)
		switch {
		case exists && st.IfNotExists:
			message = "model " + name + " exists"
			return nil, command.ErrNothing
		case exists && !st.OrReplace:
			return nil, &ast.Error{
				Code: "model.exists", Span: st.Name.Span(), Message: "model " + name + " exists", Hint: "CREATE OR REPLACE MODEL adds a version",
			}
		case exists && sameVersion(m.Last(), def):
			message = fmt.Sprintf("model %s has this file as version %d", name, m.Last().Version)
			return nil, command.ErrNothing
		}
		c, err := e.addVersion(ctx, def, seq)
		if err != nil {
			return nil, locate(err, st.Name.Span())
		}
		c.Text = text
		return c, nil
	})
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{message}), nil
	}
	if err != nil {
		return nil, err
	}
	e.awaitModels(ctx)
	what := fmt.Sprintf("model %s created", name)
	if def.Version > 1 {
		what = fmt.Sprintf("version %d of model %s created", def.Version, name)
	}
	return one(e.succeeded("model/"+name+"/create", what+", scored by the "+def.Backend+" backend", "", seq)), nil
}

// sameVersion says whether a version would be made a second time.
func sameVersion(v, def *catalog.ModelVersion) bool {
	return v.SHA256 == def.SHA256 && v.Backend == def.Backend && v.Held == def.Held && !v.Retired &&
		v.Props["TOPIC"] == def.Props["TOPIC"] && v.Props["KEY"] == def.Props["KEY"] && v.Props[model.OnErrorProperty] == def.Props[model.OnErrorProperty]
}

// addVersion gives the version its number and checks that the queries that follow the model can go on with it.
func (e *Engine) addVersion(ctx context.Context, def *catalog.ModelVersion, seq int64) (*command.Command, error) {
	cat := e.Catalog()
	def.Version = 1
	if m, ok := cat.Model(def.Name); ok {
		def.Version = m.Last().Version + 1
	}
	def.Created = time.Now().UnixMilli()
	next := cat.WithModelVersion(def, seq)
	m, _ := next.Model(def.Name)
	if err := e.fits(ctx, next, m, m.Rollout()); err != nil {
		return nil, err
	}
	return &command.Command{Changes: []command.Change{{Kind: command.PutModel, Model: def}}}, nil
}

// takeModel reads the statement's file and makes its bytes durable.
func (e *Engine) takeModel(ctx context.Context, st *ast.CreateModel, text string) (*catalog.ModelVersion, error) {
	release, err := e.modelRoom.take(ctx, model.DefaultMaxBytes)
	if err != nil {
		return nil, err
	}
	defer release()
	def, b, err := e.readModel(ctx, st, text)
	if err != nil {
		return nil, err
	}
	def.SHA256, err = e.artifacts.save(ctx, b)
	return def, err
}

// readModel checks the statement and loads its file.
func (e *Engine) readModel(ctx context.Context, st *ast.CreateModel, text string) (*catalog.ModelVersion, []byte, error) {
	props, err := modelProperties(st)
	if err != nil {
		return nil, nil, err
	}
	server, err := e.modelServer(st, props)
	if err != nil {
		return nil, nil, err
	}
	at := st.Span()
	if st.With != nil {
		at = st.With.Span()
	}
	if (props["URI"] == "") == (props["TOPIC"] == "") || (props["TOPIC"] == "") != (props["KEY"] == "") {
		return nil, nil, &ast.Error{
			Code: "model.uri", Span: at, Message: "CREATE MODEL needs the model's file, or the topic that it comes from",
			Hint: "WITH (URI='fraud.onnx'), a path below the server's model folder " + e.opts.ModelDir + ", or WITH (TOPIC='models', KEY='fraud')",
		}
	}
	def := &catalog.ModelVersion{
		Name: st.Name.Name, URI: props["URI"], Statement: text, Props: props, Held: props["ACTIVE"] == "false",
	}
	var b []byte
	if server != nil {
		b, err = describeServer(ctx, server)
	} else {
		b, err = e.modelBytes(ctx, def)
	}
	if err != nil {
		return nil, nil, &ast.Error{Code: "model.file", Span: at, Message: err.Error()}
	}
	def.Size = int64(len(b))
	if err := e.tryModel(ctx, def, b); err != nil {
		return nil, nil, &ast.Error{Code: "model.load", Span: at, Message: err.Error()}
	}
	return def, b, nil
}

// modelBytes reads the bytes of a version from where its properties say they are.
func (e *Engine) modelBytes(ctx context.Context, def *catalog.ModelVersion) ([]byte, error) {
	if def.Props["TOPIC"] != "" {
		return e.newestRecord(ctx, def)
	}
	return e.readURI(ctx, def.URI, def.Props["SHA256"])
}

// tryModel shows that the file loads, and notes by which backend. A file that a backend panics on is one that does not load: a record
// of a feed would end every server that follows it, at every start.
func (e *Engine) tryModel(ctx context.Context, def *catalog.ModelVersion, b []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e.log.Error("a backend panicked on a model's file", "model", def.Name, "panic", p, "stack", string(debug.Stack()))
			err = errors.New("the file made the backend fail; the server's log says where")
		}
	}()
	v, err := model.Load(ctx, e.models.Backends, model.NewArtifact(def.URI, b), model.Options{Backend: def.Props["BACKEND"], OnError: def.Props[model.OnErrorProperty]})
	if err != nil {
		return err
	}
	def.Backend, def.Why = v.Backend, v.Why
	return v.Scorer.Close()
}

// dropModel drops a model or, where the name has an @, retires one of its versions.
func (e *Engine) dropModel(ctx context.Context, st *ast.DropModel, text string) ([]EntityBody, error) {
	name := st.Name.Name
	seq, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		cat := e.Catalog()
		base, version, pinned := strings.Cut(name, "@")
		m, err := lookupModel(cat, ast.Ident{Loc: st.Name.Loc, Name: base})
		if err != nil {
			if st.IfExists {
				return nil, command.ErrNothing
			}
			return nil, err
		}
		change := command.Change{Kind: command.DropModel, Name: base}
		if pinned {
			v, err := findVersion(m, version, st.Name.Span())
			if err != nil {
				return nil, err
			}
			change.Kind, change.Version = command.DropModelVersion, v.Version
		}
		if users := modelUsers(cat, m, change.Version); len(users) > 0 {
			return nil, &ast.Error{
				Code: "model.in-use", Span: st.Name.Span(), Message: "model " + name + " is used by " + strings.Join(users, ", "),
				Hint: "TERMINATE queries, and take versions out of the rollout, first",
			}
		}
		return &command.Command{Text: text, Changes: []command.Change{change}}, nil
	})
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{"there is no model " + name}), nil
	}
	if err != nil {
		return nil, err
	}
	return one(e.succeeded("model/"+name+"/drop", "model "+name+" dropped", "", seq)), nil
}

// modelUsers lists the queries that use a model or, if version is not 0, what uses the version: queries that name it, or the rollout.
func modelUsers(cat *catalog.Catalog, m *catalog.Model, version int) []string {
	var users []string
	for _, q := range cat.Queries() {
		for _, c := range modelCalls(q.Plan, m.Name) {
			if version == 0 || c.version == version {
				users = append(users, q.ID)
				break
			}
		}
	}
	if version > 0 && rolledOut(m.Rollout(), version) {
		users = append(users, "the rollout ("+describeRollout(m.Rollout())+")")
	}
	return users
}

// modelCall is a PREDICT or MODEL_VERSION in a plan.
type modelCall struct {
	version int
	predict *plan.Predict // nil: MODEL_VERSION
	columns []plan.OutColumn
}

// modelCalls lists the calls of a model in a plan.
func modelCalls(node plan.Node, name string) []modelCall {
	var calls []modelCall
	plan.Walk(node, func(n plan.Node) bool {
		for _, expr := range plan.Exprs(n) {
			plan.WalkExpr(expr, func(x plan.Expr) bool {
				switch x := x.(type) {
				case *plan.Predict:
					if x.Model == name {
						calls = append(calls, modelCall{x.Version, x, n.Inputs()[0].Columns()})
					}
				case *plan.ModelVersion:
					if x.Model == name {
						calls = append(calls, modelCall{0, nil, n.Inputs()[0].Columns()})
					}
				}
				return true
			})
		}
		return true
	})
	return calls
}

// keepModels loads what the changed models score with now, and lets go what they do not.
func (e *Engine) keepModels(ctx context.Context, names []string, before, after *catalog.Catalog) {
	for _, name := range names {
		if m, ok := after.Model(name); ok {
			e.keepModel(ctx, m)
		} else if m, ok := before.Model(name); ok {
			e.models.Forget(m)
			e.scored.Forget(name)
		}
	}
}

// scorerPanicked tells where a scorer panicked, for whoever mends it.
func (e *Engine) scorerPanicked(id model.VersionID, value any, stack []byte) {
	e.log.Error("a model's scorer panicked", "model", id.Model, "version", id.Version, "panic", value, "stack", string(stack))
}

// keepModel makes a model ready to score. Where a version cannot be loaded the queries that need it fail, and are tried again.
func (e *Engine) keepModel(ctx context.Context, m *catalog.Model) {
	e.scored.Follow(m)
	if err := e.models.Keep(ctx, m); err != nil {
		e.log.Error("a model cannot be loaded", "model", m.Name, "error", err)
	}
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
