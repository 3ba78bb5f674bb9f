package kafka_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// fault loses answers between a client and its broker.
type fault struct {
	mu      sync.Mutex
	dial    func(network, address string) (net.Conn, error)
	key     int // of the request whose answer is lost next, or -1
	lost    bool
	stalled bool        // nothing passes
	sent    map[int]int // requests by key
	changed *sync.Cond
}

// faulty replaces the rig's client by one whose connections can fail.
func (r *rig) faulty() *fault {
	f := &fault{dial: r.cfg.Dial, key: -1, sent: map[int]int{}}
	f.changed = sync.NewCond(&f.mu)
	if f.dial == nil {
		f.dial = net.Dial
	}
	cfg := r.cfg
	cfg.Dial = func(network, address string) (net.Conn, error) {
		conn, err := f.dial(network, address)
		if err != nil {
			return nil, err
		}
		return &faultyConn{Conn: conn, f: f}, nil
	}
	c, err := kafka.Open(cfg)
	r.ok(err)
	r.Cleanup(func() { _ = c.Close() })
	r.c = c
	return f
}

// arm loses the answer to the next request with a key: the request is sent, then the connection ends.
func (f *fault) arm(key int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.key, f.lost = key, false
}

func (f *fault) hit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lost
}

// since counts the requests with a key that were sent after the last call.
func (f *fault) since(key int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.sent[key]
	f.sent[key] = 0
	return n
}

func (f *fault) stall(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stalled = on
	f.changed.Broadcast()
}

type faultyConn struct {
	net.Conn
	f      *fault
	cut    bool // guarded by f.mu
	closed bool // guarded by f.mu
}

// Write sees whole requests: size int32, then the key.
func (c *faultyConn) Write(b []byte) (int, error) {
	c.f.mu.Lock()
	for c.f.stalled && !c.closed {
		c.f.changed.Wait()
	}
	if len(b) > 6 {
		key := int(binary.BigEndian.Uint16(b[4:]))
		c.f.sent[key]++
		if c.f.key == key {
			c.f.key, c.f.lost, c.cut = -1, true, true
		}
	}
	c.f.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *faultyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b) // waits for the answer, so the request was carried out
	c.f.mu.Lock()
	cut := c.cut
	c.f.mu.Unlock()
	if cut {
		time.Sleep(5 * time.Millisecond)
		return 0, io.EOF
	}
	return n, err
}

func (c *faultyConn) Close() error {
	c.f.mu.Lock()
	c.closed = true
	c.f.changed.Broadcast()
	c.f.mu.Unlock()
	return c.Conn.Close()
}
