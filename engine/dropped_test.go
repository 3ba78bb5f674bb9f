package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestTakeOverKnowsOfDrops: a server that takes a slot over has read all commands before any task begins, those included that no task has seen:
// else it would run, for as long as it is behind, a query that another server has dropped, and whose topics are going.
func TestTakeOverKnowsOfDrops(t *testing.T) {
	broker := testBroker(t)
	a, b := openServer(t, broker, t.TempDir()), openServer(t, broker, t.TempDir())
	execute(t, a.Engine, "CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, VALUE_FORMAT='JSON');")
	runs := func(name string) bool {
		return slices.ContainsFunc(b.queries.IDs(), func(id string) bool { return strings.Contains(id, name) })
	}
	for n := range 3 { // by itself a server looks a few times each second
		name := fmt.Sprintf("GONE%d", n)
		execute(t, a.Engine, fmt.Sprintf("CREATE TABLE %s AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;", name))
		waitFor(t, "the other server to run the query", func() bool { return runs(name) })
		execute(t, a.Engine, fmt.Sprintf("DROP TABLE %s;", name))
		if err := b.catchUp(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if runs(name) {
			t.Errorf("a slot would be taken over with %s, which was dropped", name)
		}
	}
}
