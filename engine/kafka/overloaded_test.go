package kafka

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
)

func refusal(code sarama.KError, message string) error {
	return &sarama.TopicError{Err: code, ErrMsg: &message}
}

var allFenced = refusal(sarama.ErrInvalidReplicationFactor, "Unable to replicate the partition 1 time(s): All brokers are currently fenced.")

// TestTopicsOfOverloadedBrokers: what brokers cannot make at the moment is asked for again, and nothing else is.
func TestTopicsOfOverloadedBrokers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tooMany := refusal(sarama.ErrInvalidReplicationFactor, "The target replication factor of 3 cannot be reached because only 1 broker(s) are registered.")
		scripts := map[string][]error{
			"made":      {nil},
			"fenced":    {allFenced, allFenced, nil},
			"throttled": {sarama.ErrThrottlingQuotaExceeded, nil},
			"old":       {refusal(sarama.ErrInvalidConfig, "unknown"), nil},
			"exists":    {sarama.ErrTopicAlreadyExists},
			"replicas":  {tooMany},
		}
		details := map[string]*sarama.TopicDetail{}
		for topic := range scripts {
			details[topic] = TopicSpec{Name: topic, Partitions: 1, Configs: map[string]string{FutureLimit: NoLimit}}.detail()
		}
		asked := map[string]int{}
		outcome, err := untilMade(t.Context(), details, func(left map[string]*sarama.TopicDetail) (map[string]error, error) {
			answers := map[string]error{}
			for topic := range left {
				answers[topic] = scripts[topic][asked[topic]]
				asked[topic]++
			}
			return answers, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for topic, script := range scripts {
			if asked[topic] != len(script) || !errors.Is(outcome[topic], script[len(script)-1]) {
				t.Errorf("%s: asked %d times, not %d, and found %v", topic, asked[topic], len(script), outcome[topic])
			}
		}
		if !errors.Is(topicClass(tooMany), ErrTopicSettings) || len(outcome) != len(scripts) {
			t.Errorf("outcomes of %v", slices.Sorted(maps.Keys(outcome)))
		}
	})
}

// TestFencedBrokersAreNotWaitedForLonger than the statement, or than new topics are waited for; what stood in the way is told, and is not the
// settings of the topic.
func TestFencedBrokersAreNotWaitedForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, limit := range []time.Duration{settleTime / 10, 2 * settleTime} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			began := time.Now()
			asked := 0
			outcome, err := untilMade(ctx, map[string]*sarama.TopicDetail{"t": {}}, func(map[string]*sarama.TopicDetail) (map[string]error, error) {
				asked++
				return map[string]error{"t": allFenced}, nil
			})
			if err != nil || !errors.Is(outcome["t"], allFenced) || asked < 3 || topicClass(outcome["t"]) != nil {
				t.Errorf("asked %d times: %v, %v", asked, outcome, err)
			}
			if took := time.Since(began); took != min(limit, settleTime) {
				t.Errorf("with %s it took %s", limit, took)
			}
		}
	})
}
