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
	last := positions{}
	for {
		select {
		case <-ctx.Done():
			return
		case cause := <-s.distrust.causes:
			s.rebuild(ctx, cause)
		case now := <-second.C:
			s.checkDisk()
			s.restoring.tick(now, s.remaining)
		case now := <-rest.C:
			last = s.report(ctx, last)
			s.sweep(ctx)
			s.giveBack(now)
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
func (s *Service) report(ctx context.Context, last positions) positions {
	r := report{last: last, now: positions{}, groups: map[string]map[kafka.TopicPartition]int64{}, trims: map[string]map[int32]int64{}}
	s.mu.Lock()
	for name, q := range s.queries {
		for _, t := range s.statuses(q) {
			r.collect(name, t)
		}
	}
	s.mu.Unlock()
	for query, moved := range r.groups {
		s.show(ctx, query, moved)
	}
	for topic, before := range r.trims {
		if err := s.broker.DeleteRecords(topic, before); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("repartition topic could not be trimmed", "topic", topic, "error", err)
		}
	}
	return r.now
}

// show commits positions of a query for lag tools, unless it was stopped meanwhile: then its group may have been deleted.
func (s *Service) show(ctx context.Context, query string, moved map[kafka.TopicPartition]int64) {
	s.showing.Lock()
	defer s.showing.Unlock()
	s.mu.Lock()
	q := s.queries[query]
	s.mu.Unlock()
	if q == nil || q.Group == "" {
		return
	}
	if err := s.broker.CommitOffsets(ctx, q.Group, moved); err != nil && ctx.Err() == nil {
		s.cfg.Logger.Warn("positions could not be shown to lag tools", "group", q.Group, "error", err)
	}
}

// positions are committed offsets, by task and input.
type positions map[place]int64

type place struct {
	task  TaskID
	topic string
}

// report is what has moved since the last one.
type report struct {
	last, now positions
	groups    map[string]map[kafka.TopicPartition]int64 // by query
	trims     map[string]map[int32]int64                // by topic
}

func (r *report) collect(query string, t TaskStatus) {
	for _, in := range t.Inputs {
		at := place{t.ID, in.Topic}
		r.now[at] = in.Committed
		if last, ok := r.last[at]; ok && last == in.Committed || !ok && in.Committed == 0 {
			continue
		}
		if in.Internal {
			if r.trims[in.Topic] == nil {
				r.trims[in.Topic] = map[int32]int64{}
			}
			r.trims[in.Topic][in.Partition] = in.Committed
			continue
		}
		if r.groups[query] == nil {
			r.groups[query] = map[kafka.TopicPartition]int64{}
		}
		r.groups[query][kafka.TopicPartition{Topic: in.Topic, Partition: in.Partition}] = in.Committed
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
