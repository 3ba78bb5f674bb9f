package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// lateTopic is how long a topic may be unknown of which it was said that it exists: another server created it a moment ago, and the broker
// asked does not know its leaders yet.
const lateTopic = 5 * time.Second

// ensureTopics checks the partitions of the topics that are there, and creates the others.
func (s *Service) ensureTopics(ctx context.Context, specs ...kafka.TopicSpec) error {
	if len(specs) == 0 {
		return nil
	}
	for began := time.Now(); ; {
		missing, err := s.missingTopics(specs)
		if err != nil || len(missing) == 0 {
			return err
		}
		err = s.broker.CreateTopics(ctx, missing...)
		if !errors.Is(err, kafka.ErrTopicExists) {
			return err
		}
		if time.Since(began) > lateTopic || ctx.Err() != nil {
			return fmt.Errorf("%w, but is not known", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// missingTopics are those that do not exist; one that has other partitions than it should is an error.
func (s *Service) missingTopics(specs []kafka.TopicSpec) ([]kafka.TopicSpec, error) {
	names := make([]string, len(specs))
	for i, spec := range specs {
		names[i] = spec.Name
	}
	there, err := s.broker.DescribeTopics(names...)
	if err != nil {
		return nil, err
	}
	for _, spec := range specs {
		if info, ok := there[spec.Name]; ok && info.Partitions != spec.Partitions {
			return nil, fmt.Errorf("topic %s has %d partitions, not %d", spec.Name, info.Partitions, spec.Partitions)
		}
	}
	return slices.DeleteFunc(slices.Clone(specs), func(spec kafka.TopicSpec) bool { _, ok := there[spec.Name]; return ok }), nil
}
