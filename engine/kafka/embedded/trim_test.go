package embedded_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/kafka/embedded"
)

// TestTrimmedLogKeepsItsEnd: a log of which all records were deleted goes on behind them, after a graceful stop and after a kill. Offsets
// that came again would never reach who has committed higher ones.
func TestTrimmedLogKeepsItsEnd(t *testing.T) {
	ctx, dir, killed := t.Context(), t.TempDir(), t.TempDir()
	b := open(t, dir, embedded.Options{})
	c := client(t, b)
	ok(t, c.CreateTopic(ctx, kafka.TopicSpec{Name: "t", Partitions: 2}))
	write(t, c, 0, "a", "b", "c")
	write(t, c, 1, "a", "b", "c")
	ok(t, c.DeleteRecords("t", map[int32]int64{0: 3, 1: -1}))
	ok(t, c.DeleteRecords("t", map[int32]int64{0: 3, 1: 3}))
	if err := c.DeleteRecords("t", map[int32]int64{0: 4}); err == nil {
		t.Error("records behind the end were deleted")
	}
	ok(t, os.CopyFS(filepath.Join(killed, "broker"), os.DirFS(filepath.Join(dir, "broker")))) // what a kill leaves
	ok(t, c.Close())
	ok(t, b.Close())
	for _, dir := range []string{dir, killed} {
		b := open(t, dir, embedded.Options{})
		c := client(t, b)
		for p := range int32(2) {
			if end, err := c.Offset(ctx, "t", p, kafka.Latest); err != nil || end != 3 {
				t.Errorf("partition %d ends at %d, %v; want 3", p, end, err)
			}
			write(t, c, p, "d")
			if end, err := c.Offset(ctx, "t", p, kafka.Latest); err != nil || end != 4 {
				t.Errorf("partition %d then ends at %d, %v; want 4", p, end, err)
			}
		}
		ok(t, c.Close())
		ok(t, b.Close())
	}
}

func write(t *testing.T, c *kafka.Client, partition int32, values ...string) {
	t.Helper()
	p := c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	for _, v := range values {
		ok(t, p.Produce(t.Context(), kafka.ProduceBatch{Topic: "t", Partition: partition, Records: []kafka.Record{{Timestamp: 1, Value: []byte(v)}}}))
	}
}
