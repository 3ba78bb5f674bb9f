package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// TxnConfig describes a transactional producer.
type TxnConfig struct {
	ProducerConfig
	// ID is the transactional id: whoever initializes it last owns it.
	ID string
	// Always is a partition that every transaction will write to. The coordinator hears of it together with the first
	// others, which saves a request where it is written last.
	Always TopicPartition
	// Timeout is how long the broker keeps an open transaction whose owner is silent. Default 30 s.
	Timeout time.Duration
}

// TxnProducer writes transactions under one transactional id. It belongs to one goroutine; the end of
// a call's context interrupts it. It has its own connections, to the coordinator and to every leader it writes to.
//
// The order of calls is Init, then any number of: Send..., Flush (to learn positions), Commit or Abort. After an error
// of class [ErrUnknownOutcome] or [ErrFenced] nothing but Init is allowed.
type TxnProducer struct {
	*sender
	coord   *links
	always  TopicPartition // part of every transaction; no topic: none
	timeout time.Duration
	id      string
	ready   bool // Init succeeded and nothing has failed since in a way that needs it again
	open    bool // the coordinator knows of a transaction
}

// NewTxnProducer prepares a producer. It does not talk to the broker: Init does.
func (c *Client) NewTxnProducer(cfg TxnConfig) *TxnProducer {
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	id := cfg.ID
	return &TxnProducer{sender: newSender(c, cfg.ProducerConfig, &id), coord: newLinks(c), always: cfg.Always, id: id, timeout: cfg.Timeout}
}

// Init takes the transactional id over. When it returns, every earlier owner is fenced and its open transaction is
// decided on all partitions, markers written: what read_committed shows is final. Records collected or sent before are
// forgotten.
func (p *TxnProducer) Init(ctx context.Context) error {
	p.ready, p.open = false, false
	var who producerIdentity
	_, err := p.ask(ctx, 0, func(b *sarama.Broker) error {
		r, err := b.InitProducerID(&sarama.InitProducerIDRequest{
			Version: 4, TransactionalID: &p.id, TransactionTimeout: p.timeout, ProducerID: -1, ProducerEpoch: -1,
		})
		if err != nil {
			return err
		}
		who = producerIdentity{id: r.ProducerID, epoch: r.ProducerEpoch, transactional: true}
		return kafkaError(r.Err)
	})
	if err != nil {
		return failure("take over transactional id", p.id, initClass(err), err)
	}
	p.reset(who)
	p.ready = true
	return nil
}

// initClass: a failed take-over has done no harm; unless it cannot ever work, it can be tried again.
func initClass(err error) error {
	if class := producerClass(err); errors.Is(class, ErrFenced) || errors.Is(class, ErrFatal) {
		return class
	}
	return nil
}

// Send collects records for the open transaction, or opens one, and sends what is full. Records are copied.
// It waits for the broker only when several requests are on the wire.
func (p *TxnProducer) Send(ctx context.Context, batches ...ProduceBatch) error {
	if !p.ready {
		return p.unready("send")
	}
	if !p.collect(batches) {
		return nil
	}
	defer p.interruptible(ctx)()
	p.seal()
	p.take()
	if p.failed != nil {
		return p.check(p.failed)
	}
	if err := p.addPartitions(ctx); err != nil {
		return err
	}
	return p.check(p.push(ctx))
}

// Flush waits until every record sent so far is acknowledged; [TxnProducer.End] is exact afterwards.
func (p *TxnProducer) Flush(ctx context.Context) error {
	if !p.ready {
		return p.unready("flush")
	}
	if len(p.dirty) == 0 {
		return nil
	}
	p.seal()
	if err := p.addPartitions(ctx); err != nil {
		return err
	}
	return p.check(p.flush(ctx))
}

// End returns the position after the last record that this producer wrote to a partition, markers not counted.
// It is false when nothing was written there since Init.
func (p *TxnProducer) End(topic string, partition int32) (int64, bool) {
	o := p.boxes[TopicPartition{topic, partition}]
	if o == nil || o.acked < 0 {
		return 0, false
	}
	return o.acked, true
}

// Rest gives up the memory that is kept for later batches: call it where none is near.
func (p *TxnProducer) Rest() { p.rest() }

// Open says that a transaction is under way: records were sent or collected since the last Init, Commit or Abort.
func (p *TxnProducer) Open() bool { return p.open || len(p.dirty) > 0 }

// Commit flushes and commits. Without an open transaction it does nothing. When it returns nil, the transaction is
// committed whatever happens next. Its markers may still be on their way: a reader sees it a moment later.
func (p *TxnProducer) Commit(ctx context.Context) error {
	if err := p.Flush(ctx); err != nil {
		return err
	}
	return p.end(ctx, true)
}

// Abort drops the open transaction. Where sequence numbers were lost to an error, it takes the id over again, which
// aborts too and begins new sequences.
func (p *TxnProducer) Abort(ctx context.Context) error {
	if !p.ready {
		return p.unready("abort")
	}
	if p.failed != nil {
		return p.Init(ctx)
	}
	for _, o := range p.dirty {
		o.open = nil
	}
	p.buffered = 0
	if len(p.pending()) > 0 || p.inFlight > 0 {
		// Batches are under way; only the end of this epoch keeps a late one out of the next transaction.
		return p.Init(ctx)
	}
	return p.end(ctx, false)
}

func (p *TxnProducer) end(ctx context.Context, commit bool) error {
	if !p.open {
		return nil
	}
	op := "abort transaction of"
	if commit {
		op = "commit transaction of"
	}
	unknown, err := p.ask(ctx, 0, func(b *sarama.Broker) error {
		r, err := b.EndTxn(&sarama.EndTxnRequest{
			Version: 3, TransactionalID: p.id, ProducerID: p.who.id, ProducerEpoch: p.who.epoch, TransactionResult: commit,
		})
		if err != nil {
			return err
		}
		return kafkaError(r.Err)
	})
	if err != nil {
		p.ready = false
		class := producerClass(err)
		if errors.Is(class, ErrAbortable) {
			class = ErrUnknownOutcome
		}
		if unknown && !errors.Is(class, ErrUnknownOutcome) {
			// A repetition found another owner. The first attempt may have succeeded before.
			class = errors.Join(class, ErrUnknownOutcome)
		}
		return failure(op, p.id, class, err)
	}
	p.open = false
	for _, o := range p.boxes {
		o.inTxn = false
	}
	return nil
}

// addPartitions tells the coordinator which partitions the transaction touches, before anything is written there.
func (p *TxnProducer) addPartitions(ctx context.Context) error {
	add := map[string][]int32{}
	var boxes []*outbox
	for _, o := range p.dirty {
		if !o.inTxn && len(o.queue) > 0 {
			add[o.tp.Topic] = append(add[o.tp.Topic], o.tp.Partition)
			boxes = append(boxes, o)
		}
	}
	if len(boxes) == 0 {
		return nil
	}
	if p.always.Topic != "" {
		if o := p.box(p.always); !o.inTxn && !slices.Contains(boxes, o) {
			add[o.tp.Topic] = append(add[o.tp.Topic], o.tp.Partition)
			boxes = append(boxes, o)
		}
	}
	p.open = true
	patience := goneTopicPatience
	for _, o := range boxes {
		patience = max(patience, o.patience())
	}
	_, err := p.ask(ctx, patience, func(b *sarama.Broker) error {
		r, err := b.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{
			Version: 3, TransactionalID: p.id, ProducerID: p.who.id, ProducerEpoch: p.who.epoch, TopicPartitions: add,
		})
		if err != nil {
			return err
		}
		return firstPartitionError(r.Errors)
	})
	if err != nil {
		return p.check(failure("add partitions to the transaction of", p.id, producerClass(err), err))
	}
	for _, o := range boxes {
		o.inTxn = true
	}
	return nil
}

// firstPartitionError prefers a cause to "not attempted", which the other partitions get.
func firstPartitionError(errs map[string][]*sarama.PartitionError) error {
	var notAttempted error
	for topic, list := range errs {
		for _, e := range list {
			switch e.Err {
			case sarama.ErrNoError:
			case sarama.ErrOperationNotAttempted:
				notAttempted = e.Err
			default:
				return failure("add", TopicPartition{topic, e.Partition}.String(), nil, e.Err)
			}
		}
	}
	return notAttempted
}

// check notes whether an error leaves the producer usable.
func (p *TxnProducer) check(err error) error {
	switch {
	case err == nil:
	case errors.Is(err, ErrAbortable):
		if p.failed == nil {
			p.failed = err // Abort must take the id over: sequence numbers may be lost
		}
	default:
		p.ready = false
	}
	return err
}

func (p *TxnProducer) unready(op string) error {
	return failure(op, p.id, ErrUnknownOutcome, errors.New("the producer must be initialized first"))
}

// ask sends a request to the transaction coordinator and repeats it while the coordinator asks for that, moves or is
// unreachable, and for so long as patience while a topic is unknown. unknown says that at least one attempt may have been carried out although its answer does not say so.
func (p *TxnProducer) ask(ctx context.Context, patience time.Duration, f func(*sarama.Broker) error) (unknown bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.DeliveryTimeout)
	defer cancel()
	// A request cannot be called back; closing its connection is the only way to stop waiting.
	defer context.AfterFunc(ctx, p.coord.cut)()
	var pause backoff
	markers := backoff{least: time.Millisecond, most: 100 * time.Millisecond} // those of the last transaction, which are out in no time
	for began := time.Now(); ; {
		var sent bool
		sent, err = p.askOnce(f)
		unknown = unknown || sent && doubtful(err)
		lagging := errors.Is(err, sarama.ErrUnknownTopicOrPartition) && time.Since(began) < patience
		if err == nil || !retriableCoordinator(err) && !lagging {
			return unknown, err
		}
		wait := &pause
		if errors.Is(err, sarama.ErrConcurrentTransactions) {
			wait = &markers
		}
		if over := wait.wait(ctx); over != nil {
			return unknown, errors.Join(over, err)
		}
		if !lagging && wait == &pause {
			_ = p.c.meta.RefreshTransactionCoordinator(p.id) // its failure shows in the next attempt
		}
	}
}

// doubtful says that a coordinator may have done what it answers with this error: its log was written, but not to enough replicas in time.
func doubtful(err error) bool {
	return transport(err) || errors.Is(err, sarama.ErrConsumerCoordinatorNotAvailable) || errors.Is(err, sarama.ErrRequestTimedOut) ||
		errors.Is(err, sarama.ErrNotEnoughReplicasAfterAppend)
}

func (p *TxnProducer) askOnce(f func(*sarama.Broker) error) (sent bool, err error) {
	known, err := p.c.meta.TransactionCoordinator(p.id)
	if err != nil {
		return false, err
	}
	addr := known.Addr()
	b, err := p.coord.to(addr)
	if err != nil {
		return false, err
	}
	if err = f(b); transport(err) {
		p.coord.drop(addr)
	}
	return true, err
}

// Close drops the connections. An open transaction stays open until it is taken over or times out: Commit or
// Abort first where that matters (the embedded broker: always).
func (p *TxnProducer) Close() {
	p.coord.close()
	p.links.close()
}
