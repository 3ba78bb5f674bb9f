package shell

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/shell/client"
)

const rowsOf = "[{\"header\":{\"queryId\":\"q\",\"schema\":\"`ID` INTEGER, `NAME` STRING\"}},\n" +
	`{"row":{"columns":[1,"a\u001b[31m"]}},` + "\n" + `{"row":{"columns":[22,null],"tombstone":true}},` + "\n" + `{"finalMessage":"Limit Reached"}]`

func TestOutputFormats(t *testing.T) {
	for output, want := range map[string]string{
		"table":    " ID | NAME\n----+----------------\n  1 | a\\u001b[31m\n 22 | null <deleted>\n",
		"vertical": "-[ row 1 ]-\nID   : 1\nNAME : a\\u001b[31m\n-[ row 2 ]-\nID   : 22\nNAME : null <deleted>\n",
		"csv":      "ID,NAME\n1,a\x1b[31m\n22,\n",
		"json":     `{"ID":1,"NAME":"a\u001b[31m"}` + "\n" + `{"ID":22,"NAME":null}` + "\n",
	} {
		s, out, _ := newTestShell(t, &fakeServer{answers: map[string]string{"SELECT 1;": rowsOf}}, output)
		if err := s.Script(context.Background(), "test", "SELECT 1;"); err != nil || out.String() != want {
			t.Errorf("%s:\n%s\nwant\n%s (%v)", output, out, want, err)
		}
	}
	if _, err := New(Config{Output: "xml"}); err == nil {
		t.Error("format xml was taken")
	}
}

func TestEntities(t *testing.T) {
	f := &fakeServer{answers: map[string]string{
		"A;": `[{"@type":"currentStatus","commandStatus":{"status":"SUCCESS","message":"created"},"warnings":[{"message":"careful"}]}]`,
		"B;": `[{"@type":"streams","streams":[{"type":"STREAM","name":"S","topic":"t","keyFormat":"KAFKA","valueFormat":"JSON","isWindowed":false}]}]`,
		"C;": `[{"@type":"sourceDescription","sourceDescription":{"name":"S","type":"STREAM","fields":[{"name":"K","type":"KEY","schema":{"type":"INTEGER"}},` +
			`{"name":"D","schema":{"type":"DECIMAL","parameters":{"precision":4,"scale":2}}},{"name":"A","schema":{"type":"ARRAY","memberSchema":{"type":"STRING"}}}]}}]`,
		"D;": `[{"@type":"new_thing","x":1}]`,
		"E;": `[{"@type":"model_versions","versions":[{"name":"M","version":0,"status":"REFUSED","uri":"kafka:t/0@5","error":"no model"}]}]`,
	}}
	s, out, errs := newTestShell(t, f, "table")
	if err := s.Script(context.Background(), "test", "A; B; C; E; D;"); err != nil {
		t.Fatal(err)
	}
	want := `created
 Name | Topic | Key format | Value format | Windowed
------+-------+------------+--------------+----------
 S    | t     | KAFKA      | JSON         | false
Name:            S
Type:            stream

 Field | Type
-------+---------------
 K     | INTEGER (key)
 D     | DECIMAL(4, 2)
 A     | ARRAY<STRING>
 Model | Version | Status  | Backend | SHA-256 | URI         | Rows | Shadow rows | Batches | Errors | Scoring
-------+---------+---------+---------+---------+-------------+------+-------------+---------+--------+---------
 M     | 0       | REFUSED |         |         | kafka:t/0@5 | 0    | 0           | 0       | 0      | 0s

 Refused     | Reason
-------------+----------
 kafka:t/0@5 | no model
{
  "@type": "new_thing",
  "x": 1
}
`
	if out.String() != want || errs.String() != "warning: careful\n" {
		t.Errorf("got\n%s\nand %q, want\n%s", out, errs, want)
	}
}

func TestScriptStopsAtFailure(t *testing.T) {
	f := &fakeServer{answers: map[string]string{"A;": `[]`}}
	s, _, _ := newTestShell(t, f, "")
	err := s.Script(context.Background(), "test", "A;\n-- note\nBAD ';' x; A;")
	var refused *client.Error
	if !errors.As(err, &refused) || len(f.asked) != 2 {
		t.Errorf("%d requests, then %v", len(f.asked), err)
	}
	if got := Describe(err, false); got != "error: test:2: line 1:1: what? [syntax]\n    x\n    ^\nhint: none" {
		t.Errorf("shown as %q", got)
	}
}

func TestSession(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "s.sql")
	if err := os.WriteFile(script, []byte("DEFINE v = 'b'; A;"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{answers: map[string]string{"A;": `[]`, "SELECT 1;": rowsOf}}
	s, _, _ := newTestShell(t, f, "")
	ctx := context.Background()
	if err := s.Script(ctx, "test", "SET 'auto.offset.reset' = 'earliest'; DEFINE f = '"+script+"'; A; RUN SCRIPT '${f}'; UNSET 'auto.offset.reset'; SELECT 1;"); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"ksql": "A;", "streamsProperties": map[string]any{"auto.offset.reset": "earliest"}, "sessionVariables": map[string]any{"F": script}},
		{"ksql": "A;", "streamsProperties": map[string]any{"auto.offset.reset": "earliest"}, "sessionVariables": map[string]any{"F": script, "V": "b"}},
		{"ksql": "SELECT 1;", "streamsProperties": map[string]any{}, "sessionVariables": map[string]any{"F": script, "V": "b"}},
	}
	if !reflect.DeepEqual(f.asked, want) {
		t.Errorf("asked %v", f.asked)
	}
	for _, bad := range []string{"SET 'x' = 'y';", "UNSET 'x';", "UNDEFINE x;", "SET x;", "RUN SCRIPT '/none';"} {
		if err := s.Script(ctx, "test", bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if err := os.WriteFile(script, []byte("RUN SCRIPT '"+script+"';"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Script(ctx, "test", "RUN SCRIPT '"+script+"';"); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("a script that runs itself: %v", err)
	}
}

func TestInteract(t *testing.T) {
	f := &fakeServer{answers: map[string]string{"SELECT\n1;": rowsOf, "A;": `[]`}}
	s, out, errs := newTestShell(t, f, "")
	person := &typed{lines: []string{"", "SELECT", "^C", "SELECT", "1;", "BAD;", "output csv", `\o`, "help", "A; A;", "exit", "A;"}}
	if err := s.Interact(context.Background(), person); err != nil {
		t.Fatal(err)
	}
	if len(f.asked) != 4 {
		t.Errorf("%d requests", len(f.asked))
	}
	if want := []string{prompt, prompt, promptMore, prompt, promptMore}; !reflect.DeepEqual(person.prompts[:5], want) {
		t.Errorf("prompts %q", person.prompts)
	}
	for _, part := range []string{" 22 | null <deleted>", "* csv ", "Commands of the shell"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("no %q in\n%s", part, out)
		}
	}
	for _, part := range []string{"Millrace shell", "Limit Reached (2 rows)", "error: line 1:1: what? [syntax]"} {
		if !strings.Contains(errs.String(), part) {
			t.Errorf("no %q in\n%s", part, errs)
		}
	}
	if len(person.lines) != 1 || len(person.history) != 7 {
		t.Errorf("left %q, remembered %q", person.lines, person.history)
	}
}

// Ctrl-C while a query runs ends the query, shows what came, and leaves the shell.
func TestInterrupt(t *testing.T) {
	f := &fakeServer{answers: map[string]string{"SELECT 1;": strings.TrimSuffix(rowsOf, `,`+"\n"+`{"finalMessage":"Limit Reached"}]`), "A;": `[]`}, hold: make(chan struct{})}
	s, _, errs := newTestShell(t, f, "")
	// Nobody presses the keys before the rows are on the screen: then the shell listens to them, which else end the test.
	out := &watched{text: " 22 | null <deleted>", seen: sync.OnceFunc(func() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGINT) })}
	s.out.Reset(out)
	if err := s.Interact(context.Background(), &typed{lines: []string{"SELECT 1;", "A;"}}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.hold:
	case <-time.After(time.Minute):
		t.Error("the query goes on")
	}
	if len(f.asked) != 2 || !strings.Contains(errs.String(), "canceled") {
		t.Errorf("%d requests, out %s, errors %s", len(f.asked), out, errs)
	}
}

// watched is a screen that tells when a text has come.
type watched struct {
	strings.Builder
	text string
	seen func()
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Builder.Write(b)
	if strings.Contains(w.String(), w.text) {
		w.seen()
	}
	return n, err
}

func TestSpool(t *testing.T) {
	f := &fakeServer{answers: map[string]string{"SELECT 1;": rowsOf}}
	s, out, _ := newTestShell(t, f, "csv")
	path := filepath.Join(t.TempDir(), "spooled")
	if err := s.Script(context.Background(), "test", "spool '"+path+"'; SELECT 1; spool off; SELECT 1;"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || out.String() != strings.Repeat(string(b), 2) || len(b) == 0 {
		t.Errorf("spooled %q, shown %q (%v)", b, out, err)
	}
}

func TestNoServer(t *testing.T) {
	c, err := client.New("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	s, err := New(Config{Client: c, Out: &out, Err: &errs})
	if err != nil {
		t.Fatal(err)
	}
	var lost *client.ConnectionError
	if err := s.Script(context.Background(), "test", "A;"); !errors.As(err, &lost) {
		t.Errorf("got %v", err)
	}
	if err := s.Interact(context.Background(), &typed{}); err != nil || !strings.Contains(errs.String(), "millrace server") {
		t.Errorf("got %q (%v)", errs.String(), err)
	}
}
