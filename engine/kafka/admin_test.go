package kafka

import (
	"testing"

	"github.com/IBM/sarama"
)

// TestCoordinatorThatMoves: a group's coordinator that is about to be another broker is waited for.
func TestCoordinatorThatMoves(t *testing.T) {
	b := sarama.NewMockBroker(t, 1)
	defer b.Close()
	known := []sarama.ApiVersionsResponseKey{{ApiKey: 3, MaxVersion: 8}, {ApiKey: 10, MaxVersion: 2}, {ApiKey: 42, MaxVersion: 1}}
	moving := sarama.NewMockWrapper(&sarama.DeleteGroupsResponse{GroupErrorCodes: map[string]sarama.KError{"g": sarama.ErrNotCoordinatorForConsumer}})
	var answers []any
	for range 15 {
		answers = append(answers, moving)
	}
	b.SetHandlerByMap(map[string]sarama.MockResponse{
		"ApiVersionsRequest":     sarama.NewMockApiVersionsResponse(t).SetApiKeys(known),
		"MetadataRequest":        sarama.NewMockMetadataResponse(t).SetBroker(b.Addr(), b.BrokerID()).SetController(b.BrokerID()),
		"FindCoordinatorRequest": sarama.NewMockFindCoordinatorResponse(t).SetCoordinator(sarama.CoordinatorGroup, "g", b),
		"DeleteGroupsRequest":    sarama.NewMockSequence(append(answers, sarama.NewMockDeleteGroupsRequest(t).SetDeletedGroups([]string{"g"}))...),
	})
	c, err := Open(Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.DeleteGroup("g"); err != nil {
		t.Error(err)
	}
}
