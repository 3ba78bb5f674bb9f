package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/kafka"
)

func TestStatistics(t *testing.T) {
	r := newRig(t)
	r.produce("orders", 1, kafka.Record{Key: []byte("a"), Value: []byte(`{"ITEM":"pen","QTY":20}`)},
		kafka.Record{Key: []byte("b"), Value: []byte("not json")}, kafka.Record{Key: []byte("c"), Value: []byte(`{"ITEM":"ink","QTY":1}`)})
	var d engine.SourceDescription
	for deadline := time.Now().Add(patience); !strings.Contains(d.Statistics, ": 3 records read, 0 to read"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the statistics are %q", d.Statistics)
		}
		d = r.must("DESCRIBE large EXTENDED;")[0].Body.(engine.SourceDescriptionEntity).SourceDescription
	}
	if !strings.Contains(d.ErrorStats, ": 1 bad rows, 0 late rows") {
		t.Errorf("the errors are %q", d.ErrorStats)
	}
	topics := d.QueryOffsetSummaries[0].TopicSummaries
	want := engine.PartitionOffsets{Partition: 1, LogEndOffset: 3, ConsumerOffset: 3}
	if len(topics) != 1 || topics[0].KafkaTopic != "orders" || len(topics[0].Offsets) != 2 || topics[0].Offsets[1] != want {
		t.Errorf("the offsets are %+v", topics)
	}
	for _, q := range r.must("SHOW QUERIES EXTENDED;")[0].Body.(engine.QueryDescriptionList).QueryDescriptions {
		if len(q.TasksMetadata) == 0 || len(q.TasksMetadata[0].TopicOffsets) == 0 {
			t.Errorf("query %s has no tasks", q.ID)
		}
	}
	if d := r.must("DESCRIBE large;")[0].Body.(engine.SourceDescriptionEntity).SourceDescription; d.Statistics != "" || len(d.QueryOffsetSummaries) > 0 {
		t.Errorf("a short description has statistics: %+v", d)
	}
}
