package kafka

import (
	"errors"
	"maps"
	"slices"

	"github.com/IBM/sarama"
)

// ListGroups returns the ids of all consumer groups, sorted.
func (c *Client) ListGroups() ([]string, error) {
	groups, err := c.admin.ListConsumerGroups()
	if err != nil {
		return nil, failure("list groups", "", nil, err)
	}
	return slices.Sorted(maps.Keys(groups)), nil
}

// DeleteGroup forgets the positions of a group that has no members; one that does not exist is passed over.
func (c *Client) DeleteGroup(group string) error {
	err := c.admin.DeleteConsumerGroup(group)
	if errors.Is(err, sarama.ErrGroupIDNotFound) {
		return nil
	}
	if err != nil {
		return failure("delete group", group, nil, err)
	}
	return nil
}
