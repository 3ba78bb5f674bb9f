package kafka

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/IBM/sarama"
)

// TopicSpec describes a topic to be created.
type TopicSpec struct {
	Name       string
	Partitions int32
	Replicas   int16             // 0: the broker's default
	Configs    map[string]string // "cleanup.policy": "compact", ...
}

// Kafka's own rule. It is checked here as well, since the embedded broker takes any name and makes a directory of it.
var (
	topicName    = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	errTopicName = errors.New("a topic's name has 1 to 249 letters, digits, dots, dashes and underscores")
)

// maxPartitions keeps a slip of the keyboard from filling a cluster; the embedded broker would try any number.
const maxPartitions = 10_000

// FutureLimit is the topic setting that bounds how far ahead of the broker's clock a record's timestamp may be, an hour by default; NoLimit
// lifts it. Brokers before 3.6 neither have the limit nor know the setting: CreateTopic leaves it out there.
const (
	FutureLimit = "message.timestamp.after.max.ms"
	NoLimit     = "9223372036854775807"
)

// TopicInfo describes an existing topic.
type TopicInfo struct {
	Name       string
	Internal   bool // Kafka's own
	Partitions int32
	Replicas   int16
}

// ValidTopic says whether a topic can have the name.
func ValidTopic(name string) bool { return topicName.MatchString(name) && name != "." && name != ".." }

// DescribeTopics returns what exists of the topics asked for, by name. Topics that do not exist are left out.
func (c *Client) DescribeTopics(topics ...string) (map[string]TopicInfo, error) {
	if len(topics) == 0 {
		return map[string]TopicInfo{}, nil
	}
	list, err := c.admin.DescribeTopics(topics)
	if err != nil {
		return nil, failure("describe topics", "", nil, err)
	}
	out := map[string]TopicInfo{}
	for _, m := range list {
		switch m.Err {
		case sarama.ErrUnknownTopicOrPartition:
			continue
		case sarama.ErrNoError, sarama.ErrLeaderNotAvailable:
		default:
			return nil, failure("describe topic", m.Name, nil, m.Err)
		}
		info := TopicInfo{Name: m.Name, Internal: m.IsInternal, Partitions: int32(len(m.Partitions))}
		if len(m.Partitions) > 0 {
			info.Replicas = int16(len(m.Partitions[0].Replicas))
		}
		out[m.Name] = info
	}
	return out, nil
}

// DescribeTopic is DescribeTopics for one; [ErrUnknownTopic] if it does not exist.
func (c *Client) DescribeTopic(topic string) (TopicInfo, error) {
	m, err := c.DescribeTopics(topic)
	if err != nil {
		return TopicInfo{}, err
	}
	info, ok := m[topic]
	if !ok {
		return TopicInfo{}, failure("describe topic", topic, ErrUnknownTopic, nil)
	}
	return info, nil
}

// Replicas is how many replicas a topic has by what the client knows of it; right after [Client.CreateTopics] it need not ask.
func (c *Client) Replicas(topic string) (int16, error) {
	list, err := c.meta.Replicas(topic, 0)
	if err != nil && !errors.Is(err, sarama.ErrReplicaNotAvailable) { // which is no answer to how many there are
		return 0, failure("look up the replicas of topic", topic, nil, err)
	}
	return int16(len(list)), nil
}

// ListTopics returns all topics by name, sorted; Kafka's internal ones too.
func (c *Client) ListTopics() ([]TopicInfo, error) {
	list, err := c.admin.ListTopics()
	if err != nil {
		return nil, failure("list topics", "", nil, err)
	}
	out := make([]TopicInfo, 0, len(list))
	for _, name := range slices.Sorted(maps.Keys(list)) {
		d := list[name]
		internal := name == "__consumer_offsets" || name == "__transaction_state"
		out = append(out, TopicInfo{Name: name, Internal: internal, Partitions: d.NumPartitions, Replicas: d.ReplicationFactor})
	}
	return out, nil
}

// DeleteRecords trims partitions of a topic: records before the given offsets are gone for good.
func (c *Client) DeleteRecords(topic string, before map[int32]int64) error {
	if err := c.admin.DeleteRecords(topic, before); err != nil {
		return failure("trim topic", topic, nil, err)
	}
	return nil
}

// MaxBatchBytes is the largest batch of records that each topic takes, asked for with one request. Topics of which the brokers do not say it are
// left out.
func (c *Client) MaxBatchBytes(topics ...string) map[string]int {
	const limit = "max.message.bytes"
	ask := make([]*sarama.ConfigResource, len(topics))
	for i, topic := range topics {
		ask[i] = &sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{limit}}
	}
	out := map[string]int{}
	list, err := c.admin.DescribeConfigs(ask, sarama.DescribeConfigsOptions{})
	if err != nil {
		return out
	}
	for _, topic := range list {
		for _, e := range topic.Configs {
			if n, err := strconv.Atoi(e.Value); err == nil && e.Name == limit {
				out[topic.Name] = n
			}
		}
	}
	return out
}

// DescribeConfigs returns a topic's settings, defaults included.
func (c *Client) DescribeConfigs(topic string) (map[string]string, error) {
	list, err := c.admin.DescribeConfigs([]*sarama.ConfigResource{{Type: sarama.TopicResource, Name: topic}}, sarama.DescribeConfigsOptions{})
	if err == nil && len(list) > 0 {
		err = kafkaError(list[0].ErrorCode)
	}
	if err != nil || len(list) == 0 {
		class := error(nil)
		if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
			class = ErrUnknownTopic
		}
		return nil, failure("describe settings of topic", topic, class, err)
	}
	out := make(map[string]string, len(list[0].Configs))
	for _, e := range list[0].Configs {
		out[e.Name] = e.Value
	}
	return out, nil
}
