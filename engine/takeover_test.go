package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/sql/ast"
)

// replaced is what is defined and replaced under load: {n} becomes another number each time, and what passes stays the same.
var replaced = []string{
	`CREATE OR REPLACE STREAM copied AS SELECT id, v, v + {n} AS more FROM s WHERE v > -{n} EMIT CHANGES;`,
	`CREATE OR REPLACE TABLE totals AS SELECT usr, COUNT(*) AS n, SUM(v) AS total, COUNT(*) + {n} AS more FROM s WHERE v > -{n} GROUP BY usr HAVING COUNT(*) > -{n} EMIT CHANGES;`,
	`CREATE OR REPLACE TABLE windows AS SELECT usr, COUNT(*) AS n, COUNT(*) + {n} AS more FROM s WINDOW TUMBLING (SIZE 1 HOUR) WHERE v > -{n} GROUP BY usr EMIT CHANGES;`,
	`CREATE OR REPLACE TABLE owned AS SELECT owner, COUNT(*) AS n, COUNT(*) + {n} AS more FROM t GROUP BY owner HAVING COUNT(*) > -{n} EMIT CHANGES;`,
	`CREATE OR REPLACE STREAM looked AS SELECT s.id AS id, s.v + {n} AS v, t.owner AS owner FROM s LEFT JOIN t ON s.id = t.id WHERE s.v > -{n} EMIT CHANGES;`,
}

// TestReplaceUnderLoad replaces queries of every kind again and again while rows come in: each row counts once.
func TestReplaceUnderLoad(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, `CREATE STREAM s (id STRING KEY, usr STRING, v BIGINT, at BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=2, TIMESTAMP='at');
		CREATE TABLE t (id STRING PRIMARY KEY, owner STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=2);`)
	define := func(n int) {
		for _, sql := range replaced {
			execute(t, e, strings.ReplaceAll(sql, "{n}", fmt.Sprint(n)))
		}
	}
	define(1)
	now := time.Now().Truncate(time.Hour).UnixMilli() // one window, and young enough to stay in the topic
	const users, rounds, each = 4, 6, 40
	done := make(chan error, 1)
	step := make(chan bool, rounds)
	go func() {
		var err error
		for i := range rounds {
			var sql strings.Builder
			for j := range each {
				n := i*each + j
				fmt.Fprintf(&sql, "INSERT INTO s (id, usr, v, at) VALUES ('r%d', 'u%d', %d, %d);\n", n, n%users, n, now)
				fmt.Fprintf(&sql, "INSERT INTO t (id, owner) VALUES ('t%d', 'o%d');\n", j, i) // every owner loses its rows to the next one
			}
			_, failed := e.Execute(t.Context(), Request{SQL: sql.String()})
			err = errors.Join(err, failed)
			step <- true
		}
		done <- err
	}()
	for n := range rounds {
		define(n + 2)
		<-step
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	check := func() {
		var totals, windows, copied, looked []string
		for u := range users {
			n, sum := rounds*each/users, 0
			for i := u; i < rounds*each; i += users {
				sum += i
			}
			totals = append(totals, fmt.Sprintf("u%d %d %d", u, n, sum))
			windows = append(windows, fmt.Sprintf("u%d %d", u, n))
		}
		for n := range rounds * each {
			copied = append(copied, fmt.Sprintf("r%d %d", n, n))
			looked = append(looked, fmt.Sprintf("r%d", n))
		}
		slices.Sort(copied)
		slices.Sort(looked)
		eventually(t, e, "SELECT usr, n, total FROM totals;", totals...)
		eventually(t, e, "SELECT usr, n FROM windows;", windows...)
		eventually(t, e, "SELECT owner, n FROM owned WHERE n > 0;", fmt.Sprintf("o%d %d", rounds-1, each))
		eventually(t, e, "SELECT id, v FROM copied;", copied...)
		eventually(t, e, "SELECT id FROM looked;", looked...)
	}
	check()
	end()
	e, _ = openTest(t, dir) // the log is replayed, with all its replacements
	check()
	execute(t, e, fmt.Sprintf("INSERT INTO s (id, usr, v, at) VALUES ('z', 'zoe', 1, %d);", now))
	eventually(t, e, "SELECT n, total, more FROM totals WHERE usr = 'zoe';", fmt.Sprint("1 1 ", rounds+2))
}

// TestReplaceSaysWhatIsKept in its answer and in EXPLAIN; names and positions are those of the query before, whatever the new statement
// would begin with.
func TestReplaceSaysWhatIsKept(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	execute(t, e, payments)
	record := func() *command.Query {
		for _, q := range e.Catalog().Queries() {
			if q.Sink == "TOTALS" {
				v, _ := e.stored.Load(q.ID)
				return v.(*command.Query)
			}
		}
		return nil
	}
	execute(t, e, `INSERT INTO payments (id, usr, amount) VALUES ('a', 'ann', 50);`)
	before := record()
	sql := "CREATE OR REPLACE TABLE totals AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total, SUM(amount) / COUNT(*) AS mean FROM payments GROUP BY usr;"
	ents, err := e.Execute(t.Context(), Request{SQL: "EXPLAIN " + sql})
	if err != nil {
		t.Fatal(err)
	}
	want := before.ID + ": state kept (aggregate-1), it goes on from the same positions"
	if d := ents[0].Body.(QueryDescriptionEntity).QueryDescription; !strings.HasSuffix(d.ExecutionPlan, "replaces "+want+"\n") {
		t.Errorf("EXPLAIN shows %s", d.ExecutionPlan)
	}
	latest := map[string]any{"auto.offset.reset": "latest"}
	if ents, err = e.Execute(t.Context(), Request{SQL: sql, Properties: latest}); err != nil {
		t.Fatal(err)
	}
	if st := ents[0].Body.(CurrentStatus); st.CommandStatus.Message != "replaced query "+want {
		t.Errorf("the answer is %q", st.CommandStatus.Message)
	}
	after := record()
	if after == before || fmt.Sprint(after.Start) != fmt.Sprint(before.Start) || fmt.Sprint(*after.IDs) != fmt.Sprint(*before.IDs) || after.IDs.Stores["aggregate-1/"] == "" {
		t.Errorf("before it was %+v with %v, and it is %+v with %v", before.Start, before.IDs, after.Start, after.IDs)
	}
	eventually(t, e, "SELECT usr, n, total, mean FROM totals;", "ann 1 50 50")
	for text, code := range map[string]string{
		"CREATE OR REPLACE TABLE totals AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total, SUM(amount) AS mean, MAX(amount) AS most FROM payments GROUP BY usr;":         "replace.not-allowed.aggregate",
		"EXPLAIN CREATE OR REPLACE TABLE totals AS SELECT usr, COUNT(*) AS n, SUM(amount) AS total, SUM(amount) AS mean, MAX(amount) AS most FROM payments GROUP BY usr;": "replace.not-allowed.aggregate",
		"CREATE OR REPLACE TABLE totals AS SELECT id AS usr, COUNT(*) AS n, SUM(amount) AS total, SUM(amount) / COUNT(*) AS mean FROM payments GROUP BY id EMIT CHANGES;": "replace.not-allowed.group",
	} {
		_, err := e.Execute(t.Context(), Request{SQL: text})
		var refused *ast.Error
		if !errors.As(err, &refused) || refused.Code != code || refused.Hint == "" || !strings.Contains(err.Error(), "totals") {
			t.Errorf("%s: %v", text, err)
		}
	}
	if record() != after {
		t.Error("a refused statement left its mark")
	}
}
