package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/kafka"
)

// patience is how long something that happens by itself may take.
const patience = time.Minute

// rig is an engine with queries that run, so that a test can see that they go on.
type rig struct {
	*engine.Engine
	t    *testing.T
	dir  string
	sent int
}

func openEngine(t *testing.T, o engine.Options) (*engine.Engine, error) {
	t.Helper()
	o.Slots, o.Logger = 4, slog.New(slog.NewTextHandler(t.Output(), nil))
	return engine.Open(t.Context(), o)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(r.dir, "models"), 0o700); err != nil {
		t.Fatal(err)
	}
	cancer, err := os.ReadFile("../shell/demo/data/cancer.onnx")
	if err != nil {
		t.Fatal(err)
	}
	r.modelFile("cancer.onnx", cancer)
	if r.Engine, err = openEngine(t, engine.Options{DataDir: r.dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.Engine != nil { // a test may have failed to open it again
			closeEngine(t, r.Engine)
		}
	})
	r.must(`CREATE STREAM orders (id STRING KEY, item STRING, qty INT) WITH (KAFKA_TOPIC='orders', PARTITIONS=2, VALUE_FORMAT='JSON');
		CREATE TABLE customers (id STRING PRIMARY KEY, name STRING, best STRING) WITH (KAFKA_TOPIC='customers', PARTITIONS=2, VALUE_FORMAT='JSON');
		CREATE STREAM large AS SELECT id, item, qty FROM orders WHERE qty > 10;
		CREATE TABLE sold AS SELECT item, COUNT(*) AS n FROM orders GROUP BY item;
		CREATE MODEL cancer WITH (URI='cancer.onnx');`)
	return r
}

func closeEngine(t *testing.T, e *engine.Engine) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := e.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

func (r *rig) modelFile(name string, b []byte) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "models", name), b, 0o600); err != nil {
		r.t.Fatal(err)
	}
}

var fromStart = map[string]any{"auto.offset.reset": "earliest"}

func (r *rig) must(sql string) []engine.Entity {
	r.t.Helper()
	list, err := r.Execute(r.t.Context(), engine.Request{SQL: sql, Properties: fromStart})
	if err != nil {
		r.t.Fatalf("%s\n%v", sql, err)
	}
	return list
}

// refuse runs a statement that must be refused, by the endpoint that it belongs to, with a rule code and words of the message.
func (r *rig) refuse(sql, rule string, words ...string) {
	r.t.Helper()
	before := r.inventory()
	err := r.attempt(sql)
	shown := sql[:min(len(sql), 200)]
	var s *engine.StatementError
	if !errors.As(err, &s) {
		r.t.Errorf("%s\nwant a refusal, got %v", shown, err)
		return
	}
	if s.Rule != rule || s.Code >= engine.CodeServerError {
		r.t.Errorf("%s\nrefused by %q (%d), want %q: %v", shown, s.Rule, s.Code, rule, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			r.t.Errorf("%s\nthe message does not say %q: %v", shown, w, err)
		}
	}
	if after := r.inventory(); after != before {
		r.t.Errorf("%s\nwas refused and left something behind:\n%s\nbefore:\n%s", shown, after, before)
	}
}

// attempt runs a statement and reads the first rows of its result.
func (r *rig) attempt(sql string) error {
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	req := engine.Request{SQL: sql, Properties: fromStart}
	word, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	if word != "SELECT" && word != "PRINT" {
		_, err := r.Execute(ctx, req)
		return err
	}
	rs, err := r.Query(ctx, req)
	if err != nil {
		return err
	}
	return rs.Close()
}

// inventory lists all definitions and topics.
func (r *rig) inventory() string {
	r.t.Helper()
	var b strings.Builder
	for _, s := range r.Catalog().Sources() {
		fmt.Fprintln(&b, s.Kind, s.Name)
	}
	for _, q := range r.Catalog().Queries() {
		fmt.Fprintln(&b, "query", q.ID)
	}
	for _, m := range r.Catalog().Models() {
		fmt.Fprintln(&b, "model", m.Name)
	}
	topics, err := r.Kafka().ListTopics()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, t := range topics {
		fmt.Fprintln(&b, "topic", t.Name, t.Partitions)
	}
	return b.String()
}

// works shows that the engine takes statements and that the queries from before still run.
func (r *rig) works() {
	r.t.Helper()
	r.sent++
	r.must(fmt.Sprintf("INSERT INTO orders (id, item, qty) VALUES ('o%d', 'pen', 20);", r.sent))
	r.eventually("SELECT n FROM sold WHERE item = 'pen';", fmt.Sprint(r.sent))
	if got := r.rows("SELECT id FROM large;"); !slices.Contains(got, fmt.Sprintf("o%d", r.sent)) {
		r.eventually(fmt.Sprintf("SELECT id FROM large WHERE id = 'o%d';", r.sent), fmt.Sprintf("o%d", r.sent))
	}
}

// rows reads all rows of a pull query, sorted.
func (r *rig) rows(sql string) []string {
	r.t.Helper()
	out := r.ordered(sql)
	slices.Sort(out)
	return out
}

// ordered reads all rows of a pull query as they come.
func (r *rig) ordered(sql string) []string {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	rs, err := r.Query(ctx, engine.Request{SQL: sql, Properties: fromStart})
	if err != nil {
		r.t.Fatalf("%s\n%v", sql, err)
	}
	defer func() { _ = rs.Close() }()
	var out []string
	for {
		batch, err := rs.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			r.t.Fatalf("%s\n%v", sql, err)
		}
		for _, row := range batch {
			out = append(out, strings.Trim(fmt.Sprint(row.Values), "[]"))
		}
	}
}

func (r *rig) eventually(sql string, want ...string) {
	r.t.Helper()
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = r.rows(sql); slices.Equal(got, want) {
			return
		}
	}
	r.t.Fatalf("%s\ngot  %q\nwant %q", sql, got, want)
}

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

// produce writes raw records to one partition.
func (r *rig) produce(topic string, partition int32, records ...kafka.Record) {
	r.t.Helper()
	p := r.Kafka().NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for i := range records {
		records[i].Timestamp = 1_700_000_000_000 + int64(i)
	}
	if err := p.Produce(r.t.Context(), kafka.ProduceBatch{Topic: topic, Partition: partition, Records: records}); err != nil {
		r.t.Fatal(err)
	}
}

// badRows is how many records a query could not read.
func (r *rig) badRows(prefix string) float64 {
	sum := 0.0
	for _, m := range r.Metrics() {
		if m.Name == "millrace_query_bad_rows_total" && strings.HasPrefix(m.Labels["query"], prefix) {
			sum += m.Value
		}
	}
	return sum
}

func TestBadRecords(t *testing.T) {
	for _, c := range []struct {
		format string
		values []string // good ones are 7
		bad    []int
	}{
		{"JSON", []string{`{"V":7}`, `{"V":`, `not json`, `{"V":"seven"}`, `{"V":7,"more":[1,{}]}`, `[7]`, strings.Repeat("[", 100_000), `{"v":7}`}, []int{1, 2, 3, 5, 6}},
		{"DELIMITED", []string{"7", "seven", `"7`, "7,8,9", "99999999999", "7"}, []int{1, 2, 3, 4}},
		{"KAFKA", []string{"\x00\x00\x00\x07", "\x07", "seven", "\x00\x00\x00\x00\x07", "\x00\x00\x00\x07"}, []int{1, 2, 3}},
	} {
		t.Run(c.format, func(t *testing.T) {
			r := newRig(t)
			r.must(fmt.Sprintf(`CREATE STREAM input (k STRING KEY, v INT) WITH (KAFKA_TOPIC='input', PARTITIONS=2, VALUE_FORMAT='%s');
				CREATE STREAM output WITH (VALUE_FORMAT='JSON') AS SELECT k, v FROM input;`, c.format))
			var batch []kafka.Record
			good := []string{}
			for i, v := range c.values {
				batch = append(batch, kafka.Record{Key: fmt.Appendf(nil, "k%d", i), Value: []byte(v)})
				if !slices.Contains(c.bad, i) {
					good = append(good, fmt.Sprintf("k%d 7", i))
				}
			}
			r.produce("input", 1, batch...)
			r.eventually("SELECT k, v FROM output;", good...)
			want := make([]string, 0, len(c.bad))
			for _, offset := range c.bad {
				want = append(want, fmt.Sprintf("input value (partition 1, offset %d)", offset))
			}
			r.logged(want)
			if n := r.badRows("CSAS_OUTPUT"); n != float64(len(c.bad)) {
				t.Errorf("%v bad rows are counted, want %d", n, len(c.bad))
			}
			r.works()
		})
	}
}

// logged waits until the processing log tells of exactly the records that could not be read: topic, side, partition and offset.
func (r *rig) logged(want []string) {
	r.t.Helper()
	const sql = `SELECT message->deserializationError->topic, message->deserializationError->target, message->deserializationError->errorMessage
		FROM KSQL_PROCESSING_LOG;`
	var got []string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		got = got[:0]
		for _, row := range r.rows(sql) {
			words := strings.SplitN(row, " ", 3)
			at := strings.LastIndex(row, "(partition")
			if len(words) < 3 || at < 0 {
				r.t.Fatalf("processing log: %q", row)
			}
			got = append(got, words[0]+" "+words[1]+" "+row[at:])
		}
		slices.Sort(got)
		slices.Sort(want)
		if slices.Equal(got, want) {
			return
		}
	}
	r.t.Fatalf("processing log\ngot  %q\nwant %q", got, want)
}

func TestBadAndMissingKeys(t *testing.T) {
	r := newRig(t)
	r.must(`CREATE STREAM input (k INT KEY, v INT) WITH (KAFKA_TOPIC='input', PARTITIONS=1, VALUE_FORMAT='JSON');
		CREATE TABLE latest (k INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='latest', PARTITIONS=1, VALUE_FORMAT='JSON');
		CREATE STREAM output AS SELECT k, v FROM input;
		CREATE TABLE counts AS SELECT k, COUNT(*) AS n FROM input GROUP BY k;
		CREATE TABLE copy AS SELECT k, v FROM latest;`)
	one, bad := []byte{0, 0, 0, 1}, []byte("not four bytes")
	value := []byte(`{"V":7}`)
	r.produce("input", 0, kafka.Record{Key: one, Value: value}, kafka.Record{Value: value}, kafka.Record{Key: bad, Value: value},
		kafka.Record{Key: one}, kafka.Record{Key: one, Value: value})
	r.produce("latest", 0, kafka.Record{Value: value}, kafka.Record{Key: one, Value: value})
	r.eventually("SELECT k, v FROM output;", "1 7", "1 7", "<nil> 7")
	r.eventually("SELECT k, n FROM counts;", "1 2")
	r.eventually("SELECT k, v FROM copy;", "1 7")
	if n := r.badRows("CSAS_OUTPUT"); n != 1 {
		t.Errorf("%v bad rows are counted, want 1", n)
	}
	r.works()
}

func TestFunctionThatFailsOnARow(t *testing.T) {
	r := newRig(t)
	r.must(`CREATE STREAM input (k STRING KEY, v INT) WITH (KAFKA_TOPIC='input', PARTITIONS=1, VALUE_FORMAT='JSON');
		CREATE STREAM output AS SELECT k, 10 / v AS q FROM input;`)
	r.must(`INSERT INTO input VALUES ('a', 2); INSERT INTO input VALUES ('b', 0); INSERT INTO input VALUES ('c', 5);`)
	r.eventually("SELECT k, q FROM output;", "a 5", "b <nil>", "c 2")
	r.eventually("SELECT message->type FROM KSQL_PROCESSING_LOG WHERE message->recordProcessingError->errorMessage LIKE '%partition 0, offset 1%';", "1")
	r.works()
}

func TestDataDirectories(t *testing.T) {
	r := newRig(t)
	_, err := openEngine(t, engine.Options{DataDir: r.dir})
	if err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second engine on the directory: %v", err)
	}
	r.works()

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openEngine(t, engine.Options{DataDir: filepath.Join(file, "data")}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a directory that cannot be made: %v", err)
	}
	if os.Getuid() == 0 {
		return // who is root can write anywhere
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := openEngine(t, engine.Options{DataDir: closed}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a read-only directory: %v", err)
	}
}

func TestBrokerThatIsNotThere(t *testing.T) {
	start := time.Now()
	_, err := openEngine(t, engine.Options{DataDir: t.TempDir(), Bootstrap: []string{"127.0.0.1:1"}})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("the error does not name the broker: %v", err)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

func TestNearlyFullDisk(t *testing.T) {
	r := newRig(t)
	r.works()
	closeEngine(t, r.Engine)
	var err error
	if r.Engine, err = openEngine(t, engine.Options{DataDir: r.dir, DiskReserve: 1 << 60}); err != nil {
		t.Fatal(err)
	}
	if h := r.Health(); h.Healthy || h.Checks["disk"] {
		t.Errorf("a nearly full disk is healthy: %+v", h)
	}
	if s := r.Info().Status; s != "DEGRADED" {
		t.Errorf("the server is %s", s)
	}
	r.must("SHOW STREAMS; SHOW QUERIES;") // it answers, and its queries wait
	closeEngine(t, r.Engine)
	if r.Engine, err = openEngine(t, engine.Options{DataDir: r.dir}); err != nil {
		t.Fatal(err)
	}
	r.works()
}

// TestLocalStateIsACache removes, then breaks, what is only a copy of what Kafka has.
func TestLocalStateIsACache(t *testing.T) {
	r := newRig(t)
	r.works()
	for _, harm := range []func(path string) error{
		os.RemoveAll,
		func(path string) error {
			return filepath.WalkDir(path, func(p string, d os.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				return os.WriteFile(p, []byte("no longer what it was"), 0o600)
			})
		},
	} {
		closeEngine(t, r.Engine)
		for _, part := range []string{"state", "artifacts"} {
			if err := harm(filepath.Join(r.dir, part)); err != nil {
				t.Fatal(err)
			}
		}
		e, err := openEngine(t, engine.Options{DataDir: r.dir})
		if err != nil {
			t.Fatal(err)
		}
		r.Engine = e
		r.works()
		r.must("DESCRIBE MODEL cancer;")
	}
}

func TestOtherSlots(t *testing.T) {
	r := newRig(t)
	closeEngine(t, r.Engine)
	_, err := engine.Open(t.Context(), engine.Options{DataDir: r.dir, Slots: 5, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err == nil || !strings.Contains(err.Error(), "has 4 slots") {
		t.Errorf("a server with other slots: %v", err)
	}
	if r.Engine, err = openEngine(t, engine.Options{DataDir: r.dir}); err != nil {
		t.Fatal(err)
	}
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

// queryState finds a query by the beginning of its id.
func (r *rig) queryState(prefix string) (state, cause string) {
	r.t.Helper()
	for _, e := range r.must("SHOW QUERIES;") {
		for _, q := range e.Body.(engine.Queries).Queries {
			if strings.HasPrefix(q.ID, prefix) {
				return q.State, q.Error
			}
		}
	}
	r.t.Fatalf("there is no query %s...", prefix)
	return "", ""
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

// TestOddText sends what no keyboard writes; whatever is said of it, it is said of the statement.
func TestOddText(t *testing.T) {
	r := newRig(t)
	for _, sql := range []string{
		"", ";", "   ;;; ", "-- only this", "/* open", "\x00;", "\xff\xfe;", "SELECT '\xff' AS x, * FROM orders EMIT CHANGES LIMIT 0;", "SELECT \u202e FROM orders;",
		"DEFINE a = '${a}'; SELECT * FROM ${a} EMIT CHANGES;", "SHOW STREAMS; SELECT 1;", "SELECT * FROM orders EMIT CHANGES; SHOW STREAMS;",
		"INSERT INTO orders (id, qty) VALUES ('a', -2147483649);", "SELECT * FROM orders LIMIT 99999999999999999999;", "PRINT '';", "DROP STREAM ``;",
		"CREATE STREAM `" + strings.Repeat("n", 300) + "` AS SELECT id, qty FROM orders;",
	} {
		err := r.attempt(sql)
		var s *engine.StatementError
		if err != nil && (!errors.As(err, &s) || s.Code >= engine.CodeServerError) {
			t.Errorf("%q: %v", sql, err)
		}
	}
	r.works()
}

func TestRecordsOfOddTimes(t *testing.T) {
	r := newRig(t)
	r.must(`CREATE STREAM input (k STRING KEY, at BIGINT) WITH (KAFKA_TOPIC='input', PARTITIONS=1, VALUE_FORMAT='JSON', TIMESTAMP='at');
		CREATE STREAM output AS SELECT k, at FROM input;
		CREATE TABLE counts AS SELECT k, COUNT(*) AS n FROM input WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY k;`)
	var batch []kafka.Record
	for i, v := range []string{`{"AT":1700000000000}`, `{"AT":-5}`, `{"AT":null}`, `{}`, `{"AT":9223372036854775807}`, `{"AT":1700000000001}`} {
		batch = append(batch, kafka.Record{Key: fmt.Appendf(nil, "k%d", i), Value: []byte(v)})
	}
	r.produce("input", 0, batch...)
	r.eventually("SELECT k FROM output;", "k0", "k5")
	r.eventually("SELECT k, n FROM counts;", "k0 1", "k5 1")
	for _, prefix := range []string{"CSAS_OUTPUT", "CTAS_COUNTS"} {
		if state, cause := r.queryState(prefix); state != "RUNNING" {
			t.Errorf("%s is %s: %s", prefix, state, cause)
		}
	}
	if n := r.badRows("CSAS_OUTPUT"); n != 4 {
		t.Errorf("%v bad rows are counted, want 4", n)
	}
	r.works()
}
