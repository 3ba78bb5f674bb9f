package engine

import (
	"errors"
	"testing"

	"github.com/millrace/millrace/engine/kafka"
)

// TestPartitionsOfAllSources: topics that a plan reads, and others, have the partitions that Kafka says; of one that is not there that is said.
func TestPartitionsOfAllSources(t *testing.T) {
	e, _ := openTest(t, t.TempDir())
	execute(t, e, `CREATE STREAM two (id STRING KEY, n INT) WITH (KAFKA_TOPIC='two', VALUE_FORMAT='JSON', PARTITIONS=2);
		CREATE STREAM also (id STRING KEY, n INT) WITH (KAFKA_TOPIC='also', VALUE_FORMAT='JSON', PARTITIONS=2);
		CREATE STREAM other (id STRING KEY, n INT) WITH (KAFKA_TOPIC='other', VALUE_FORMAT='JSON', PARTITIONS=3);
		CREATE STREAM both WITH (KAFKA_TOPIC='both') AS SELECT two.id AS id, two.n AS a, also.n AS b
			FROM two JOIN also WITHIN 1 MINUTE GRACE PERIOD 1 MINUTE ON two.id = also.id;`)
	partitions := e.partitions(e.Catalog().Queries()[0].Plan)
	for topic, want := range map[string]int32{"two": 2, "also": 2, "other": 3} {
		if n, err := partitions(topic); n != want || err != nil {
			t.Errorf("topic %s has %d partitions, %v; want %d", topic, n, err, want)
		}
	}
	if _, err := partitions("nowhere"); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Errorf("of a topic that is not there: %v", err)
	}
	if src, _ := e.Catalog().Source("BOTH"); src.Replicas != 1 {
		t.Errorf("the topic made for the query has %d replicas", src.Replicas)
	}
}
