package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// deliver runs on a connection's goroutine, which must not be held up.
func (s *sender) deliver(a answer) {
	s.mu.Lock()
	s.answers = append(s.answers, a)
	s.mu.Unlock()
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

// take processes the answers that have arrived.
func (s *sender) take() {
	s.mu.Lock()
	list := s.answers
	s.answers = nil
	s.mu.Unlock()
	for _, a := range list {
		s.inFlight--
		if a.err != nil && transport(a.err) {
			s.links.drop(a.req.addr)
		}
		for o, b := range a.req.batches {
			o.inFlight--
			s.settle(o, b, a)
		}
	}
}

// settle decides about one batch of an answer.
func (s *sender) settle(o *outbox, b *batch, a answer) {
	err := a.err
	var block *sarama.ProduceResponseBlock
	if err == nil {
		if block = a.resp.GetBlock(o.tp.Topic, o.tp.Partition); block == nil {
			err = sarama.ErrIncompleteResponse
		} else {
			err = kafkaError(block.Err)
		}
	}
	switch {
	case err == nil:
		o.acked = block.Offset + int64(b.rb.LastOffsetDelta) + 1
		o.acknowledge(b)
	case retriableProduce(err), errors.Is(err, sarama.ErrOutOfOrderSequenceNumber) && !o.oldest(b):
		// Out of order only because an earlier batch failed: both are repeated, in order.
		b.sent = false
		s.repeat(o, err)
	case s.failed == nil:
		if errors.Is(err, sarama.ErrOutOfOrderSequenceNumber) && o.trouble == nil { // its first attempt
			err = fmt.Errorf("%w: %w", errRefusedSequence, err)
		}
		if tooLarge(err) {
			err = &TooLargeError{At: o.tp, Records: int(b.rb.LastOffsetDelta) + 1, Bytes: batchOverhead + b.bytes, Err: err}
		}
		s.failed = failure("produce to", o.tp.String(), producerClass(err), err)
	}
}

// errRefusedSequence says that the broker refused a batch for its sequence number, and that it cannot have written it before.
var errRefusedSequence = errors.New("the batch was not written")

// unknownTopicPatience is how long a topic may be unknown: a new one takes a moment to be known everywhere.
const unknownTopicPatience = 5 * time.Second

// goneTopicPatience is how long a topic may be unknown that was there: brokers that begin may not know it for a moment.
const goneTopicPatience = time.Second

// patience is how long the box's topic may be unknown.
func (o *outbox) patience() time.Duration {
	if o.proven {
		return goneTopicPatience
	}
	return unknownTopicPatience
}

// repeat notes why a box must be tried again, and gives up on topics that are not there.
func (s *sender) repeat(o *outbox, err error) {
	o.retrying, o.trouble = true, err
	if !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		o.missing = time.Time{}
		return
	}
	if o.missing.IsZero() {
		o.missing = time.Now()
	}
	if time.Since(o.missing) > o.patience() && s.failed == nil {
		s.failed = failure("produce to", o.tp.String(), producerClass(err), err)
	}
}

// flush sends everything and waits until it is acknowledged. On error the batches stay queued.
func (s *sender) flush(ctx context.Context) error {
	deadline := time.Now().Add(s.cfg.DeliveryTimeout)
	defer s.interruptible(ctx)()
	s.seal()
	var pause backoff
	for {
		s.dispatch()
		if err := s.await(ctx); err != nil {
			return failure("produce", s.name(), ErrUnknownOutcome, err)
		}
		if s.failed != nil {
			return s.failed
		}
		left := s.pending()
		if len(left) == 0 {
			return nil
		}
		if !slices.ContainsFunc(left, func(o *outbox) bool { return o.retrying }) {
			continue // they only waited for their turn
		}
		if time.Now().After(deadline) {
			return failure("produce to", left[0].tp.String(), ErrUnknownOutcome, fmt.Errorf("not acknowledged within %s: %w", s.cfg.DeliveryTimeout, errors.Join(left[0].trouble)))
		}
		if err := pause.wait(ctx); err != nil {
			return failure("produce", s.name(), ErrUnknownOutcome, err)
		}
		s.refresh(left)
	}
}

// interruptible makes the end of a context close the sockets: a request on the wire cannot be called back.
func (s *sender) interruptible(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, s.links.cut)
}

func (s *sender) name() string {
	if s.txnID != nil {
		return *s.txnID
	}
	return ""
}

// await waits for the answer to every request on the wire.
func (s *sender) await(ctx context.Context) error {
	for s.take(); s.inFlight > 0; s.take() {
		select {
		case <-s.arrived:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// pending drops the boxes that are empty from the dirty list and returns the rest.
func (s *sender) pending() []*outbox {
	left := s.dirty[:0]
	for _, o := range s.dirty {
		if o.open != nil || len(o.queue) > 0 {
			left = append(left, o)
			continue
		}
		o.dirty = false
	}
	clear(s.dirty[len(left):])
	s.dirty = left
	return left
}

// refresh reads the metadata of the topics that could not be sent to. Its failure shows in the next attempt.
func (s *sender) refresh(boxes []*outbox) {
	seen := map[string]bool{}
	for _, o := range boxes {
		if o.retrying && !seen[o.tp.Topic] {
			seen[o.tp.Topic] = true
			_ = s.c.meta.RefreshMetadata(o.tp.Topic)
		}
	}
}
