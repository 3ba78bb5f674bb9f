package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine"
)

// newFunctionRig has the modules of udf/wasm's tests in its model folder.
func newFunctionRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	for _, name := range []string{"text.wasm", "versions.wasm", "imports.wasm", "calls.wasm"} {
		b, err := os.ReadFile(filepath.Join("..", "udf", "wasm", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		r.modelFile(name, b)
	}
	return r
}

const starsFunction = "CREATE FUNCTION stars(s STRING) RETURNS STRING LANGUAGE WASM WITH (URI='text.wasm', EXPORT='mask');"

func TestFunctionRefused(t *testing.T) {
	r := newFunctionRig(t)
	r.must(starsFunction)
	const rest = " RETURNS STRING LANGUAGE WASM WITH (URI='text.wasm');"
	for _, c := range []struct{ sql, rule, words string }{
		{starsFunction, "function.exists", "function STARS exists"},
		{"CREATE FUNCTION ucase(s STRING)" + rest, "function.exists", "built in"},
		{"CREATE OR REPLACE FUNCTION predict(s STRING)" + rest, "function.exists", "built in"},
		{"CREATE FUNCTION `f-g`(s STRING)" + rest, "function.name", "letters, digits"},
		{"CREATE FUNCTION f(`a b` STRING)" + rest, "function.name", "letters, digits"},
		{"CREATE FUNCTION f(s ARRAY<INT>)" + rest, "function.type", "takes and returns no ARRAY<INT>"},
		{"CREATE FUNCTION f(s DECIMAL(4, 2))" + rest, "function.type", "takes and returns no DECIMAL"},
		{"CREATE FUNCTION f(s NUMBER)" + rest, "type.unknown", "NUMBER"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE JAVA WITH (URI='f.jar');", "function.language", "LANGUAGE WASM"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE WASM WITH (EXPORT='f');", "function.file", "needs the function's file"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE WASM WITH (URI='nowhere.wasm');", "function.file", "nowhere.wasm"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE WASM WITH (URI='../instance');", "function.file", "../instance"},
		{"CREATE FUNCTION mask2(s STRING) RETURNS STRING LANGUAGE WASM WITH (URI='text.wasm', EXPORT='mask', SHA256='00');", "function.file", "its sha256 is"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE WASM WITH (URI='text.wasm', FUEL='1');", "with.unknown", "FUEL"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE WASM WITH (URI='text.wasm', TIMEOUT='1 h');", "with.value", "TIMEOUT"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE WASM WITH (URI='text.wasm', MEMORY='1 TB');", "with.value", "MEMORY"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE WASM WITH (URI='text.wasm', MEMORY='999999 MB');", "with.value", "256 MB"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE WASM WITH (URI='cancer.onnx');", "function.load", "no WebAssembly module"},
		{"CREATE FUNCTION f(s STRING) RETURNS INT LANGUAGE WASM WITH (URI='text.wasm');", "function.load", "it exports no function f"},
		{"CREATE FUNCTION mask2(s INT) RETURNS STRING LANGUAGE WASM WITH (URI='text.wasm', EXPORT='mask');", "function.load", "its function mask is (i32, i32) -> (i64)"},
		{"CREATE FUNCTION f(a INT) RETURNS INT LANGUAGE WASM WITH (URI='imports.wasm');", "function.load", "launch_missiles"},
		{"SELECT STARS(qty, 1) FROM orders EMIT CHANGES;", "function.arguments", "STARS does not accept"},
		{"DROP FUNCTION nothing;", "function.unknown", "there is no function NOTHING"},
		{"DROP FUNCTION ucase;", "function.in-use", "built in"},
	} {
		r.refuse(c.sql, c.rule, c.words)
	}
	r.must(strings.Replace(starsFunction, "FUNCTION", "FUNCTION IF NOT EXISTS", 1) + "DROP FUNCTION IF EXISTS nothing;")
	r.works()
}

// TestFunctionLife: a function serves queries of all kinds, its failures cost their rows alone, and it is there after a start whatever
// became of its file.
func TestFunctionLife(t *testing.T) {
	r := newFunctionRig(t)
	r.must(starsFunction + `
		CREATE FUNCTION divide(a INT, b INT) RETURNS INT LANGUAGE WASM WITH (URI='text.wasm', TIMEOUT='1 s', MEMORY='1 MB');
		CREATE FUNCTION calls(a INT) RETURNS INT LANGUAGE WASM WITH (URI='calls.wasm', TIMEOUT='10 ms');
		CREATE STREAM masked AS SELECT id, STARS(item) AS item, DIVIDE(100, qty) AS part FROM orders WHERE STARS('secret') = '**cret';
		INSERT INTO orders (id, item, qty) VALUES ('a', '4111111111111111', 7);
		INSERT INTO orders (id, item, qty) VALUES ('b', NULL, 0);
		INSERT INTO orders (id, item, qty) VALUES ('c', 'abc', 50);`)
	before := []string{"a ************1111 14", "b <nil> <nil>", "c abc 2"}
	r.eventually("SELECT id, item, part FROM masked;", before...)
	r.eventually("SELECT message->recordProcessingError->cause[1] FROM KSQL_PROCESSING_LOG WHERE message->recordProcessingError->errorMessage LIKE '%DIVIDE%';",
		"integer divide by zero")
	r.eventually("SELECT STARS(id + 'longer') AS m, CALLS(2) AS c FROM orders WHERE id = 'a';", "***nger 9")
	r.eventually("SELECT id, CALLS(64) AS c FROM orders WHERE id = 'a';", "a <nil>")

	names := r.must("SHOW FUNCTIONS;")[0].Body.(engine.FunctionNames).Functions
	if !slices.Contains(names, engine.FunctionName{Name: "DIVIDE", Type: "SCALAR", Category: "WASM"}) {
		t.Error("SHOW FUNCTIONS does not list it")
	}
	d := r.must("DESCRIBE FUNCTION divide;")[0].Body.(engine.FunctionDescription)
	text := fmt.Sprintf("%s %s %s %v", d.Version, d.Path, d.Description, d.Functions)
	for _, want := range []string{"1 text.wasm divide of text.wasm, in WASM: at most 1s a row and 1024 KB of memory; sha256 ", "[{[{A INT", "INT"} {
		if !strings.Contains(text, want) {
			t.Errorf("DESCRIBE FUNCTION says %q, not %q", text, want)
		}
	}
	r.refuse("DROP FUNCTION stars;", "function.in-use", "CSAS_MASKED")
	r.refuse("CREATE OR REPLACE FUNCTION stars(s STRING, n INT, b BYTES) RETURNS BYTES LANGUAGE WASM WITH (URI='text.wasm', EXPORT='join2');",
		"function.in-use", "CSAS_MASKED")

	if err := os.RemoveAll(filepath.Join(r.dir, "models")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(r.dir, "artifacts")); err != nil {
		t.Fatal(err)
	}
	r.reopen(engine.Options{})
	r.must("INSERT INTO orders (id, item, qty) VALUES ('d', 'restarted', 100);")
	r.eventually("SELECT id, item, part FROM masked;", append(before, "d *****rted 1")...)

	query := r.Catalog().Writers("MASKED")[0].ID
	r.must("TERMINATE " + query + "; DROP FUNCTION stars; DROP FUNCTION divide;")
	r.refuse("SELECT STARS(id) FROM orders EMIT CHANGES;", "function.unknown", "STARS")
	r.works()
}

// TestFunctionIsReplaced: running queries go on with the new code, each row is evaluated once, and a start changes nothing.
func TestFunctionIsReplaced(t *testing.T) {
	r := newFunctionRig(t)
	replace := func(export string) {
		t.Helper()
		r.must("CREATE OR REPLACE FUNCTION v(a INT) RETURNS INT LANGUAGE WASM WITH (URI='versions.wasm', EXPORT='" + export + "');")
	}
	replace("v1")
	r.must("CREATE STREAM versions AS SELECT id, V(qty) AS v FROM orders;")
	var want []string
	visit := func(version int) {
		t.Helper()
		id := fmt.Sprintf("o%d", len(want))
		r.must(fmt.Sprintf("INSERT INTO orders (id, item, qty) VALUES ('%s', 'pen', 1);", id))
		want = append(want, fmt.Sprint(id, " ", version))
		r.eventually("SELECT id, v FROM versions;", want...)
	}
	visit(1)
	replace("v2")
	visit(2)
	replace("v2") // is nothing new
	r.reopen(engine.Options{})
	visit(2)
	replace("v3")
	visit(3)
	if d := r.must("DESCRIBE FUNCTION v;")[0].Body.(engine.FunctionDescription); d.Version != "3" {
		t.Errorf("it is version %s", d.Version)
	}
	// A plan holds the call, and not what a version made of constants.
	r.must("CREATE STREAM folded AS SELECT id, V(1) AS v FROM orders;")
	r.eventually("SELECT v FROM folded WHERE id = 'o0';", "3")
	replace("v1")
	r.must("INSERT INTO orders (id, item, qty) VALUES ('new', 'pen', 1);")
	r.eventually("SELECT v FROM folded WHERE id = 'new';", "1")
}
