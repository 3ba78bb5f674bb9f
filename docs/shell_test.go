package docs

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/server"
	"github.com/millrace/millrace/shell"
	"github.com/millrace/millrace/shell/client"
)

// typist types a page's examples into the shell, which talks to the engine by HTTP. Files that scripts name are in its folder.
type typist struct {
	client *client.Client
	dir    string
}

func newTypist(t *testing.T, e *engine.Engine, files map[string]string) *typist {
	t.Helper()
	srv := httptest.NewServer(server.New(e, server.Config{Addr: "127.0.0.1:0"}).Handler())
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	y := &typist{client: c, dir: t.TempDir()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(y.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return y
}

// fileName is a file that an example names.
var fileName = regexp.MustCompile(`'([a-z-]+\.(?:sql|txt))'`)

// run types an example into a new shell, in which everything is set that the page has set, and compares what it prints.
func (y *typist) run(ctx context.Context, x *example, props map[string]any) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return x.until(ctx, func() ([]string, bool, error) {
		got, err := y.once(ctx, x, props)
		return got, looks.MatchString(x.sql), err
	})
}

func (y *typist) once(ctx context.Context, x *example, props map[string]any) ([]string, error) {
	var out, notes strings.Builder
	s, err := shell.New(shell.Config{Client: y.client, Out: &out, Err: &notes})
	if err != nil {
		return nil, err
	}
	var script strings.Builder
	for _, name := range slices.Sorted(maps.Keys(props)) {
		fmt.Fprintf(&script, "SET '%s' = '%s';\n", name, props[name])
	}
	script.WriteString(fileName.ReplaceAllString(x.sql, "'"+y.dir+"/$1'"))
	if err := s.Script(ctx, "", script.String()); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, notes.String())
	}
	return strings.Split(strings.Trim(out.String(), "\n"), "\n"), nil
}

// runs are what a table's widths depend on.
var runs = regexp.MustCompile(` {2,}|-{2,}|─{2,}`)

// plain takes from lines what a page does not promise: numbers in ids that the server made, and the widths that follow from them.
func plain(lines []string) []string {
	out := unnumbered(lines)
	for i, line := range out {
		out[i] = strings.TrimSpace(runs.ReplaceAllString(line, " "))
	}
	return out
}
