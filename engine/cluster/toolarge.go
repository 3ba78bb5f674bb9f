package cluster

import (
	"errors"
	"fmt"

	"github.com/millrace/millrace/engine/kafka"
)

// The limit of a topic that a query writes its results to is asked for when the slot meets it, as is how many partitions it has. Changelogs and the
// slots topic are the service's own: theirs is mostly the broker's default, and is asked for only when a batch was refused. From then on batches are cut to it, as long as the slot is here.

// heed notes the limit of the topic for which a batch was too large.
func (sl *slot) heed(cause error) {
	var big *kafka.TooLargeError
	if errors.As(cause, &big) {
		sl.limits[big.At.Topic] = sl.s.broker.MaxBatchBytes(big.At.Topic)[big.At.Topic]
	}
}

// tooLarge says what of a task the brokers refused for its size, and where; of any other error nothing is to be said.
func (sl *slot) tooLarge(m *member, cause error) error {
	var big *kafka.TooLargeError
	if !errors.As(cause, &big) {
		return cause
	}
	what := "a result"
	if big.At.Topic == SlotsTopic(sl.s.cfg.Service) {
		what = "its slots record"
	}
	for _, st := range m.sub.Stores {
		if big.At.Topic == st.Changelog {
			what = "a row of store " + st.ID
		}
	}
	if others := big.Records - 1; others > 0 {
		what += fmt.Sprintf(", with %d others,", others)
	}
	limit := "less"
	if n := sl.limits[big.At.Topic]; n > 0 {
		limit = fmt.Sprint(n)
	}
	return fmt.Errorf("%s has %d bytes, and topic %s takes %s (max.message.bytes): %w", what, big.Bytes, big.At.Topic, limit, cause)
}
