package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/state/badger"
)

// remains is what queries have in Kafka.
type remains struct {
	topics, groups []string // the service's own
	records        int      // of slots
}

// look counts what the service has in Kafka.
func (c *crowd) look(ctx context.Context) (found remains, err error) {
	topics, err := c.client.ListTopics()
	if err != nil {
		return found, err
	}
	groups, err := c.client.ListGroups()
	if err != nil {
		return found, err
	}
	for _, t := range topics {
		if strings.HasPrefix(t.Name, c.service()) || strings.HasPrefix(t.Name, "_millrace-"+c.service()) {
			found.topics = append(found.topics, t.Name)
		}
	}
	for _, g := range groups {
		if strings.HasPrefix(g, c.service()) {
			found.groups = append(found.groups, g)
		}
	}
	found.records, err = c.slotsRecords(ctx)
	return found, err
}

// slotsRecords counts the keys of the slots topic that have a value.
func (c *crowd) slotsRecords(ctx context.Context) (n int, err error) {
	topic := "_millrace-" + c.service() + "-slots"
	info, err := c.client.DescribeTopic(topic)
	if errors.Is(err, kafka.ErrUnknownTopic) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	r := c.client.NewReader()
	defer r.Close()
	for p := range info.Partitions {
		keys := map[string]bool{}
		for batch, err := range r.All(ctx, topic, p) {
			if err != nil {
				return 0, err
			}
			for _, rec := range batch.Records {
				keys[string(rec.Key)] = rec.Value != nil
			}
		}
		for _, there := range keys {
			if there {
				n++
			}
		}
	}
	return n, nil
}

// left prints what dropped queries have left in Kafka, once nothing is left or a minute is over, and on the disk when the server has ended.
func (c *crowd) left(ctx context.Context) error {
	began := time.Now()
	for {
		now, err := c.look(ctx)
		if err != nil {
			return err
		}
		gone := len(now.topics) == len(c.before.topics) && len(now.groups) == len(c.before.groups) && now.records == c.before.records
		if gone || time.Since(began) > time.Minute {
			c.figure("dropped", "until Kafka had nothing left, or gave up, s", "%.1f", time.Since(began).Seconds())
			c.figure("dropped", "topics left", "%d", len(now.topics)-len(c.before.topics))
			c.figure("dropped", "consumer groups left", "%d", len(now.groups)-len(c.before.groups))
			c.figure("dropped", "slots records left", "%d", now.records-c.before.records)
			break
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	if err := c.standing(ctx, "dropped"); err != nil {
		return err
	}
	if err := c.s.End(2 * time.Minute); err != nil {
		return err
	}
	disk, err := c.s.disk()
	if err != nil {
		return err
	}
	c.figure("dropped", "state on disk, MB", "%.1f", float64(disk)/1e6)
	db, err := badger.Open(filepath.Join(c.s.data(), "state"), badger.Options{})
	if err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	c.figure("dropped", "stores left on disk", "%d", len(db.Stores()))
	return db.Close()
}
