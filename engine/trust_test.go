package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/kafka"
)

// TestStartsWithoutATopic: a query whose topic was deleted is in error; the server starts and everything else runs.
func TestStartsWithoutATopic(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, payments)
	execute(t, e, `CREATE STREAM other (id STRING KEY, x INT) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON', PARTITIONS=1);
		CREATE TABLE counted AS SELECT id, COUNT(*) AS n FROM other GROUP BY id EMIT CHANGES;`)
	if err := e.kafka.DeleteTopics("payments", e.processingLogTopic()); err != nil {
		t.Fatal(err)
	}
	end()
	e, _ = openTest(t, dir)
	if _, _, ok, err := e.topics.Lookup(e.processingLogTopic()); !ok || err != nil {
		t.Errorf("the processing log has no topic: %v", err)
	}
	execute(t, e, "INSERT INTO other (id, x) VALUES ('a', 1);")
	eventually(t, e, "SELECT n FROM counted WHERE id = 'a';", "1")
	for _, q := range e.Catalog().Queries() {
		want := "RUNNING"
		if q.Sources[0] == "PAYMENTS" {
			want = "ERROR"
		}
		if st := e.queries.Status(q.ID); st.State != want {
			t.Errorf("query %s is %s (%s), want %s", q.ID, st.State, st.Error, want)
		}
	}
	execute(t, e, "DROP TABLE totals;")
}

// TestQueryIDComesAgain: an id that people choose may be used again after a drop. The new query has nothing of the old one.
func TestQueryIDComesAgain(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, `CREATE STREAM a (id STRING KEY, x INT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);
		CREATE STREAM b (id STRING KEY, x INT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);
		INSERT INTO a (id, x) VALUES ('k', 1);`)
	const again = "INSERT INTO b WITH (QUERY_ID='copy') SELECT * FROM a PARTITION BY id EMIT CHANGES;"
	execute(t, e, again)
	if got := rows(t, e, "SELECT x FROM b EMIT CHANGES LIMIT 1;", 1); len(got) != 1 {
		t.Fatalf("first run: %q", got)
	}
	execute(t, e, "TERMINATE COPY;")
	execute(t, e, again)
	if got := rows(t, e, "SELECT x FROM b EMIT CHANGES LIMIT 2;", 2); len(got) != 2 {
		t.Fatalf("second run: %q", got)
	}
	execute(t, e, "CREATE STREAM c AS SELECT * FROM a EMIT CHANGES;") // has the slots look at their tasks again
	end()
	e, _ = openTest(t, dir)
	execute(t, e, "INSERT INTO a (id, x) VALUES ('k', 2);")
	got := rows(t, e, "SELECT x FROM b EMIT CHANGES LIMIT 3;", 3)
	if want := []string{"1", "1", "2"}; !slices.Equal(got, want) {
		t.Errorf("after a restart: %q, want %q", got, want)
	}
}

// TestCompactionWaitsForTransactions: the embedded broker would lose what open transactions have written.
func TestCompactionWaitsForTransactions(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	spec := kafka.TopicSpec{Name: "mine", Partitions: 2, Configs: map[string]string{"cleanup.policy": "compact"}}
	if err := e.kafka.CreateTopic(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	p := e.kafka.NewTxnProducer(kafka.TxnConfig{ID: "someone"})
	defer p.Close()
	batch := kafka.ProduceBatch{Topic: "mine", Partition: 1, Records: []kafka.Record{{Key: []byte("k"), Value: []byte("v")}}}
	for _, step := range []error{p.Init(t.Context()), p.Send(t.Context(), batch), p.Flush(t.Context())} {
		if step != nil {
			t.Fatal(step)
		}
	}
	if err := e.compactNow(); !errors.Is(err, cluster.ErrBusy) {
		t.Errorf("with an open transaction: %v", err)
	}
	if err := p.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.compactNow(); err != nil {
		t.Errorf("after its end: %v", err)
	}
}

// TestDropInterrupted: a process that ends between a drop and its work leaves nothing behind for ever.
func TestDropInterrupted(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, payments)
	execute(t, e, "INSERT INTO payments (id, usr, amount) VALUES ('a', 'ann', 50);")
	eventually(t, e, "SELECT usr, n FROM totals;", "ann 1")
	src, _ := e.Catalog().Source("TOTALS")
	internal := func() (names []string) {
		all, err := e.topics.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, info := range all {
			if strings.Contains(info.Name, src.Query) {
				names = append(names, info.Name)
			}
		}
		return names
	}
	if len(internal()) != 2 {
		t.Fatalf("internal topics: %q", internal())
	}
	// The embedded broker's engine does not follow the log: this drop is written and not carried out.
	log, err := command.OpenTopic(t.Context(), e.kafka, e.internalTopic("commands"), "interrupted")
	if err != nil {
		t.Fatal(err)
	}
	drop := command.Command{Changes: []command.Change{{Kind: command.DropQuery, Name: src.Query}, {Kind: command.DropSource, Name: "TOTALS"}}}
	b, err := drop.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	fenced := log.Fence(t.Context())
	if _, err := log.Append(t.Context(), b); err != nil || fenced != nil {
		t.Fatal(fenced, err)
	}
	log.Close()
	end()

	e, _ = openTest(t, dir)
	waitFor(t, "the topics to go", func() bool { return len(internal()) == 0 })
	for _, s := range e.store.Stores() {
		if strings.HasPrefix(s, src.Query+"/") {
			t.Errorf("state left: %s", s)
		}
	}
	execute(t, e, strings.Split(payments, "\n")[3])
	eventually(t, e, "SELECT usr, n FROM totals;", "ann 1")
}

// TestExpiredRecordsKeepTheirOffsets: a topic all of whose records are past its retention, and gone with a compaction, goes on behind
// them after a start: its readers stand there.
func TestExpiredRecordsKeepTheirOffsets(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, payments)
	execute(t, e, `INSERT INTO payments (ROWTIME, id, usr, amount) VALUES (1700000000000, 'a', 'ann', 500);
		INSERT INTO payments (ROWTIME, id, usr, amount) VALUES (1700000000000, 'b', 'bob', 200);`)
	eventually(t, e, "SELECT usr, n, total FROM totals;", "ann 1 500", "bob 1 200")
	eventually(t, e, "SELECT id FROM large;", "a", "b")
	if err := e.compactNow(); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, e, "SELECT id FROM payments;", -1); len(got) != 0 {
		t.Fatalf("nothing was past its retention: %q", got)
	}
	end()

	e, _ = openTest(t, dir)
	execute(t, e, `INSERT INTO payments (id, usr, amount) VALUES ('c', 'ann', 300); INSERT INTO payments (id, usr, amount) VALUES ('d', 'bob', 1);`)
	eventually(t, e, "SELECT usr, n, total FROM totals;", "ann 2 800", "bob 2 201")
	eventually(t, e, "SELECT id FROM large;", "c")
}
