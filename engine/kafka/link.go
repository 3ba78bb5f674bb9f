package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// links are the connections of one owner: one per broker, opened when first used. A broker answers the requests of a
// connection one after the other, so owners do not share them: a slow fetch would hold back a commit.
//
// All methods but cut belong to the owner's goroutine.
type links struct {
	c *Client

	mu     sync.Mutex
	closed bool
	conns  map[string]net.Conn // open sockets, for cut

	brokers map[string]*sarama.Broker
}

func newLinks(c *Client) *links {
	return &links{c: c, conns: map[string]net.Conn{}, brokers: map[string]*sarama.Broker{}}
}

// to returns the connection to an address.
func (ls *links) to(addr string) (*sarama.Broker, error) {
	if b := ls.brokers[addr]; b != nil {
		return b, nil
	}
	conf := *ls.c.conf
	conf.Net.MaxOpenRequests = maxInFlight
	conf.Net.Proxy.Dialer = dialFunc(func(network, address string) (net.Conn, error) {
		conn, err := ls.c.cfg.Dial(network, address)
		if err != nil {
			return nil, err
		}
		return conn, ls.keep(addr, conn)
	})
	b := sarama.NewBroker(addr)
	if err := b.Open(&conf); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	if ok, err := b.Connected(); err != nil || !ok {
		ls.drop(addr)
		return nil, fmt.Errorf("connect to %s: %w", addr, errors.Join(sarama.ErrNotConnected, err))
	}
	ls.brokers[addr] = b
	return b, nil
}

func (ls *links) keep(addr string, conn net.Conn) error {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed {
		return errors.Join(ErrClosed, conn.Close())
	}
	ls.conns[addr] = conn
	return nil
}

// drop forgets a connection that failed; the next use opens another.
func (ls *links) drop(addr string) {
	b := ls.brokers[addr]
	delete(ls.brokers, addr)
	ls.mu.Lock()
	conn := ls.conns[addr]
	delete(ls.conns, addr)
	ls.mu.Unlock()
	if conn != nil {
		_ = conn.Close() // broken already; this only wakes sarama's reader
	}
	if b != nil {
		_ = b.Close()
	}
}

// cut closes all sockets, so that whoever waits for an answer gets an error at once. Any goroutine may call it.
func (ls *links) cut() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, conn := range ls.conns {
		_ = conn.Close()
	}
}

// shut is cut, and no connection may be opened afterwards. Any goroutine may call it.
func (ls *links) shut() {
	ls.mu.Lock()
	ls.closed = true
	ls.mu.Unlock()
	ls.cut()
}

// close releases everything; the owner calls it last.
func (ls *links) close() {
	ls.shut()
	for addr := range ls.brokers {
		ls.drop(addr)
	}
}

// leader returns the address of the broker that leads a partition, as far as known.
func (c *Client) leader(tp TopicPartition) (string, error) {
	b, err := c.meta.Leader(tp.Topic, tp.Partition)
	if err != nil {
		return "", fmt.Errorf("leader of %s: %w", tp, err)
	}
	return b.Addr(), nil
}

// backoff is the pause between attempts: it doubles from 5 ms to half a second, unless least and most say otherwise.
type backoff struct{ d, least, most time.Duration }

func (b *backoff) next() time.Duration {
	b.d = min(max(2*b.d, cmp.Or(b.least, 5*time.Millisecond)), cmp.Or(b.most, 500*time.Millisecond))
	return b.d
}

// wait sleeps, or returns the context's error.
func (b *backoff) wait(ctx context.Context) error {
	t := time.NewTimer(b.next())
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
