package kafka

import "github.com/IBM/sarama"

// AlterConfigs changes some of a topic's settings; the others stay.
func (c *Client) AlterConfigs(topic string, settings map[string]string) error {
	entries := map[string]sarama.IncrementalAlterConfigsEntry{}
	for name, value := range settings {
		entries[name] = sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	}
	if err := c.admin.IncrementalAlterConfig(sarama.TopicResource, topic, entries, false); err != nil {
		return failure("alter topic", topic, nil, err)
	}
	return nil
}
