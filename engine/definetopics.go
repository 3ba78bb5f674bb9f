package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/catalog"
)

// inherit gives a sink's topic the retention of the first source's topic, unless the statement says one: what is read in old
// records must not be deleted for its age when it is written. A window's own retention is the least.
func (d *definition) inherit(t *analyzer.Topic, source string) error {
	src, ok := d.e.Catalog().Source(source)
	if t.Exists || !ok || !strings.Contains(t.Cleanup, "delete") || d.retentionSet(t) {
		return nil
	}
	configs, err := d.e.kafka.DescribeConfigs(src.Topic)
	if err != nil {
		return err
	}
	// Where the source's topic does not say, the broker's default holds for both.
	if ms, err := strconv.ParseInt(configs["retention.ms"], 10, 64); err == nil {
		if t.Retention = max(t.Retention, time.Duration(ms)*time.Millisecond); ms < 0 {
			t.Retention = -time.Millisecond
		}
	}
	return nil
}

// retentionSet says whether the statement itself asks for a retention: only a window's may be there otherwise.
func (d *definition) retentionSet(t *analyzer.Topic) bool {
	return t.Retention != 0 && t.Cleanup == "delete"
}

// topics creates the topic of a statement where it is missing, and those that its query has for itself: with one request, since brokers take hardly
// longer for many than for one.
func (d *definition) topics(t analyzer.Topic) error {
	var specs []kafka.TopicSpec
	for _, own := range d.internal {
		specs = append(specs, cluster.InternalTopic(own))
	}
	if t.Name != "" && !t.Exists {
		specs = append(specs, sinkTopic(t))
	}
	if len(specs) == 0 {
		return nil
	}
	made, err := d.e.kafka.MakeTopics(d.ctx, specs...)
	for _, name := range made {
		if name == t.Name {
			d.created = name
		} else {
			d.made = append(d.made, name)
		}
	}
	if errors.Is(err, kafka.ErrTopicExists) {
		return nil
	}
	return err
}

// sinkTopic says how the topic of a statement is to be.
func sinkTopic(t analyzer.Topic) kafka.TopicSpec {
	// Results carry event time, which may be ahead of the broker's clock: that must not stop the query.
	spec := kafka.TopicSpec{
		Name: t.Name, Partitions: t.Partitions, Replicas: t.Replicas, Configs: map[string]string{kafka.FutureLimit: kafka.NoLimit},
	}
	if t.Cleanup != "" {
		spec.Configs["cleanup.policy"] = t.Cleanup
	}
	switch {
	case t.Cleanup == "compact":
		spec.Configs["retention.ms"] = "-1" // the embedded broker would apply it; Kafka does not look at it
	case t.Retention != 0:
		spec.Configs["retention.ms"] = fmt.Sprint(t.Retention.Milliseconds())
	}
	return spec
}

// replicas notes how many replicas the topic got where the statement left it to the broker.
func (d *definition) replicas(src *catalog.Source) error {
	if src.Replicas != 0 {
		return nil
	}
	if d.created == src.Topic {
		var err error
		src.Replicas, err = d.e.kafka.Replicas(src.Topic)
		return err
	}
	info, err := d.e.kafka.DescribeTopic(src.Topic)
	src.Replicas = info.Replicas
	return err
}
