package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
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
	var emptied []kafka.ProduceBatch
	for _, t := range topics {
		partitions := func(string) (int32, error) { return t.Partitions, nil }
		latest, err := e.offsetsBy(ctx, partitions, t.Name, kafka.Latest)
		if err != nil {
			return err
		}
		stable, err := e.offsetsBy(ctx, partitions, t.Name, kafka.LastStable)
		if err != nil {
			return err
		}
		for p := range latest {
			if stable[p] < latest[p] {
				return fmt.Errorf("compact: topic %s: %w", t.Name, cluster.ErrBusy)
			}
		}
		logs, err := e.allExpired(ctx, partitions, t.Name, latest)
		if err != nil {
			return err
		}
		emptied = append(emptied, logs...)
	}
	if err := e.markEnds(ctx, emptied); err != nil {
		return err
	}
	e.broker.Compact()
	return nil
}

// allExpired gives a record for each partition of a topic that has had records, and whose last one is past the topic's retention.
func (e *Engine) allExpired(ctx context.Context, partitions partitions, topic string, latest []int64) (out []kafka.ProduceBatch, err error) {
	configs, err := e.kafka.DescribeConfigs(topic)
	if err != nil {
		return nil, err
	}
	ms := configs["retention.ms"]
	if ms == "" || strings.HasPrefix(ms, "-") {
		return nil, nil // kept for ever
	}
	retention, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("retention.ms of topic %s: %w", topic, err)
	}
	now := time.Now()
	soon := now.Add(time.Minute).UnixMilli() // what expires before the compaction begins counts as well
	lasting, err := e.offsetsBy(ctx, partitions, topic, kafka.At(max(soon-retention, 0)))
	if err != nil {
		return nil, err
	}
	for p, end := range latest {
		if end > 0 && lasting[p] < 0 {
			out = append(out, kafka.ProduceBatch{Topic: topic, Partition: int32(p), Records: []kafka.Record{{Timestamp: now.UnixMilli()}}})
		}
	}
	return out, nil
}

// markEnds writes the records in a transaction that it aborts, whose markers stay when all else has expired: from a log without any
// batch the broker could not tell after a start where it had ended, and its offsets would begin anew below what readers have committed.
func (e *Engine) markEnds(ctx context.Context, logs []kafka.ProduceBatch) error {
	if len(logs) == 0 {
		return nil
	}
	p := e.kafka.NewTxnProducer(kafka.TxnConfig{ID: "_millrace-compact-" + e.broker.BootID()})
	defer p.Close()
	if err := p.Init(ctx); err != nil {
		return err
	}
	if err := p.Send(ctx, logs...); err != nil {
		return err
	}
	return errors.Join(p.Flush(ctx), p.Abort(ctx))
}
