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

// DeleteGroup forgets the positions of a group; one that does not exist is passed over. [ErrGroupInUse] says that it has members.
func (c *Client) DeleteGroup(group string) error {
	err := c.admin.DeleteConsumerGroup(group)
	if errors.Is(err, sarama.ErrGroupIDNotFound) {
		return nil
	}
	var class error
	if errors.Is(err, sarama.ErrNonEmptyGroup) {
		class = ErrGroupInUse
	}
	if err != nil {
		return failure("delete group", group, class, err)
	}
	return nil
}
