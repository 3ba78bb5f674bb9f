package engine_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
)

func TestBadStatements(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		sql, rule string
		words     []string
	}{
		{"SELEC * FROM orders;", "syntax", []string{"line 1:1", "SELEC", "did you mean SELECT?"}},
		{"CREATE STREAM o AS SELECT id qty FROM WHERE;", "syntax", []string{"line 1:"}},
		{"CREATE STREAM o AS SELECT id, 'open FROM orders;", "syntax", []string{"line 1:", "does not end"}},
		{"SELECT * FROM orders EMIT CHANGES", "syntax", []string{"statements end with ;"}},
		{"SELECT * FROM ordres EMIT CHANGES;", "name.source", []string{"did you mean ORDERS?"}},
		{"SELECT itm FROM orders EMIT CHANGES;", "name.column", []string{"did you mean ITEM?"}},
		{"SELECT UCAS(item) FROM orders EMIT CHANGES;", "function.unknown", []string{"did you mean UCASE?"}},
		{"DROP STREAM ordres;", "name.source", nil},
		{"TERMINATE csas_larg;", "name.query", nil},
		{"DESCRIBE ordres;", "name.source", []string{"did you mean ORDERS?"}},
		{"PRINT 'ordres';", "name.topic", []string{"did you mean"}},
		{"DROP MODEL canser;", "name.model", []string{"did you mean CANCER?"}},
		{"SET 'auto.ofset.reset' = 'earliest';", "property", []string{"auto.offset.reset"}},
		{"SET 'auto.offset.reset' = 'sometimes';", "property", []string{"earliest", "latest"}},
		{"SELECT qty + item FROM orders EMIT CHANGES;", "type.arithmetic", []string{"INTEGER", "STRING"}},
		{"CREATE STREAM o AS SELECT id, qty FROM orders WHERE qty;", "type.where-boolean", []string{"BOOLEAN"}},
		{"INSERT INTO orders (id, qty) VALUES ('a', 'many');", "insert.type", []string{"QTY", "INTEGER"}},
		{"INSERT INTO orders (id, qty) VALUES ('a', 3000000000);", "insert.type", nil},
		{"CREATE STREAM `../../x` AS SELECT id, qty FROM orders;", "name.characters", nil},
	} {
		r.refuse(c.sql, c.rule, c.words...)
	}
	r.works()
}

func TestStatementsThatAreTooMuch(t *testing.T) {
	r := newRig(t)
	long := strings.Repeat("a", 1<<20)
	r.refuse("SELECT '"+long+"' FROM orders EMIT CHANGES;", "syntax.too-long")
	r.refuse("SELECT "+strings.Repeat("(", 5000)+"1"+strings.Repeat(")", 5000)+" FROM orders EMIT CHANGES;", "syntax.too-deep")
	r.refuse("SELECT qty"+strings.Repeat("+qty", 40_000)+" FROM orders EMIT CHANGES;", "syntax.too-deep")
	r.refuse("SELECT qty"+strings.Repeat("+qty", 1000)+" FROM orders EMIT CHANGES;", "expression.depth")
	r.refuse("SELECT "+strings.Repeat("ARRAY[", 400)+"1"+strings.Repeat("]", 400)+" AS x FROM orders WHERE qty = 'a' EMIT CHANGES;", "type.comparison")
	r.refuse("CREATE TYPE deep AS "+strings.Repeat("ARRAY<", 60)+"INT"+strings.Repeat(">", 60)+";", "type.depth")
	r.refuse("SELECT id"+strings.Repeat(", id", 60_000)+" FROM orders EMIT CHANGES;", "syntax.too-long")
	r.refuse(strings.Repeat("SHOW STREAMS;", 400_000), "", fmt.Sprint(engine.MaxStatementBytes))
	r.works()
}

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	r := newRig(t)
	r.must("CREATE SOURCE STREAM again (id STRING KEY, item STRING) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');")
	const three = "SELECT o.id, o.qty FROM orders o JOIN again a WITHIN 1 HOUR ON o.id = a.id JOIN customers c ON o.id = c.id"
	r.refuse("CREATE STREAM o AS "+three+";", "operator.unavailable", "topic orders")
	r.refuse(three+" EMIT CHANGES;", "operator.unavailable", "topic orders")
	r.refuse("CREATE STREAM o (id INT KEY, v INT) WITH (KAFKA_TOPIC='a topic!', PARTITIONS=1, VALUE_FORMAT='JSON');", "topic.settings", "a topic!")
	r.refuse("CREATE STREAM o (id INT KEY, v INT) WITH (KAFKA_TOPIC='new', PARTITIONS=20000, VALUE_FORMAT='JSON');", "topic.settings", "20000")
	r.refuse("CREATE STREAM o (id INT KEY, v INT) WITH (KAFKA_TOPIC='new', REPLICAS=3, PARTITIONS=1, VALUE_FORMAT='JSON');", "topic.settings")
	r.refuse("CREATE STREAM o WITH (KAFKA_TOPIC='a topic!') AS SELECT id, qty FROM orders;", "topic.settings", "a topic!")
	r.refuse("CREATE STREAM o AS SELECT id, CAST('x' AS INT) + qty AS v FROM orders GROUP BY id;", "aggregate.required")
	r.works()
}

func TestDroppingWhatIsUsed(t *testing.T) {
	r := newRig(t)
	r.must("CREATE STREAM scored AS SELECT id, PREDICT(cancer" + strings.Repeat(", qty", 30) + ")->label AS label FROM orders;")
	r.refuse("DROP STREAM orders;", "drop.used", "CSAS_LARGE", "CTAS_SOLD", "TERMINATE")
	r.refuse("DROP STREAM orders DELETE TOPIC;", "drop.used")
	r.refuse("DROP MODEL cancer;", "model.in-use", "CSAS_SCORED")
	r.refuse("DROP TABLE large;", "drop.kind", "STREAM")
	r.works()
	r.must("DROP STREAM scored; DROP MODEL cancer;")
	r.works()
}

func TestModelsThatCannotBe(t *testing.T) {
	r := newRig(t)
	outside := filepath.Join(t.TempDir(), "outside.onnx")
	cancer, err := os.ReadFile("../shell/demo/data/cancer.onnx")
	if err != nil {
		t.Fatal(err)
	}
	refused, err := os.ReadFile("../udf/model/onnx/testdata/refused/neighbours.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(outside, cancer, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(r.dir, "models", "link.onnx")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("..", filepath.Join(r.dir, "models", "up")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(r.dir, "models", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.modelFile("text.onnx", []byte("this is no model"))
	r.modelFile("empty.onnx", nil)
	r.modelFile("cut.onnx", cancer[:len(cancer)/2])
	r.modelFile("bytes.onnx", slices.Repeat([]byte{0xff, 0x0a, 0x01}, 1000))
	r.modelFile("neighbours.onnx", refused)
	for _, c := range []struct{ uri, rule, word string }{
		{"missing.onnx", "model.file", "missing.onnx"},
		{"../instance", "model.file", "../instance"},
		{"up/instance", "model.file", "up/instance"},
		{"link.onnx", "model.file", "link.onnx"},
		{outside, "model.file", "outside.onnx"},
		{"/etc/hostname", "model.file", "/etc/hostname"},
		{".", "model.file", "no file"},
		{"pipe", "model.file", "no file"},
		{"http://127.0.0.1:1/cancer.onnx", "model.file", "--model-hosts"},
		{"sha256:../instance", "model.file", "64 hexadecimal digits"},
		{"file:///etc/hostname", "model.file", "http or https"},
		{"a\x00b", "model.file", ""},
		{"text.onnx", "model.load", "malformed"},
		{"empty.onnx", "model.load", "the file is empty"},
		{"cut.onnx", "model.load", ""},
		{"bytes.onnx", "model.load", ""},
		{"neighbours.onnx", "model.load", "operator"},
	} {
		r.refuse("CREATE MODEL m WITH (URI='"+c.uri+"');", c.rule, c.word)
	}
	r.refuse("CREATE MODEL m WITH (URI='cancer.onnx', BACKEND='abacus');", "model.load", "abacus")
	r.refuse("CREATE MODEL m WITH (URI='cancer.onnx', COLOUR='red');", "with.unknown", "COLOUR")
	r.refuse("SELECT PREDICT(cancer, qty) FROM orders EMIT CHANGES;", "model.arguments", "takes 30 numbers", "got 1")
	r.refuse("SELECT PREDICT(cancer"+strings.Repeat(", item", 30)+") FROM orders EMIT CHANGES;", "model.arguments", "a number as argument 1", "got STRING")
	r.refuse("SELECT PREDICT(canser, qty) FROM orders EMIT CHANGES;", "model.unknown", "did you mean CANCER?")
	abs := filepath.Join(r.dir, "models", "cancer.onnx")
	r.must("CREATE MODEL again WITH (URI='" + abs + "');") // an absolute path is fine where it leads into the folder
	r.works()
}

func TestQueryOfASourceTableEndsWithIt(t *testing.T) {
	r := newRig(t)
	r.must("CREATE SOURCE TABLE known (id STRING PRIMARY KEY, name STRING) WITH (KAFKA_TOPIC='customers', VALUE_FORMAT='JSON');")
	id := ""
	for _, q := range r.Catalog().Queries() {
		if strings.HasPrefix(q.ID, "CST_KNOWN") {
			id = q.ID
		}
	}
	r.refuse("TERMINATE "+id+";", "terminate.source-table", "DROP TABLE")
	r.must("DROP TABLE known;")
	r.works()
}

// TestQueryThatCannotGoOn writes a record that the broker refuses for its size: that query alone stops, and says why.
func TestQueryThatCannotGoOn(t *testing.T) {
	r := newRig(t)
	r.refuse("INSERT INTO orders (id, item) VALUES ('a', LPAD('a', 2000000000, 'b'));", "insert.value", "16777216")
	r.refuse("INSERT INTO orders (id, item) VALUES ('a', LPAD('a', 3000000, 'b'));", "insert.too-large", "has 3000", "takes 1048588 bytes")
	r.must("CREATE STREAM huge AS SELECT id, RPAD(item, 3000000, 'x') AS item FROM orders;")
	r.works()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		state, cause := r.queryState("CSAS_HUGE")
		if state == "ERROR" {
			if !strings.Contains(cause, "too large") {
				t.Errorf("the cause is %q", cause)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the query is %s", state)
		}
	}
	r.works()
	r.must("DROP STREAM huge;")
	r.works()
}

func TestTooManyPushQueries(t *testing.T) {
	r := newRig(t)
	req := engine.Request{SQL: "SELECT id FROM orders EMIT CHANGES;"}
	for i := range engine.MaxPushQueries {
		rs, err := r.Query(t.Context(), req)
		if err != nil {
			t.Fatalf("query %d: %v", i, err)
		}
		defer func() { _ = rs.Close() }()
	}
	_, err := r.Query(t.Context(), req)
	var s *engine.StatementError
	if !errors.As(err, &s) || s.Code != engine.CodeMaxPushQueries {
		t.Errorf("one query too many: %v", err)
	}
	r.works()
}
