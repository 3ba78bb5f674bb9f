package shell

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"

	"github.com/millrace/millrace/shell/client"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/parser"
)

// session is what SET and DEFINE have made of the shell. The server keeps no sessions: both go with each request.
type session struct {
	properties map[string]string
	variables  map[string]string
}

func newSession() session {
	return session{properties: map[string]string{}, variables: map[string]string{}}
}

func (s *session) request(text string) client.Request {
	return client.Request{SQL: text + ";", Properties: maps.Clone(s.properties), Variables: maps.Clone(s.variables)}
}

// runScript is the one statement that no server knows.
var runScript = regexp.MustCompile(`(?is)^\s*RUN\s+SCRIPT\s+'((?:[^']|'')*)'\s*$`)

// maxScripts bounds scripts that run scripts, which may run in circles.
const maxScripts = 20

// change carries out a statement that concerns the session alone.
func (s *Shell) change(ctx context.Context, text string) error {
	text, err := parser.Substitute(text, s.session.variables)
	if err != nil {
		return localError(err, text)
	}
	if m := runScript.FindStringSubmatch(text); m != nil {
		return s.runFile(ctx, strings.ReplaceAll(m[1], "''", "'"))
	}
	stmt, err := parser.ParseOne(text)
	if err != nil {
		return localError(err, text)
	}
	switch st := stmt.(type) {
	case *ast.Set:
		if err := s.client.ValidProperty(ctx, st.Name); err != nil {
			return err
		}
		s.session.properties[st.Name] = st.Value
	case *ast.Unset:
		if _, ok := s.session.properties[st.Name]; !ok {
			return fmt.Errorf("property '%s' was not set in this session", st.Name)
		}
		delete(s.session.properties, st.Name)
	case *ast.Define:
		s.session.variables[st.Name.Name] = st.Value
	case *ast.Undefine:
		if _, ok := s.session.variables[st.Name.Name]; !ok {
			return fmt.Errorf("variable %s is not defined", st.Name.Name)
		}
		delete(s.session.variables, st.Name.Name)
	default:
		return fmt.Errorf("%T is no statement about the session", stmt) // statement() sends none here
	}
	return nil
}

// runFile runs a script in this session.
func (s *Shell) runFile(ctx context.Context, path string) error {
	if s.depth == maxScripts {
		return fmt.Errorf("run script %s: scripts run each other more than %d deep", path, maxScripts)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("run script: %w", err)
	}
	s.depth++
	defer func() { s.depth-- }()
	return s.run(ctx, path, string(text))
}
