package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/engine/topology"
)

// settlePoll is how often Settle looks, and settleRounds how often in a row it must find nothing left to do.
const (
	settlePoll   = 5 * time.Millisecond
	settleRounds = 2
)

// Settle waits until every persistent query has committed all that is in its topics, those included which other queries fill
// meanwhile, and follows the rollouts of its models. It is for programs that write records and then read tables, as tests do; while others write, it may never return
// before ctx ends. A query that is in error is an error.
func (e *Engine) Settle(ctx context.Context) error {
	for quiet := 0; quiet < settleRounds; {
		behind := !e.cluster.FollowsModels()
		for _, id := range e.queries.IDs() {
			b, err := e.isBehind(ctx, id)
			if err != nil {
				return err
			}
			behind = behind || b
		}
		if quiet++; behind {
			quiet = 0
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settlePoll):
		}
	}
	return nil
}

// isBehind says whether a query has something left to read.
func (e *Engine) isBehind(ctx context.Context, id string) (bool, error) {
	q, ok := e.queries.Find(id)
	if !ok {
		return false, nil
	}
	st := e.queries.Status(id)
	if st.State == "ERROR" {
		return false, fmt.Errorf("query %s: %s", id, st.Error)
	}
	committed := map[string]int64{}
	for _, t := range st.Tasks {
		for _, in := range t.Inputs {
			committed[positionKey(t.ID.Sub, in.Topic, in.Partition)] = in.Committed
		}
	}
	for _, sub := range q.Topology.Subs {
		for _, in := range sub.Inputs {
			b, err := e.inputBehind(ctx, q, sub, in.Topic, committed)
			if b || err != nil {
				return b, err
			}
		}
	}
	return false, nil
}

func positionKey(sub, topic string, partition int32) string {
	return fmt.Sprintf("%s/%s/%d", sub, topic, partition)
}

func (e *Engine) inputBehind(ctx context.Context, q *query.Running, sub *topology.SubTopology, topic string, committed map[string]int64) (bool, error) {
	ends, err := e.offsets(ctx, topic, kafka.LastStable)
	if err != nil {
		return false, err
	}
	for p, end := range ends {
		at, ok := committed[positionKey(sub.ID, topic, int32(p))]
		if !ok || max(at, startOf(q, topic, int32(p))) < end {
			return true, nil
		}
	}
	return false, nil
}
