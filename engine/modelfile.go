package engine

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/model/remote"
)

// modelProps are the properties of a model. ACTIVE='false' keeps rows from the new version until the rollout is altered. Those of
// remote.Properties are for models on servers.
var modelProps = append([]string{"URI", "SHA256", "TOPIC", "KEY", "BACKEND", "ACTIVE", model.OnErrorProperty}, remote.Properties()...)

// modelProperties reads WITH (...).
func modelProperties(st *ast.CreateModel) (map[string]string, error) {
	props := map[string]string{}
	if st.With == nil {
		return props, nil
	}
	for _, p := range st.With.Items {
		name := strings.ToUpper(p.Name.Name)
		value, ok := modelProperty(p.Value)
		switch {
		case !slices.Contains(modelProps, name):
			return nil, &ast.Error{
				Code: "with.unknown", Span: p.Span(), Message: "a model has no property " + name, Hint: ast.Suggest(name, modelProps),
			}
		case !ok:
			return nil, &ast.Error{Code: "with.value", Span: p.Span(), Message: name + " must be text in single quotes, or a number"}
		}
		if props[name] = value; name == "ACTIVE" && value != "true" && value != "false" {
			return nil, &ast.Error{Code: "with.value", Span: p.Span(), Message: "ACTIVE is 'true' or 'false'"}
		}
	}
	return props, nil
}

// modelProperty is the text of a property: 'text', or a whole number as it is.
func modelProperty(x ast.Expr) (string, bool) {
	switch x := x.(type) {
	case *ast.StringLit:
		return x.Value, true
	case *ast.IntLit:
		return strconv.FormatInt(x.Value, 10), true
	}
	return "", false
}

// readModelFile reads a file below dir. os.Root resolves links and refuses what leads outside.
func readModelFile(dir, uri string) ([]byte, error) {
	if strings.Contains(uri, "://") {
		return nil, fmt.Errorf("file %s: it is neither a path nor http or https", uri)
	}
	path := uri
	if filepath.IsAbs(path) {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("model folder: %w", err)
		}
		if path, err = filepath.Rel(abs, path); err != nil {
			return nil, fmt.Errorf("file %s: %w", uri, err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("model folder: %w", err)
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w (files are read from below %s only)", uri, err, dir)
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return nil, fmt.Errorf("file %s: it is no file", uri)
	}
	f, err := root.Open(path)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", uri, err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, model.DefaultMaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", uri, err)
	}
	return b, nil
}
