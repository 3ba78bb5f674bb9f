package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// ledger is what the slots' records name, as far as they were read: so who waits for records to go does not read them again and again. It is
// kept for the next one who waits.
type ledger struct {
	mu    sync.Mutex
	pages []page    // by slot; nil: nothing was read
	read  time.Time // when it was
}

// page is one slot's part of a ledger.
type page struct {
	next int64               // offset to read from
	keys map[string]struct{} // of records; nil: nothing was read
}

// staleLedger is how old a ledger may be that is read on from: tombstones can be compacted away a day after they were written.
const staleLedger = time.Hour

// Forgotten tells which of some dropped queries have no record in any slot any more. Whoever owns a slot writes tombstones when it has passed
// a drop, so from then on no server needs the query's topics. Slots of this server that have such records, but no tasks, are taken to bury
// them.
func (s *Service) Forgotten(ctx context.Context, incarnations ...string) (map[string]bool, error) {
	l := &s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.update(ctx, s); err != nil {
		return nil, err
	}
	forgotten := make(map[string]bool, len(incarnations))
	for _, q := range incarnations {
		forgotten[q] = true
	}
	for n := range l.pages {
		mourns := false
		for key := range l.pages[n].keys {
			if id, err := parseTaskID(key); err == nil {
				if _, asked := forgotten[id.Query]; asked {
					forgotten[id.Query], mourns = false, true
				}
			}
		}
		if mourns {
			s.mourn(int32(n))
		}
	}
	return forgotten, nil
}

// update reads what was written since the last time. l.mu is held.
func (l *ledger) update(ctx context.Context, s *Service) error {
	if l.pages == nil || time.Since(l.read) > staleLedger {
		l.pages = make([]page, s.cfg.Slots)
	}
	r := s.broker.NewReader()
	defer r.Close()
	for n := range l.pages {
		err := l.pages[n].update(ctx, s, r, int32(n))
		if errors.Is(err, kafka.ErrUnknownTopic) {
			break // the service has never run
		}
		if err != nil {
			l.pages = nil
			return fmt.Errorf("read records of slot %d: %w", n, err)
		}
	}
	l.read = time.Now()
	return nil
}

func (p *page) update(ctx context.Context, s *Service, r Reader, slot int32) error {
	topic := SlotsTopic(s.cfg.Service)
	batches := r.All(ctx, topic, slot)
	if p.keys == nil {
		p.keys = map[string]struct{}{}
	} else {
		end, err := s.broker.Offset(ctx, topic, slot, kafka.LastStable)
		if err != nil || end <= p.next {
			return err
		}
		batches = r.Range(ctx, topic, slot, p.next, end)
	}
	for b, err := range batches {
		if err != nil {
			return err
		}
		for _, rec := range b.Records {
			if rec.Value == nil {
				delete(p.keys, string(rec.Key))
			} else {
				p.keys[string(rec.Key)] = struct{}{}
			}
		}
		p.next = b.Next
	}
	return nil
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
