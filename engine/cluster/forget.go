package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/engine/kafka"
)

// Forgotten says that no slot has a record of a dropped query any more. Whoever owns a slot writes tombstones when it has passed the drop,
// so from then on no server needs the query's topics. Slots of this server that have such records, but no tasks, are taken to bury them.
func (s *Service) Forgotten(ctx context.Context, incarnation string) (bool, error) {
	forgotten := true
	for n := range s.cfg.Slots {
		records, err := s.readSlot(ctx, n)
		if errors.Is(err, kafka.ErrUnknownTopic) {
			return true, nil // the service has never run
		}
		if err != nil {
			return false, fmt.Errorf("look for query %s in slot %d: %w", incarnation, n, err)
		}
		for key := range records {
			if id, err := parseTaskID(key); err == nil && id.Query == incarnation {
				forgotten = false
				s.mourn(n)
				break
			}
		}
	}
	return forgotten, nil
}

// mourn has a slot owned here look for records to bury.
func (s *Service) mourn(n int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sl := s.slots[n]; sl != nil {
		sl.mourning.Store(true)
		sl.replan()
	}
}

// readSlot reads a slot's records as they are committed.
func (s *Service) readSlot(ctx context.Context, n int32) (map[string][]byte, error) {
	r := s.broker.NewReader()
	defer r.Close()
	records := map[string][]byte{}
	for b, err := range r.All(ctx, SlotsTopic(s.cfg.Service), n) {
		if err != nil {
			return nil, fmt.Errorf("read slots records: %w", err)
		}
		for _, rec := range b.Records {
			if rec.Value == nil {
				delete(records, string(rec.Key))
			} else {
				records[string(rec.Key)] = rec.Value
			}
		}
	}
	return records, nil
}
