package kafka

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

// MembershipConfig says which group to join, as whom, and what to do with the slots.
type MembershipConfig struct {
	// Group is the group id, one per service.
	Group string
	// Topic has one partition per slot. Nothing is consumed from it here.
	Topic string
	// InstanceID makes the member static: after a restart within SessionTimeout it gets its slots back at once, and
	// nobody else moves. It must be unique in the group and survive restarts. Required.
	InstanceID string
	// SessionTimeout is how long a silent member keeps its slots. Default 6 s, the least that brokers allow by default.
	SessionTimeout time.Duration
	// Heartbeat is how often the member reports, and learns of changes. Default a twentieth of SessionTimeout.
	Heartbeat time.Duration
	// HandOverTimeout is how long Own may take to return. Whoever takes longer loses all its slots. Default 30 s.
	HandOverTimeout time.Duration

	// Own is called for every slot that this member gets, in a goroutine of its own. ctx ends when the slot is to be
	// given up, or when ownership is in doubt; the slot goes to another member only after Own has returned. When Own
	// returns by itself, the slot stays with this member, idle, until the group moves it.
	Own func(ctx context.Context, slot int32)
	// Standbys is how many copies of each slot's state this member wants there to be on other members; the largest wish counts.
	Standbys int
	// Load tells of the slots that have tasks, whoever owns them. It is called when the group shares the slots. May be nil.
	Load func() map[int32]SlotLoad
	// StandBy is told, whenever the slots were shared, of which slots this member is to keep copies. A slot may be among them that it still owns,
	// and is about to lose. It must not block. May be nil.
	StandBy func(slots []int32)
	// Report gets errors that the membership overcomes by itself, from any goroutine. May be nil.
	Report func(error)
}

func (cfg MembershipConfig) withDefaults() (MembershipConfig, error) {
	if cfg.Group == "" || cfg.Topic == "" || cfg.InstanceID == "" || cfg.Own == nil {
		return cfg, errors.New("kafka: a membership needs group, topic, instance id and owner")
	}
	if cfg.SessionTimeout == 0 {
		cfg.SessionTimeout = 6 * time.Second
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = cfg.SessionTimeout / 20
	}
	if cfg.HandOverTimeout == 0 {
		cfg.HandOverTimeout = 30 * time.Second
	}
	if cfg.Load == nil {
		cfg.Load = func() map[int32]SlotLoad { return nil }
	}
	if cfg.StandBy == nil {
		cfg.StandBy = func([]int32) {}
	}
	if cfg.Report == nil {
		cfg.Report = func(error) {}
	}
	return cfg, nil
}

// Membership is a member of a group whose partitions are slots. Kafka's cooperative rebalancing moves only the slots
// that change hands; the others run on meanwhile. It has connections of its own, since joining blocks them.
type Membership struct {
	c       *Client
	cfg     MembershipConfig
	balance *balance
	sockets sockets
	group   sarama.ConsumerGroup
	cancel  context.CancelFunc
	wg      sync.WaitGroup // of adopt
	reports sync.WaitGroup // of report
	owning  atomic.Int64   // calls of Own that have not returned
	done    chan struct{}
	err     error // set before done is closed
}

// ErrInstanceTaken ends a membership: another process joined with the same instance id. Two with one id would throw
// each other out for ever.
var ErrInstanceTaken = errors.New("another process uses this instance id")

// Join starts a membership. It returns once the group's coordinator could be reached; slots follow.
func (c *Client) Join(cfg MembershipConfig) (*Membership, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Membership{c: c, cfg: cfg, done: make(chan struct{}), sockets: sockets{dial: c.cfg.Dial, open: map[net.Conn]struct{}{}}}
	m.balance = &balance{cfg: &m.cfg}
	if m.group, err = sarama.NewConsumerGroup(c.cfg.Brokers, cfg.Group, m.sarama()); err != nil {
		return nil, failure("join group", cfg.Group, nil, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	m.reports.Go(m.report)
	go m.run(ctx)
	m.wg.Go(func() { m.adopt(ctx) })
	return m, nil
}

func (m *Membership) sarama() *sarama.Config {
	conf := *m.c.conf
	conf.Net.Proxy.Dialer = &m.sockets
	// The coordinator answers a join only when all members have joined.
	conf.Net.ReadTimeout = m.cfg.HandOverTimeout + m.cfg.SessionTimeout + 10*time.Second
	conf.Metadata.Retry.Max = 5
	conf.Metadata.Retry.Backoff = 100 * time.Millisecond
	conf.Consumer.Return.Errors = true
	conf.Consumer.Offsets.AutoCommit.Enable = false
	conf.Consumer.Offsets.Initial = sarama.OffsetNewest
	conf.Consumer.Fetch.Default = 1024
	g := &conf.Consumer.Group
	g.InstanceId = m.cfg.InstanceID
	g.Session.Timeout = m.cfg.SessionTimeout
	g.Heartbeat.Interval = m.cfg.Heartbeat
	g.Rebalance.Timeout = m.cfg.HandOverTimeout
	g.Rebalance.GroupStrategies = []sarama.BalanceStrategy{m.balance, sarama.NewBalanceStrategyCooperativeSticky()}
	g.Rebalance.Retry.Backoff = 200 * time.Millisecond
	return &conf
}

// run keeps the member in the group until the membership ends.
func (m *Membership) run(ctx context.Context) {
	defer close(m.done)
	var pause backoff
	for ctx.Err() == nil {
		began := time.Now()
		err := m.group.Consume(ctx, []string{m.cfg.Topic}, claims{m})
		switch {
		case errors.Is(err, sarama.ErrFencedInstancedId):
			m.err = failure("stay in group", m.cfg.Group, errors.Join(ErrFatal, ErrInstanceTaken), err)
			return
		case errors.Is(err, sarama.ErrClosedConsumerGroup):
			return
		case err != nil && ctx.Err() == nil:
			m.cfg.Report(failure("stay in group", m.cfg.Group, nil, err))
		}
		if time.Since(began) > m.cfg.SessionTimeout {
			pause = backoff{}
		}
		if err != nil && pause.wait(ctx) != nil {
			return
		}
	}
}

// report passes errors on. They end when the group is closed.
func (m *Membership) report() {
	for err := range m.group.Errors() {
		m.cfg.Report(failure("stay in group", m.cfg.Group, nil, err))
	}
}

// claims adapts slots to sarama's partitions.
type claims struct{ m *Membership }

func (claims) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (claims) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim is called by sarama for every slot. If it returned before the slot is revoked, sarama would end the whole
// session, and with it every other slot; so it waits, whatever Own does.
func (c claims) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	c.m.owning.Add(1)
	defer c.m.owning.Add(-1)
	c.m.group.Pause(map[string][]int32{claim.Topic(): {claim.Partition()}})
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	go func() {
		// Nothing arrives while paused; the end of the messages is how sarama says that a slot is revoked.
		for range claim.Messages() {
		}
		cancel()
	}()
	c.m.cfg.Own(ctx, claim.Partition())
	<-ctx.Done()
	return nil
}

// Done is closed when the membership has ended, by Close, Leave or an error that only a person can solve.
func (m *Membership) Done() <-chan struct{} { return m.done }

// Err is why the membership ended, after Done.
func (m *Membership) Err() error { return m.err }

// Close gives up all slots here, but stays a member for others: they wait SessionTimeout for this instance to return.
// It waits until every Own has returned, and nothing is reported afterwards. The brokers are told nothing, so that nothing can fail: what sarama still has to say is what became of
// requests whose connections were cut.
func (m *Membership) Close() {
	m.cancel()
	m.end()
	m.wg.Wait()
	if err := m.group.Close(); err != nil {
		m.cfg.Report(failure("close group", m.cfg.Group, nil, err))
	}
	m.reports.Wait()
}

// end waits until the member has given up its slots. Whoever closes in the middle of a rebalance would wait for all other members to join, or for
// as long as they may take; but there is nothing that an answer could bring.
func (m *Membership) end() {
	const grace = 300 * time.Millisecond
	tick := time.NewTicker(grace / 6)
	defer tick.Stop()
	for idle := 0; ; {
		select {
		case <-m.done:
			m.sockets.cut() // adopt may wait for an answer
			return
		case <-tick.C:
		}
		if idle++; m.owning.Load() > 0 {
			idle = 0
		}
		if idle > 6 {
			m.sockets.cut()
		}
	}
}

// Leave is Close, and tells the group that this instance does not return: others get its slots at once.
func (m *Membership) Leave() error {
	m.Close()
	resp, err := m.c.admin.RemoveMemberFromConsumerGroup(m.cfg.Group, []string{m.cfg.InstanceID})
	if err == nil {
		err = kafkaError(resp.Err)
	}
	if err != nil && !errors.Is(err, sarama.ErrUnknownMemberId) {
		return failure("leave group", m.cfg.Group, nil, err)
	}
	return nil
}
