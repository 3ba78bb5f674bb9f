package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

// CreateTopic creates a topic and waits until every partition has a leader and every broker knows of it. [ErrTopicExists] is returned for a topic
// that exists, whatever its settings.
func (c *Client) CreateTopic(ctx context.Context, spec TopicSpec) error {
	return c.CreateTopics(ctx, spec)
}

// CreateTopics is CreateTopic for several, with one request. An error is of class [ErrTopicExists] only if nothing but that is wrong: then those
// that did not exist are there.
func (c *Client) CreateTopics(ctx context.Context, specs ...TopicSpec) error {
	_, err := c.MakeTopics(ctx, specs...)
	return err
}

// MakeTopics is CreateTopics, and tells which topics were made, also where others could not be.
func (c *Client) MakeTopics(ctx context.Context, specs ...TopicSpec) (made []string, err error) {
	details := map[string]*sarama.TopicDetail{}
	for _, spec := range specs {
		if err := spec.check(); err != nil {
			return nil, err
		}
		details[spec.Name] = spec.detail()
	}
	answers, err := untilMade(ctx, details, c.askToCreate)
	if err != nil {
		return nil, err
	}
	var exists, failed []error
	partitions := map[string]int32{}
	for _, spec := range specs {
		switch err := answers[spec.Name]; {
		case err == nil:
			made = append(made, spec.Name)
			partitions[spec.Name] = spec.Partitions
		case errors.Is(err, sarama.ErrTopicAlreadyExists):
			exists = append(exists, failure("create topic", spec.Name, ErrTopicExists, nil))
		default:
			failed = append(failed, failure("create topic", spec.Name, topicClass(err), err))
		}
	}
	if len(made) > 0 {
		if err := c.awaitTopics(ctx, partitions); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return made, errors.Join(failed...)
	}
	return made, errors.Join(exists...)
}

func (spec TopicSpec) check() error {
	if !ValidTopic(spec.Name) {
		return failure("create topic", strconv.Quote(spec.Name), ErrTopicSettings, errTopicName)
	}
	if spec.Partitions < 1 || spec.Partitions > maxPartitions {
		return failure("create topic", spec.Name, ErrTopicSettings, fmt.Errorf("%d partitions; a topic has 1 to %d", spec.Partitions, maxPartitions))
	}
	return nil
}

func (spec TopicSpec) detail() *sarama.TopicDetail {
	d := &sarama.TopicDetail{NumPartitions: spec.Partitions, ReplicationFactor: spec.Replicas, ConfigEntries: map[string]*string{}}
	if spec.Replicas == 0 {
		d.ReplicationFactor = -1
	}
	for k, v := range spec.Configs {
		d.ConfigEntries[k] = &v
	}
	return d
}

// untilMade asks for topics, for those again without a limit that old brokers do not know, and for those again that the brokers cannot make at
// this moment. It returns what came of each.
func untilMade(
	ctx context.Context, details map[string]*sarama.TopicDetail, ask func(map[string]*sarama.TopicDetail) (map[string]error, error),
) (map[string]error, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	outcome := map[string]error{}
	pause := backoff{least: 20 * time.Millisecond}
	for left := details; ; {
		answers, err := ask(left)
		if err != nil {
			return nil, err
		}
		again, wait := map[string]*sarama.TopicDetail{}, false
		for topic, err := range answers {
			outcome[topic] = err
			switch d := left[topic]; {
			case d.ConfigEntries[FutureLimit] != nil && errors.Is(err, sarama.ErrInvalidConfig):
				delete(d.ConfigEntries, FutureLimit)
				again[topic] = d
			case overloaded(err):
				again[topic], wait = d, true
			}
		}
		if len(again) == 0 || wait && pause.wait(ctx) != nil {
			return outcome, nil // which says what has been in the way
		}
		left = again
	}
}

func (c *Client) askToCreate(details map[string]*sarama.TopicDetail) (answers map[string]error, err error) {
	req := sarama.NewCreateTopicsRequest(c.conf.Version, details, c.conf.Admin.Timeout, false)
	err = c.askController(func(b *sarama.Broker) error {
		resp, err := b.CreateTopics(req)
		if err != nil {
			return err
		}
		answers = make(map[string]error, len(details))
		for topic := range details {
			answer, ok := resp.TopicErrors[topic]
			switch {
			case !ok:
				answers[topic] = sarama.ErrIncompleteResponse
			case answer.Err == sarama.ErrNotController:
				return answer
			case answer.Err != sarama.ErrNoError:
				answers[topic] = answer
			default:
				answers[topic] = nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, failure("create topics", fmt.Sprint(slices.Sorted(maps.Keys(details))), nil, err)
	}
	return answers, nil
}

// DeleteTopics deletes topics with one request; those that do not exist are passed over.
func (c *Client) DeleteTopics(topics ...string) error {
	if len(topics) == 0 {
		return nil
	}
	var errs []error
	req := sarama.NewDeleteTopicsRequest(c.conf.Version, topics, c.conf.Admin.Timeout)
	err := c.askController(func(b *sarama.Broker) error {
		resp, err := b.DeleteTopics(req)
		if err != nil {
			return err
		}
		errs = nil
		for _, t := range topics {
			code, ok := resp.TopicErrorCodes[t]
			switch {
			case !ok:
				errs = append(errs, failure("delete topic", t, nil, sarama.ErrIncompleteResponse))
			case code == sarama.ErrNotController:
				return code
			case code != sarama.ErrNoError && code != sarama.ErrUnknownTopicOrPartition:
				errs = append(errs, failure("delete topic", t, nil, code))
			}
		}
		return nil
	})
	if err != nil {
		return failure("delete topics", fmt.Sprint(topics), nil, err)
	}
	return errors.Join(errs...)
}

// askController has f ask the broker that manages topics, again while that moves.
func (c *Client) askController(f func(*sarama.Broker) error) error {
	for attempt := 0; ; attempt++ {
		b, err := c.controller()
		if err == nil {
			err = f(b)
		}
		if transport(err) {
			c.dropController()
		}
		moved := errors.Is(err, sarama.ErrNotController) || errors.Is(err, io.EOF)
		if err == nil || !moved || attempt == c.conf.Admin.Retry.Max {
			return err
		}
		time.Sleep(c.conf.Admin.Retry.Backoff)
		_, _ = c.meta.RefreshController() // its failure shows in the next attempt
	}
}

// controller is a connection to the controller for topics alone: making and deleting them takes a broker long, and it serves the requests of a
// connection one after the other.
func (c *Client) controller() (*sarama.Broker, error) {
	known, err := c.meta.Controller()
	if err != nil {
		return nil, err
	}
	c.topicsMu.Lock()
	defer c.topicsMu.Unlock()
	return c.topics.to(known.Addr())
}

// dropController has the next request to the controller open a connection; brokers close those that were long idle.
func (c *Client) dropController() {
	c.topicsMu.Lock()
	defer c.topicsMu.Unlock()
	for addr := range c.topics.brokers {
		c.topics.drop(addr)
	}
}
