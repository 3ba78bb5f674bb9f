package engine

import (
	"slices"
	"testing"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/topology"
)

// TestUnusedTopics: a topic of an interrupted turn stays where the query that interrupted it has it.
func TestUnusedTopics(t *testing.T) {
	e := &Engine{}
	e.stored.Store("Q_1", &command.Query{ID: "Q_1", IDs: &topology.IDs{Topics: map[string]string{"1": "q-1-changelog", "2": "q-1-repartition"}}})
	if got := e.unused([]string{"q-1-changelog", "q-0-changelog"}); !slices.Equal(got, []string{"q-0-changelog"}) {
		t.Errorf("unused: %q", got)
	}
}
