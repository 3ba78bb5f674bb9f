package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/wasm"
)

// createFunction reads the file, compiles it, stores its bytes and appends the definition. Whatever is wrong with the file is said here;
// a query never finds out later.
func (e *Engine) createFunction(ctx context.Context, st *ast.CreateFunction, text string) ([]EntityBody, error) {
	def, err := functionDefinition(e.Catalog(), st, text)
	if err != nil {
		return nil, err
	}
	module, err := e.takeFunction(ctx, st, def)
	if err != nil {
		return nil, err
	}
	message := ""
	seq, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		var err error
		if message, err = e.admitFunction(st, def); err != nil {
			return nil, err
		}
		return &command.Command{Text: text, Changes: []command.Change{{Kind: command.PutFunction, Function: def}}}, nil
	})
	runtime.KeepAlive(module) // so that it is compiled once
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{message}), nil
	}
	if err != nil {
		return nil, err
	}
	e.awaitModels(ctx)
	return one(e.succeeded("function/"+def.Name+"/create", message, "", seq)), nil
}

// admitFunction gives the definition its version, unless it is refused or nothing new. It returns what to say of it.
func (e *Engine) admitFunction(st *ast.CreateFunction, def *catalog.FunctionVersion) (string, error) {
	cat := e.Catalog()
	f, exists := cat.Function(def.Name)
	def.Version, def.Created = 1, time.Now().UnixMilli()
	switch {
	case !exists:
		return "function " + def.Name + " created", nil
	case st.IfNotExists:
		return "function " + def.Name + " exists", command.ErrNothing
	case !st.OrReplace:
		return "", &ast.Error{
			Code: "function.exists", Span: st.Name.Span(), Message: "function " + def.Name + " exists",
			Hint: "CREATE OR REPLACE FUNCTION replaces it, also in running queries",
		}
	}
	last := f.Last()
	same := def.SameSignature(last)
	if same && def.SHA256 == last.SHA256 && def.Export == last.Export && def.Timeout == last.Timeout && def.Memory == last.Memory {
		return fmt.Sprintf("function %s is this already, as version %d", def.Name, last.Version), command.ErrNothing
	}
	if users := functionUsers(cat, def.Name); !same && len(users) > 0 {
		return "", &ast.Error{
			Code: "function.in-use", Span: st.Name.Span(), Message: fmt.Sprintf("%s call function %s as it is: %s", strings.Join(users, ", "), def.Name, signatureOf(last)),
			Hint: "only the code can be replaced under them: give what takes or returns something else another name",
		}
	}
	def.Version = last.Version + 1
	return fmt.Sprintf("version %d of function %s created", def.Version, def.Name), nil
}

// takeFunction reads the statement's file, compiles it and makes its bytes durable. The module stays compiled while the caller holds it.
func (e *Engine) takeFunction(ctx context.Context, st *ast.CreateFunction, def *catalog.FunctionVersion) (*wasm.Module, error) {
	if _, taken := e.Catalog().Function(def.Name); !taken && e.builtin.Kind(def.Name) != analyzer.NoFunction || analyzer.OfModels(def.Name) {
		return nil, &ast.Error{Code: "function.exists", Span: st.Name.Span(), Message: "function " + def.Name + " is built in"}
	}
	release, err := e.modelRoom.take(ctx, model.DefaultMaxBytes)
	if err != nil {
		return nil, err
	}
	defer release()
	b, err := e.readURI(ctx, def.URI, textOf(st.With, "SHA256"))
	if err != nil {
		return nil, &ast.Error{Code: "function.file", Span: st.With.Span(), Message: err.Error()}
	}
	def.SHA256, def.Size = model.NewArtifact("", b).SHA256, int64(len(b))
	module, err := e.modules.Add(ctx, def, b)
	if err != nil {
		return nil, &ast.Error{Code: "function.load", Span: st.With.Span(), Message: fmt.Sprintf("file %s cannot be function %s: %v", def.URI, def.Name, err)}
	}
	_, err = e.artifacts.save(ctx, b)
	return module, err
}

// dropFunction drops a function that no query calls.
func (e *Engine) dropFunction(ctx context.Context, st *ast.DropFunction, text string) ([]EntityBody, error) {
	name := strings.ToUpper(st.Name.Name)
	seq, err := e.commands.Submit(ctx, func(int64) (*command.Command, error) {
		cat := e.Catalog()
		_, exists := cat.Function(name)
		switch {
		case !exists && e.builtin.Kind(name) != analyzer.NoFunction:
			return nil, &ast.Error{Code: "function.in-use", Span: st.Name.Span(), Message: "function " + name + " is built in"}
		case !exists && st.IfExists:
			return nil, command.ErrNothing
		case !exists:
			return nil, e.unknownFunction(st.Name)
		}
		if users := functionUsers(cat, name); len(users) > 0 {
			return nil, &ast.Error{
				Code: "function.in-use", Span: st.Name.Span(), Message: "function " + name + " is called by " + strings.Join(users, ", "),
				Hint: "TERMINATE queries first",
			}
		}
		return &command.Command{Text: text, Changes: []command.Change{{Kind: command.DropFunction, Name: name}}}, nil
	})
	if errors.Is(err, command.ErrNothing) {
		return one(WarningEntity{"there is no function " + name}), nil
	}
	if err != nil {
		return nil, err
	}
	return one(e.succeeded("function/"+name+"/drop", "function "+name+" dropped", "", seq)), nil
}

// functionUsers lists the queries that call a function.
func functionUsers(cat *catalog.Catalog, name string) []string {
	var users []string
	for _, q := range cat.Queries() {
		if calls(q.Plan, name) {
			users = append(users, q.ID)
		}
	}
	return users
}

func calls(node plan.Node, name string) bool {
	found := false
	plan.Walk(node, func(n plan.Node) bool {
		for _, x := range plan.Exprs(n) {
			plan.WalkExpr(x, func(x plan.Expr) bool {
				c, ok := x.(*plan.Call)
				found = found || ok && c.Name == name
				return !found
			})
		}
		return !found
	})
	return found
}

// functionProps are the properties of a function.
var functionProps = []string{"URI", "SHA256", "EXPORT", "TIMEOUT", "MEMORY"}

var functionName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)

// functionDefinition is what the statement says, without what only its file tells.
func functionDefinition(cat *catalog.Catalog, st *ast.CreateFunction, text string) (*catalog.FunctionVersion, error) {
	def := &catalog.FunctionVersion{
		Name: strings.ToUpper(st.Name.Name), Language: strings.ToUpper(st.Language.Name), Statement: text,
		Timeout: wasm.DefaultTimeout, Memory: wasm.DefaultMemory,
	}
	if !functionName.MatchString(def.Name) {
		return nil, &ast.Error{Code: "function.name", Span: st.Name.Span(), Message: "a function's name has letters, digits and _, and begins with no digit"}
	}
	if def.Language != "WASM" {
		return nil, &ast.Error{Code: "function.language", Span: st.Language.Span(), Message: "functions are written in LANGUAGE WASM, which other languages are compiled to"}
	}
	for _, p := range st.Params {
		t, err := functionType(cat, p.Type)
		if err != nil {
			return nil, err
		}
		if !functionName.MatchString(strings.ToUpper(p.Name.Name)) {
			return nil, &ast.Error{Code: "function.name", Span: p.Name.Span(), Message: "a parameter's name has letters, digits and _, and begins with no digit"}
		}
		def.Params = append(def.Params, types.Field{Name: p.Name.Name, Type: t})
	}
	var err error
	if def.Returns, err = functionType(cat, st.Returns); err != nil {
		return nil, err
	}
	for _, p := range st.With.Items {
		if err := functionProperty(def, p); err != nil {
			return nil, err
		}
	}
	if def.URI = textOf(st.With, "URI"); def.URI == "" {
		return nil, &ast.Error{Code: "function.file", Span: st.With.Span(), Message: "CREATE FUNCTION needs the function's file", Hint: "WITH (URI='mask.wasm'), a path below the server's model folder"}
	}
	if def.Export == "" {
		def.Export = strings.ToLower(def.Name)
	}
	return def, nil
}

// textOf is a text among properties that were checked.
func textOf(with *ast.Properties, name string) string {
	if s, ok := with.Get(name).(*ast.StringLit); ok {
		return s.Value
	}
	return ""
}

func functionProperty(def *catalog.FunctionVersion, p *ast.Property) error {
	name := strings.ToUpper(p.Name.Name)
	value, ok := p.Value.(*ast.StringLit)
	switch {
	case !slices.Contains(functionProps, name):
		return &ast.Error{Code: "with.unknown", Span: p.Span(), Message: "a function has no property " + name, Hint: ast.Suggest(name, functionProps)}
	case !ok:
		return &ast.Error{Code: "with.value", Span: p.Span(), Message: name + " must be text in single quotes"}
	}
	var err error
	switch name {
	case "EXPORT":
		def.Export = value.Value
	case "TIMEOUT":
		def.Timeout, err = functionTimeout(value.Value)
	case "MEMORY":
		def.Memory, err = functionMemory(value.Value)
	}
	if err != nil {
		return &ast.Error{Code: "with.value", Span: p.Span(), Message: err.Error()}
	}
	return nil
}

func functionTimeout(text string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.ReplaceAll(text, " ", ""))
	if err != nil || d < wasm.MinTimeout || d > wasm.MaxTimeout {
		return 0, fmt.Errorf("TIMEOUT is a time from '1 ms' to '1 s', not '%s'", text)
	}
	return d, nil
}

var memorySize = regexp.MustCompile(`^([1-9][0-9]{0,5}) ?(KB|MB)$`)

// functionMemory reads a size. It is rounded up to what memory is counted in.
func functionMemory(text string) (int64, error) {
	m := memorySize.FindStringSubmatch(strings.ToUpper(text))
	if m == nil {
		return 0, fmt.Errorf("MEMORY is a size as '16 MB' or '640 KB', not '%s'", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if n <<= 10; m[2] == "MB" {
		n <<= 10
	}
	n = (n + wasm.MinMemory - 1) / wasm.MinMemory * wasm.MinMemory
	if err != nil || n > wasm.MaxMemory {
		return 0, fmt.Errorf("MEMORY is at most '%d MB'", wasm.MaxMemory>>20)
	}
	return n, nil
}

// functionType resolves the type of a parameter or a result.
func functionType(cat *catalog.Catalog, t *ast.TypeName) (*types.Type, error) {
	sql, err := analyzer.TypeOf(cat, t)
	if err != nil || wasm.Passable(sql) {
		return sql, err
	}
	return nil, &ast.Error{
		Code: "function.type", Span: t.Span(), Message: "a function takes and returns no " + t.String(),
		Hint: "BOOLEAN, INTEGER, BIGINT, DOUBLE, STRING, BYTES, DATE, TIME and TIMESTAMP pass",
	}
}
