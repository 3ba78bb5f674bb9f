package kafka

import "github.com/IBM/sarama"

// AlterConfigs replaces a topic's own settings: what is not given falls back to the broker's.
func (c *Client) AlterConfigs(topic string, settings map[string]string) error {
	entries := map[string]*string{}
	for name, value := range settings {
		entries[name] = &value
	}
	if err := c.admin.AlterConfig(sarama.TopicResource, topic, entries, false); err != nil {
		return failure("alter topic", topic, nil, err)
	}
	return nil
}
