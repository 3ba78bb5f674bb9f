package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// inKafka lists what a service has there, but for what every service has: topics, consumer groups, and queries that slots remember.
func inKafka(t *testing.T, e *Engine, queries ...string) (found []string) {
	t.Helper()
	topics, err := e.kafka.ListTopics()
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		found = append(found, "topic "+topic.Name)
	}
	groups, err := e.kafka.ListGroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		found = append(found, "group "+g)
	}
	forgotten, err := e.cluster.Forgotten(t.Context(), queries...)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range queries {
		if !forgotten[q] {
			found = append(found, "records of "+q)
		}
	}
	return found
}

// TestManyQueriesLeaveNothing: queries of every kind over one topic give their results, and when they are dropped nothing is left of them in
// Kafka and on the disk.
func TestManyQueriesLeaveNothing(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	execute(t, e, "CREATE STREAM ORDERS (K BIGINT KEY, G BIGINT, V BIGINT) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=2);"+
		"CREATE TABLE NAMES (K BIGINT PRIMARY KEY, N STRING) WITH (KAFKA_TOPIC='names', VALUE_FORMAT='JSON', PARTITIONS=2);")
	before := inKafka(t, e)
	kinds := []struct{ kind, sql string }{
		{"STREAM", "SELECT K, V FROM ORDERS"},
		{"TABLE", "SELECT K, COUNT(*) AS C FROM ORDERS GROUP BY K"},
		{"TABLE", "SELECT G, COUNT(*) AS C FROM ORDERS WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY G"},
		{"STREAM", "SELECT O.K AS K, O.V AS V, N.N AS N FROM ORDERS O LEFT JOIN NAMES N ON O.K = N.K"},
	}
	const many = 40
	for i := range many {
		q := kinds[i%len(kinds)]
		execute(t, e, fmt.Sprintf("CREATE %s Q%d AS %s EMIT CHANGES;", q.kind, i, q.sql))
	}
	execute(t, e, "INSERT INTO ORDERS (K, G, V) VALUES (1, 5, 10); INSERT INTO ORDERS (K, G, V) VALUES (2, 5, 20);")
	if err := e.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, q := range e.Catalog().Queries() {
		queries = append(queries, q.ID)
	}
	for i := 1; i < many; i += len(kinds) {
		if got := rows(t, e, fmt.Sprintf("SELECT K, C FROM Q%d WHERE K = 2;", i), -1); len(got) != 1 {
			t.Errorf("Q%d has %v", i, got)
		}
	}
	waitFor(t, "every query has what a drop must remove", func() bool {
		now := inKafka(t, e, queries...)
		has := func(kind string) (n int) {
			for _, s := range now {
				if strings.HasPrefix(s, kind+" ") {
					n++
				}
			}
			return n
		}
		return has("group") == many && has("records of") == many && has("topic") >= 2*many && len(e.store.Stores()) > 0
	})
	for i := range many {
		execute(t, e, fmt.Sprintf("DROP %s Q%d DELETE TOPIC;", kinds[i%len(kinds)].kind, i))
	}
	waitFor(t, "nothing is left in Kafka", func() bool { return slices.Equal(inKafka(t, e, queries...), before) })
	if left := e.store.Stores(); len(left) > 0 {
		t.Errorf("stores are left: %v", left)
	}
	more, err := e.store.Sweep()
	for ; more && err == nil; more, err = e.store.Sweep() {
	}
	if err != nil {
		t.Error(err)
	}
}

// TestDropOfWhatCannotBeBuilt: a query that lost its topic while the server was down is known by the name of its state, so its drop removes it.
func TestDropOfWhatCannotBeBuilt(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, "CREATE STREAM A (K BIGINT KEY, V BIGINT) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);"+
		"CREATE STREAM B (K BIGINT KEY, V BIGINT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);"+
		"CREATE STREAM C (K BIGINT KEY, V BIGINT) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1);"+
		"INSERT INTO C WITH (QUERY_ID='named') SELECT A.K AS K, A.V AS V FROM A JOIN B WITHIN 1 HOUR ON A.K = B.K EMIT CHANGES;"+
		"INSERT INTO A (K, V) VALUES (1, 1);")
	if err := e.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.kafka.DeleteTopics("a"); err != nil {
		t.Fatal(err)
	}
	end()
	e, _ = openTest(t, dir)
	if st := e.queries.Status("NAMED"); st.State != "ERROR" {
		t.Fatalf("the query without its topic is %s", st.State)
	}
	internal := func() (names []string) {
		topics, err := e.kafka.ListTopics()
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range topics {
			if strings.Contains(topic.Name, "NAMED") {
				names = append(names, topic.Name)
			}
		}
		return names
	}
	if len(internal()) == 0 || len(e.store.Stores()) == 0 {
		t.Fatalf("before the drop there are topics %v and stores %v", internal(), e.store.Stores())
	}
	execute(t, e, "TERMINATE NAMED;")
	waitFor(t, "topics and stores are gone", func() bool { return len(internal()) == 0 && len(e.store.Stores()) == 0 })
}
