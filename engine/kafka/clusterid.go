package kafka

import (
	"context"

	"github.com/IBM/sarama"
)

// ClusterID is the cluster's id, "" if it has none.
func (c *Client) ClusterID(context.Context) (string, error) {
	b, err := c.meta.Controller()
	if err != nil {
		return "", failure("find the controller", "", nil, err)
	}
	m, err := b.GetMetadata(&sarama.MetadataRequest{Version: 5, Topics: []string{}})
	if err != nil {
		return "", failure("read metadata", b.Addr(), nil, err)
	}
	if m.ClusterID == nil {
		return "", nil
	}
	return *m.ClusterID, nil
}
