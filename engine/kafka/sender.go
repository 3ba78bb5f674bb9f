package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// ProducerConfig is common to both producers. Zero values mean the defaults.
type ProducerConfig struct {
	Compression Compression
	// MaxBatchBytes bounds one record batch before compression. It must stay below the topics' max.message.bytes,
	// which is 1 MiB by default; so the default is 900 kB. A larger record travels alone.
	MaxBatchBytes int
	// BufferBytes is how much is collected over all partitions before it is sent without being asked. Default 4 MiB.
	BufferBytes int
	// DeliveryTimeout bounds the repetition of one flush. Default 60 s.
	DeliveryTimeout time.Duration
}

func (cfg ProducerConfig) withDefaults() ProducerConfig {
	if cfg.MaxBatchBytes == 0 {
		cfg.MaxBatchBytes = 900_000
	}
	if cfg.BufferBytes == 0 {
		cfg.BufferBytes = 4 << 20
	}
	if cfg.DeliveryTimeout == 0 {
		cfg.DeliveryTimeout = time.Minute
	}
	return cfg
}

// maxRequestBytes bounds one produce request, before compression.
const maxRequestBytes = 8 << 20

// sender sends batches in order per partition, several requests ahead, and repeats what failed with the same sequence
// numbers. Both producers are built on it. It belongs to one goroutine.
type sender struct {
	c     *Client
	cfg   ProducerConfig
	links *links
	txnID *string // nil outside transactions
	who   producerIdentity

	boxes    map[TopicPartition]*outbox
	dirty    []*outbox // boxes with records or batches, each once
	buffered int       // bytes in open slabs
	free     []*slab
	spare    int   // bytes of memory in free
	failed   error // the first error that is not repeated; every later send returns it until reset

	inFlight int // requests
	mu       sync.Mutex
	answers  []answer
	arrived  chan struct{} // capacity 1
}

type request struct {
	addr    string
	batches map[*outbox]*batch
}

type answer struct {
	req  *request
	resp *sarama.ProduceResponse
	err  error
}

func newSender(c *Client, cfg ProducerConfig, txnID *string) *sender {
	return &sender{
		c: c, cfg: cfg.withDefaults(), links: newLinks(c), txnID: txnID,
		boxes: map[TopicPartition]*outbox{}, arrived: make(chan struct{}, 1),
	}
}

// reset forgets everything unsent and begins with a new identity, whose sequences start at 0. The connections go too:
// what was on the wire must not arrive later and be counted as an answer.
func (s *sender) reset(who producerIdentity) {
	if s.inFlight > 0 {
		for addr := range s.links.brokers {
			s.links.drop(addr)
		}
	}
	s.mu.Lock()
	s.answers = nil
	s.mu.Unlock()
	s.who, s.boxes, s.dirty, s.buffered, s.failed, s.inFlight = who, map[TopicPartition]*outbox{}, nil, 0, nil, 0
}

// collect copies records into their partitions' boxes; full boxes are sealed. It returns true when it is time to send.
func (s *sender) collect(batches []ProduceBatch) bool {
	full := false
	for i := range batches {
		b := &batches[i]
		if len(b.Records) == 0 {
			continue
		}
		o := s.box(TopicPartition{b.Topic, b.Partition})
		if !o.dirty {
			o.dirty = true
			s.dirty = append(s.dirty, o)
		}
		limit := s.cfg.MaxBatchBytes
		if b.MaxBytes > 0 {
			limit = min(limit, b.MaxBytes-batchOverhead)
		}
		for j := range b.Records {
			r := &b.Records[j]
			if !writable(r.Timestamp) {
				if s.failed == nil {
					s.failed = failure("produce to", o.tp.String(), ErrAbortable, fmt.Errorf("%w (%d ms)", errTimestamp, r.Timestamp))
				}
				continue
			}
			n := size(r)
			if o.open != nil && (o.open.bytes+n > limit || !o.open.spans(r.Timestamp)) {
				s.buffered -= o.open.bytes
				o.seal(s.who, s.cfg.Compression)
				full = true
			}
			if o.open == nil {
				o.open = s.slab()
			}
			o.open.add(r)
			s.buffered += n
		}
	}
	return full || s.buffered >= s.cfg.BufferBytes
}

func (s *sender) box(tp TopicPartition) *outbox {
	o := s.boxes[tp]
	if o == nil {
		o = &outbox{tp: tp, acked: -1}
		s.boxes[tp] = o
	}
	return o
}

func (s *sender) slab() *slab {
	if n := len(s.free); n > 0 {
		b := s.free[n-1]
		s.free = s.free[:n-1]
		s.spare -= b.memory()
		return b
	}
	return &slab{}
}

// maxSpare is how much memory a sender keeps for later batches. What a burst took beyond that goes: with many partitions it is much, and most of
// them are idle.
const maxSpare = 4 << 20

func (s *sender) release(b *slab) {
	b.reset()
	if m := b.memory(); s.spare+m <= maxSpare {
		s.free = append(s.free, b)
		s.spare += m
	}
}

// rest gives up the memory that is kept for later batches.
func (s *sender) rest() { s.free, s.spare = nil, 0 }

// seal closes all boxes: afterwards everything collected stands in queues.
func (s *sender) seal() {
	for _, o := range s.dirty {
		o.seal(s.who, s.cfg.Compression)
	}
	s.buffered = 0
}

// dispatch sends what may be sent: one batch per partition and request, one request per leader, until nothing is due.
func (s *sender) dispatch() {
	for s.failed == nil {
		reqs := s.gather()
		if len(reqs) == 0 {
			return
		}
		for _, r := range reqs {
			s.send(r)
		}
	}
}

// push sends what is due without waiting for answers, unless more is held back than the buffer may hold: then a
// partition is in trouble, and the caller waits with it.
func (s *sender) push(ctx context.Context) error {
	s.dispatch()
	held := 0
	for _, o := range s.dirty {
		for _, b := range o.queue {
			if !b.sent {
				held += b.bytes
			}
		}
	}
	if held > s.cfg.BufferBytes {
		return s.flush(ctx)
	}
	return s.failed
}

// gather picks at most one batch of every partition. A partition whose leader is unknown waits for the next attempt.
func (s *sender) gather() map[string]*request {
	reqs := map[string]*request{}
	sizes := map[string]int{}
	for _, o := range s.dirty {
		b := o.due()
		if b == nil {
			continue
		}
		addr, err := s.c.leader(o.tp)
		if err != nil {
			s.repeat(o, err)
			continue
		}
		if r := reqs[addr]; r == nil {
			reqs[addr] = &request{addr: addr, batches: map[*outbox]*batch{}}
		} else if sizes[addr]+b.bytes > maxRequestBytes {
			continue
		}
		sizes[addr] += b.bytes
		reqs[addr].batches[o] = b
		b.sent = true
		o.inFlight++
	}
	return reqs
}

// send encodes a request and puts it on the wire; the answer arrives later. A request that cannot be sent is answered
// with its error.
func (s *sender) send(r *request) {
	s.inFlight++
	broker, err := s.links.to(r.addr)
	if err != nil {
		s.deliver(answer{req: r, err: err})
		return
	}
	q := &sarama.ProduceRequest{Version: 9, TransactionalID: s.txnID, RequiredAcks: sarama.WaitForAll, Timeout: 30_000}
	for o, b := range r.batches {
		q.AddBatch(o.tp.Topic, o.tp.Partition, b.rb)
	}
	err = broker.AsyncProduce(q, func(resp *sarama.ProduceResponse, err error) { s.deliver(answer{r, resp, err}) })
	if err != nil {
		s.deliver(answer{req: r, err: err})
		return
	}
	for _, b := range r.batches {
		if b.slab != nil {
			s.release(b.slab)
			b.slab = nil
		}
	}
}
