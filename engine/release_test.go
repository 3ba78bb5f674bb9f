package engine

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
	"github.com/millrace/millrace/udf/model/modeltest"
)

var update = flag.Bool("update", false, "make the data directory of this release; a release that has one keeps it")

// release1 is the data directory of a server of release 1: the embedded broker's log, the store, models. It is never made anew.
const release1 = "testdata/release_1.tar.gz"

// kept is a retention that no record of the fixture reaches, however old it gets.
const kept = "RETENTION_MS=9000000000000"

const releaseDefinitions = `
CREATE STREAM s (id STRING KEY, usr STRING, v BIGINT, at BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=2, TIMESTAMP='at', ` + kept + `);
CREATE TABLE t (usr STRING PRIMARY KEY, name STRING, label STRING, at BIGINT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=2, TIMESTAMP='at');
CREATE MODEL linear WITH (URI='linear.onnx');
CREATE STREAM large WITH (` + kept + `) AS SELECT id, v FROM s WHERE v > 7;
CREATE TABLE totals AS SELECT usr, COUNT(*) AS n, SUM(v) AS total, AVG(v) AS mean, ARRAY_SORT(COLLECT_LIST(v)) AS list FROM s GROUP BY usr;
CREATE TABLE windows AS SELECT usr, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY usr;
CREATE TABLE labels AS SELECT label, COUNT(*) AS n FROM t GROUP BY label;
CREATE STREAM named WITH (` + kept + `) AS SELECT s.usr AS usr, s.id AS id, t.name AS name FROM s JOIN t ON s.usr = t.usr;
CREATE STREAM scored WITH (` + kept + `) AS SELECT id, PREDICT(linear, CAST(v AS DOUBLE)) AS p FROM s;
CREATE OR REPLACE TABLE totals AS SELECT usr, COUNT(*) AS n, SUM(v) AS total, AVG(v) AS mean, ARRAY_SORT(COLLECT_LIST(v)) AS list FROM s WHERE v < 1000 GROUP BY usr;
`

// releaseRound brings ten rows for two users, and each user a new label before.
func releaseRound(t *testing.T, e *Engine, round int) {
	const hour = 3_600_000
	at := int64(500_000*hour) + int64(round)*10_000
	var sql strings.Builder
	for u := range 2 {
		fmt.Fprintf(&sql, "INSERT INTO t (usr, name, label, at) VALUES ('u%d', 'name %d', 'label %d', %d);\n", u, u, round, at)
	}
	for i := range 10 {
		fmt.Fprintf(&sql, "INSERT INTO s (id, usr, v, at) VALUES ('r%d-%d', 'u%d', %d, %d);\n", round, i, i%2, i, at+1000)
	}
	execute(t, e, sql.String())
}

// releaseHolds checks all results after the rounds.
func releaseHolds(t *testing.T, e *Engine, rounds int) {
	t.Helper()
	var large, named, scored []string
	var lists [2]string
	for i := range 10 {
		lists[i%2] += strings.Repeat(fmt.Sprint(i, " "), rounds)
	}
	for r := range rounds {
		for i := range 10 {
			id := fmt.Sprintf("r%d-%d", r, i)
			if i > 7 {
				large = append(large, fmt.Sprint(id, " ", i))
			}
			named = append(named, fmt.Sprintf("u%d %s name %d", i%2, id, i%2))
			scored = append(scored, fmt.Sprintf("%s %v", id, 0.5+2*float64(i)))
		}
	}
	slices.Sort(named)
	eventually(t, e, "SELECT usr, n, total, mean, list FROM totals;",
		fmt.Sprintf("u0 %d %d 4 [%s", 5*rounds, 20*rounds, strings.TrimSpace(lists[0])),
		fmt.Sprintf("u1 %d %d 5 [%s", 5*rounds, 25*rounds, strings.TrimSpace(lists[1])))
	eventually(t, e, "SELECT usr, n FROM windows;", fmt.Sprint("u0 ", 5*rounds), fmt.Sprint("u1 ", 5*rounds))
	eventually(t, e, "SELECT label, n FROM labels WHERE n > 0;", fmt.Sprintf("label %d 2", rounds-1))
	eventually(t, e, "SELECT id, v FROM large;", large...)
	eventually(t, e, "SELECT usr, id, name FROM named;", named...)
	eventually(t, e, "SELECT id, p FROM scored;", scored...)
}

// TestRelease1 opens what release 1 has left: results are what they were, counts go on, and what this release writes it reads again. A store
// that is older than a changelog's delete.retention.ms may be rebuilt, so that by the calendar alone its rows would be read no more: the test
// says itself how old the store is, and goes without it too.
//
//	go test ./engine -run TestRelease1 -update
//
// makes the directory of a release that has none yet.
func TestRelease1(t *testing.T) {
	if *update {
		makeRelease(t, release1)
	}
	for name, c := range map[string]struct {
		store    func(t *testing.T, dir string)
		replayed bool // the changelogs are read
	}{
		"its rows are read": {func(t *testing.T, dir string) { stamp(t, dir, time.Now()) }, false},
		"its rows are rebuilt": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil { // as docs/upgrades.md says
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, release1, dir)
			c.store(t, filepath.Join(dir, "state"))
			e, end := openTest(t, dir)
			releaseHolds(t, e, 1)
			if n := replayed(e); n > 0 != c.replayed {
				t.Errorf("%d records of changelogs were read", n)
			}
			releaseRound(t, e, 1)
			releaseHolds(t, e, 2)
			end()
			e, _ = openTest(t, dir)
			releaseHolds(t, e, 2)
		})
	}
}

// stamp says that the positions of all stores were written at a time.
func stamp(t *testing.T, dir string, at time.Time) {
	t.Helper()
	db, err := badger.Open(dir, badger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stamped := 0
	for _, store := range db.Stores() {
		for n := range int32(2) { // the partitions that all topics have
			p, err := db.Partition(store, n)
			if err != nil {
				t.Fatal(err)
			}
			pos, ok, err := p.Position()
			if err == nil && ok {
				pos.Time = at
				stamped++
				err = db.Flush(t.Context(), []state.FlushItem{{Partition: p, Entries: func(func(_, _ []byte) bool) {}, Position: pos}})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if stamped == 0 {
		t.Fatal("the store is empty")
	}
}

// replayed counts the records of changelogs that were read since the start.
func replayed(e *Engine) (n int64) {
	for _, id := range e.queries.IDs() {
		n += e.queries.Status(id).Restored.Records
	}
	return n
}

// TestLaterCommand: a server that cannot read a command says which, and what it knows, and neither goes on without it nor starts.
func TestLaterCommand(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, `CREATE STREAM s (v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);`)
	p := e.Kafka().NewProducer(kafka.ProducerConfig{})
	rec := kafka.Record{Timestamp: 1, Value: []byte(`{"format":99,"changes":{"of":"another form"}}`)}
	if err := errors.Join(p.Send(t.Context(), kafka.ProduceBatch{Topic: e.internalTopic("commands"), Records: []kafka.Record{rec}}), p.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	p.Close()
	stopped := func(err error) {
		t.Helper()
		if !errors.Is(err, command.ErrStopped) {
			t.Fatalf("the record was passed over: %v", err)
		}
		for _, word := range []string{"offset", "format 99", "up to", "later release"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("the error does not speak of %q: %v", word, err)
			}
		}
	}
	_, err := e.Execute(t.Context(), Request{SQL: "DROP STREAM s;"})
	stopped(err)
	if _, ok := e.Catalog().Source("S"); !ok {
		t.Error("a statement was carried out behind a record that could not be read")
	}
	end()
	again, err := Open(t.Context(), Options{DataDir: dir, Slots: 4})
	if err == nil {
		_ = again.Close(t.Context())
	}
	stopped(err)
}

// makeRelease runs the definitions and one round, and packs the directory. It overwrites nothing.
func makeRelease(t *testing.T, file string) {
	t.Helper()
	if _, err := os.Stat(file); err == nil {
		t.Fatalf("%s is there: what a release has written does not change; a new release gets a file of its own", file)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "models"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "models", "linear.onnx"), modeltest.Linear(0.5, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	e, end := openTest(t, dir)
	execute(t, e, releaseDefinitions)
	releaseRound(t, e, 0)
	releaseHolds(t, e, 1)
	end()
	if err := os.RemoveAll(filepath.Join(dir, "models")); err != nil { // the service has it
		t.Fatal(err)
	}
	pack(t, dir, file)
}

func pack(t *testing.T, dir, file string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t.Logf("%s: %d bytes", name, len(b))
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: int64(len(b))}); err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	})
	if err := errors.Join(err, w.Close(), z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func unpack(t *testing.T, file, dir string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		b, err := io.ReadAll(r)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
