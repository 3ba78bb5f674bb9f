package docs

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/connect/connecttest"
	"github.com/millrace/millrace/sql/types"
)

// models are the files that examples may name in CREATE MODEL.
var models = map[string]string{
	"cancer.onnx":     "shell/demo/data/cancer.onnx",
	"text.wasm":       "udf/wasm/testdata/text.wasm",
	"flowers.onnx":    "udf/model/onnx/testdata/mixed_columns.onnx",
	"prices.onnx":     "udf/model/onnx/testdata/linear_regression.onnx",
	"iris.json":       "udf/model/xgboost/testdata/softprob.json",
	"progress.txt":    "udf/model/lightgbm/testdata/regression.txt",
	"linear.json":     "udf/model/xgboost/testdata/refused_linear.json",
	"neighbours.onnx": "udf/model/onnx/testdata/refused/neighbours.onnx",
}

// rewriting takes the results for what they should be. Read the difference before you keep it.
var rewriting = flag.Bool("rewrite", false, "write the results of examples to the pages instead of comparing them")

// patience is how long an example may take to give its rows.
const patience = 3 * time.Minute

// setting is SET or UNSET, whose effect lasts to the end of the page.
var setting = regexp.MustCompile(`(?m)^(UN)?SET '([^']+)'(?: ?= ?'([^']*)')?;`)

// TestExamples runs every statement of every page, page by page on a server of its own, and compares what the page shows.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("runs an engine a page")
	}
	for _, path := range pages(t) {
		p := readPage(t, path)
		if len(p.examples) == 0 {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.ToSlash(path), ".md"), func(t *testing.T) {
			t.Parallel() // most of the time is waiting for commits
			p.run(t)
		})
	}
}

func (p *page) run(t *testing.T) {
	e, props, found := open(t, strings.Join(p.lines[:min(3, len(p.lines))], "\n")), map[string]any{}, map[*example][]string{}
	var sh *typist
	for _, x := range p.examples {
		var got []string
		var err error
		if x.shell {
			if sh == nil {
				sh = newTypist(t, e, p.files)
			}
			got, err = sh.run(t.Context(), x, props)
		} else {
			got, err = x.run(t.Context(), e, props)
		}
		x.remember(props)
		if *rewriting && x.checked && got != nil {
			found[x] = got
			continue
		}
		if err != nil {
			t.Errorf("%s:%d: %s\n%v", p.path, x.line, x.sql, err)
		}
	}
	if *rewriting {
		p.rewrite(t, found)
	}
}

// open starts an engine on its own broker, with the models in place and what the head of the page asks for.
func open(t *testing.T, head string) *engine.Engine {
	t.Helper()
	dir := t.TempDir()
	folder := filepath.Join(dir, "models")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, from := range models {
		b, err := os.ReadFile(filepath.Join(root, from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "fraud2.onnx"), fraudModel(1.5), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "fraud.onnx"), fraudModel(0.5), 0o600); err != nil {
		t.Fatal(err)
	}
	// Few slots start faster; nothing that the pages show depends on their number.
	o := engine.Options{DataDir: dir, Slots: 4, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if strings.Contains(head, "<!-- on a server with a schema registry -->") {
		fake := srfake.New()
		t.Cleanup(fake.Close)
		o.SchemaRegistry.URLs = []string{fake.URL()}
	}
	if strings.Contains(head, "<!-- on a server with Kafka Connect -->") {
		fake := connecttest.NewServer()
		t.Cleanup(fake.Close)
		o.Connect.URL = fake.URL
	}
	e, err := engine.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return e
}

// remember keeps what SET and UNSET say, as a shell does: the server forgets it with the request.
func (x *example) remember(props map[string]any) {
	m := setting.FindStringSubmatch(x.sql)
	switch {
	case m == nil || x.refused != "":
	case m[1] != "":
		delete(props, m[2])
	default:
		props[m[2]] = m[3]
	}
}

// run runs a statement; it gives the lines that came of it, where the page shows some.
func (x *example) run(ctx context.Context, e *engine.Engine, props map[string]any) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r := engine.Request{SQL: x.sql, Properties: props}
	var got []string
	var err error
	if x.isQuery() {
		got, err = x.query(ctx, e, r)
	} else {
		got, err = x.execute(ctx, e, r)
	}
	if x.refused == "" {
		return got, err
	}
	var s *engine.StatementError
	switch {
	case err == nil:
		return nil, fmt.Errorf("it was not refused, want %s", x.refused)
	case !errors.As(err, &s) || s.Rule != x.refused:
		return nil, fmt.Errorf("refused otherwise, want %s: %w (%+v)", x.refused, err, s)
	case x.checked:
		got = strings.Split(s.Message, "\n")
		return got, x.compare(got)
	}
	return nil, nil
}

// isQuery says whether rows answer the statement.
func (x *example) isQuery() bool {
	for line := range strings.SplitSeq(x.sql, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		word, _, _ := strings.Cut(strings.ToUpper(line), " ")
		return word == "SELECT" || word == "PRINT" || word == "WITH" || strings.HasPrefix(word, "(")
	}
	return false
}

func (x *example) execute(ctx context.Context, e *engine.Engine, r engine.Request) ([]string, error) {
	return x.until(ctx, func() ([]string, bool, error) {
		entities, err := e.Execute(ctx, r)
		var got []string
		for _, ent := range entities {
			got = append(got, entityLines(ent.Body)...)
		}
		return got, looks.MatchString(x.sql), err
	})
}

// query reads a result.
func (x *example) query(ctx context.Context, e *engine.Engine, r engine.Request) ([]string, error) {
	return x.until(ctx, func() ([]string, bool, error) {
		got, kind, err := x.read(ctx, e, r)
		return got, kind == engine.PullResult, err
	})
}

// looks is a statement that only shows something.
var looks = regexp.MustCompile(`^\s*(SHOW|LIST|DESCRIBE|EXPLAIN)\s`)

// until compares what ask gives with what the page shows. What can be asked again is, until it is there: tables fill and queries start as
// time goes on.
func (x *example) until(ctx context.Context, ask func() (got []string, again bool, err error)) ([]string, error) {
	if *rewriting && x.checked && !strings.Contains(x.sql, "LIMIT") {
		time.Sleep(settled)
	}
	for {
		got, again, err := ask()
		if err != nil || !x.checked {
			return nil, err
		}
		if err = x.compare(got); err == nil || *rewriting || !again {
			return got, err
		}
		select {
		case <-ctx.Done():
			return got, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// settled is how long rewriting waits for queries to have read what is there.
const settled = 1500 * time.Millisecond

// read reads as many rows as the page shows, all of a pull query's, none if it shows none.
func (x *example) read(ctx context.Context, e *engine.Engine, r engine.Request) ([]string, engine.ResultKind, error) {
	rs, err := e.Query(ctx, r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = rs.Close() }()
	var names []string
	for _, c := range rs.Columns() {
		names = append(names, c.Name)
	}
	got := []string{strings.Join(names, " | ")}
	if rs.Kind() == engine.PrintResult {
		got = nil
	}
	for rs.Kind() == engine.PullResult || len(got) < len(x.want) || *rewriting && x.checked {
		rows, err := rs.Next(ctx)
		if errors.Is(err, io.EOF) || *rewriting && errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			return nil, rs.Kind(), fmt.Errorf("after %q: %w", got, err)
		}
		for _, row := range rows {
			got = append(got, rowLine(rs.Columns(), row))
		}
	}
	return got, rs.Kind(), nil
}

// compare compares the first lines, and the others as sets; what the shell prints, line by line.
func (x *example) compare(got []string) error {
	switch {
	case x.shell && slices.Equal(plain(got), plain(x.want)):
		return nil
	case x.shell:
	case len(got) == len(x.want) && len(got) > 0:
		a, b := unnumbered(got), unnumbered(x.want)
		slices.Sort(a[1:])
		slices.Sort(b[1:])
		if slices.Equal(a, b) {
			return nil
		}
	}
	return fmt.Errorf("it gives\n%s\nand the page shows\n%s", strings.Join(got, "\n"), strings.Join(x.want, "\n"))
}

// madeID is a query id that the server made; its number is a place in the command log, which a page does not promise.
var madeID = regexp.MustCompile(`\b(C[ST]AS_\w+_)\d+`)

func unnumbered(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = madeID.ReplaceAllString(line, "${1}n")
	}
	return out
}

func rowLine(columns []engine.ResultColumn, row engine.ResultRow) string {
	cells := make([]string, len(row.Values))
	for i, v := range row.Values {
		cells[i] = cell(v)
		if v != nil && i < len(columns) && columns[i].Type.Kind.IsTemporal() {
			cells[i] = types.Text(v, columns[i].Type)
		}
	}
	line := strings.Join(cells, " | ")
	if row.Tombstone {
		line += " (deleted)"
	}
	return line
}

func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		cells := make([]string, len(v))
		for i, x := range v {
			cells[i] = cell(x)
		}
		return "[" + strings.Join(cells, ", ") + "]"
	case types.Map:
		cells := make([]string, len(v))
		for i, x := range v {
			cells[i] = cell(x.Key) + "=" + cell(x.Value)
		}
		return "{" + strings.Join(cells, ", ") + "}"
	case []byte:
		return fmt.Sprintf("%x", v)
	}
	return fmt.Sprint(v)
}

// entityLines shows the result of a statement as a table.
func entityLines(b engine.EntityBody) []string {
	switch b := b.(type) {
	case engine.CurrentStatus:
		return []string{b.CommandStatus.Message}
	case engine.WarningEntity:
		return []string{b.Message}
	case engine.StreamsList:
		return sourceLines(b.Streams)
	case engine.TablesList:
		return sourceLines(b.Tables)
	case engine.SourceDescriptionEntity:
		return fieldLines(b.SourceDescription.Fields)
	case engine.Queries:
		lines := []string{"id | state"}
		for _, q := range b.Queries {
			lines = append(lines, q.ID+" | "+q.State)
		}
		return lines
	case engine.ModelVersionsList:
		lines := []string{"model | version | status | uri"}
		for _, v := range b.Versions {
			lines = append(lines, fmt.Sprintf("%s | %d | %s | %s", v.Name, v.Version, v.Status, v.URI))
		}
		return lines
	case engine.ModelStatisticsList:
		return statisticsLines(b.Statistics)
	case engine.ModelsList:
		lines := []string{"model | version | backend | uri"}
		for _, m := range b.Models {
			lines = append(lines, fmt.Sprintf("%s | %d | %s | %s", m.Name, m.Version, m.Backend, m.URI))
		}
		return lines
	case engine.ModelDescription:
		lines := []string{"model | " + b.Name}
		for _, c := range b.Inputs {
			lines = append(lines, "input | "+c.Shape)
		}
		for _, c := range b.Outputs {
			lines = append(lines, "output | "+c.Shape)
		}
		return append(lines, "returns | "+b.Returns)
	case engine.TopicsList:
		lines := []string{"topic | partitions"}
		for _, t := range b.Topics {
			lines = append(lines, fmt.Sprintf("%s | %d", t.Name, len(t.ReplicaInfo)))
		}
		return lines
	case engine.FunctionDescription:
		lines := []string{b.Name + " | " + b.Type}
		for _, f := range b.Functions {
			var args []string
			for _, a := range f.Arguments {
				args = append(args, a.Type)
			}
			lines = append(lines, fmt.Sprintf("(%s) | %s", strings.Join(args, ", "), f.ReturnType))
		}
		return lines
	case engine.TerminateQuery:
		return []string{b.QueryID}
	}
	return []string{fmt.Sprintf("%+v", b)}
}

func sourceLines(list []engine.SourceInfo) []string {
	lines := []string{"name | topic | key format | value format"}
	for _, s := range list {
		lines = append(lines, strings.Join([]string{s.Name, s.Topic, s.KeyFormat, s.ValueFormat}, " | "))
	}
	return lines
}

func fieldLines(fields []engine.FieldInfo) []string {
	lines := []string{"column | type"}
	for _, f := range fields {
		line := f.Name + " | " + f.Schema.Type
		if f.Type != "" {
			line += " (" + strings.ToLower(f.Type) + ")"
		}
		lines = append(lines, line)
	}
	return lines
}
