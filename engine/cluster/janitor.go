package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// janitor does what commits need not wait for.
func (s *Service) janitor(ctx context.Context) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	rest := time.NewTicker(s.cfg.JanitorInterval)
	defer rest.Stop()
	last := map[string]int64{}
	for {
		select {
		case <-ctx.Done():
			return
		case cause := <-s.distrust.causes:
			s.rebuild(ctx, cause)
		case now := <-second.C:
			s.checkDisk()
			s.restoring.tick(now, s.remaining)
		case <-rest.C:
			s.report(ctx, last)
			s.sweep(ctx)
		}
	}
}

// checkDisk pauses all tasks while the disk is nearly full.
func (s *Service) checkDisk() {
	err := s.cfg.Guard()
	if low := err != nil; s.lowDisk.Swap(low) != low {
		if low {
			s.cfg.Logger.Error("all tasks pause", "error", err)
		} else {
			s.cfg.Logger.Info("all tasks go on: there is room on the disk again")
		}
	}
}

// LowDisk says that all tasks pause because the disk is nearly full.
func (s *Service) LowDisk() bool { return s.lowDisk.Load() }

// report commits positions for lag tools and trims repartition topics up to what is committed. last holds what was said before.
func (s *Service) report(ctx context.Context, last map[string]int64) {
	groups := map[string]map[kafka.TopicPartition]int64{}
	trims := map[string]map[int32]int64{}
	s.mu.Lock()
	for name, q := range s.queries {
		for _, sl := range s.slots {
			for _, t := range sl.statuses(name) {
				collect(q, t, last, groups, trims)
			}
		}
	}
	s.mu.Unlock()
	for group, positions := range groups {
		if err := s.broker.CommitOffsets(ctx, group, positions); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("positions could not be shown to lag tools", "group", group, "error", err)
		}
	}
	for topic, before := range trims {
		if err := s.broker.DeleteRecords(topic, before); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("repartition topic could not be trimmed", "topic", topic, "error", err)
		}
	}
}

// collect notes what has moved since the last time.
func collect(q *query, t TaskStatus, last map[string]int64, groups map[string]map[kafka.TopicPartition]int64, trims map[string]map[int32]int64) {
	for _, in := range t.Inputs {
		key := fmt.Sprintf("%s %s/%d", t.ID, in.Topic, in.Partition)
		if last[key] == in.Committed {
			continue
		}
		last[key] = in.Committed
		if in.Internal {
			if trims[in.Topic] == nil {
				trims[in.Topic] = map[int32]int64{}
			}
			trims[in.Topic][in.Partition] = in.Committed
		} else if q.Group != "" {
			if groups[q.Group] == nil {
				groups[q.Group] = map[kafka.TopicPartition]int64{}
			}
			groups[q.Group][kafka.TopicPartition{Topic: in.Topic, Partition: in.Partition}] = in.Committed
		}
	}
}

// sweepSteps is how many small batches of dropped state are deleted per round.
const sweepSteps = 20

func (s *Service) sweep(ctx context.Context) {
	for range sweepSteps {
		more, err := s.cfg.Store.Sweep()
		if err != nil {
			s.cfg.Logger.Warn("dropped state could not be deleted", "error", err)
		}
		if err != nil || !more || ctx.Err() != nil || s.lowDisk.Load() {
			return
		}
	}
}

// dropStores forgets the durable stores of a dropped query.
func (s *Service) dropStores(incarnation string) error {
	var errs []error
	for _, name := range s.cfg.Store.Stores() {
		if strings.HasPrefix(name, incarnation+"/") {
			errs = append(errs, s.cfg.Store.Drop(name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("drop query %s: %w", incarnation, err)
	}
	return nil
}
