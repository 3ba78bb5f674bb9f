package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
)

// The embedded broker is compacted every so often, if there was anything to make it worth while: each commit of a busy task adds a
// record to the slots topic, which nobody else would ever remove.
const (
	compactEvery   = 5 * time.Minute
	compactCommits = 1000
)

// compact keeps the embedded broker's log small until ctx ends. kfake compacts through open transactions and loses records there, so
// every slot stands committed and no statement has its turn while it runs.
func (e *Engine) compact(ctx context.Context) {
	tick := time.NewTicker(compactEvery)
	defer tick.Stop()
	var last int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		commits := e.cluster.Metrics().Commits.Load()
		if commits-last < compactCommits {
			continue
		}
		err := e.compactNow()
		switch {
		case errors.Is(err, cluster.ErrBusy): // the next time will do
		case err != nil && ctx.Err() == nil:
			e.log.Warn("the broker's log was not compacted", "error", err)
		default:
			last = commits
		}
	}
}

func (e *Engine) compactNow() error {
	return e.commands.Hold(func() error {
		var err error
		return errors.Join(e.cluster.Quiesce(func() { err = e.compactDecided() }), err)
	})
}

// compactDecided compacts unless a transaction is open anywhere, whoever began it: a client at the port, a former process that was
// killed, a statement whose outcome is not known, a slot that could not hand over in time.
func (e *Engine) compactDecided() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	topics, err := e.kafka.ListTopics()
	if err != nil {
		return err
	}
	for _, t := range topics {
		latest, err := e.offsets(ctx, t.Name, kafka.Latest)
		if err != nil {
			return err
		}
		stable, err := e.offsets(ctx, t.Name, kafka.LastStable)
		if err != nil {
			return err
		}
		for p := range latest {
			if stable[p] < latest[p] {
				return fmt.Errorf("compact: topic %s: %w", t.Name, cluster.ErrBusy)
			}
		}
	}
	e.broker.Compact()
	return nil
}
