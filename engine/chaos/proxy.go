package chaos

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Proxy stands between servers and a broker, and cuts connections or holds them up: all of them, or those of one server.
type Proxy struct {
	target string
	l      net.Listener
	wg     sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	until  time.Time     // connections are refused until then
	pause  time.Duration // each piece of data waits so long, while slow is not over
	slow   time.Time
	parted map[string]time.Time // by the end of a client id: nothing passes until then
	closed bool
}

// Listen starts a proxy.
func Listen(addr, target string) (*Proxy, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start proxy of %s: %w", target, err)
	}
	p := &Proxy{target: target, l: l, conns: map[net.Conn]struct{}{}, parted: map[string]time.Time{}}
	p.wg.Go(p.accept)
	return p, nil
}

func (p *Proxy) accept() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return // closed
		}
		p.wg.Go(func() { p.serve(c) })
	}
}

func (p *Proxy) serve(c net.Conn) {
	if !p.add(c) {
		return
	}
	defer p.drop(c)
	in := bufio.NewReaderSize(c, 64<<10)
	client := clientID(in)
	b, err := net.Dial("tcp", p.target)
	if err != nil || !p.add(b) {
		return
	}
	defer p.drop(b)
	var wg sync.WaitGroup
	wg.Go(func() { p.copy(client, b, c, in) })
	p.copy(client, c, b, bufio.NewReaderSize(b, 64<<10))
	wg.Wait()
}

// clientID reads who is there from the first request, and leaves the request where it is. A request begins with its length (4 bytes),
// kind, version (2 each), number (4), and the client id with its length (2); see Kafka's protocol guide.
func clientID(in *bufio.Reader) string {
	const before = 14
	head, err := in.Peek(before)
	if err != nil {
		return ""
	}
	n := int(int16(binary.BigEndian.Uint16(head[before-2:])))
	if n < 0 {
		return ""
	}
	head, err = in.Peek(before + n)
	if err != nil {
		return ""
	}
	return string(head[before:])
}

// add keeps a connection, or closes it while connections are refused.
func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || time.Now().Before(p.until) {
		_ = c.Close()
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	_ = c.Close()
}

// copy passes data of a client on until either side is closed, and then closes both.
func (p *Proxy) copy(client string, dst, src net.Conn, from *bufio.Reader) {
	defer func() { _, _ = dst.Close(), src.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			for d := p.delay(client); d > 0; d = p.held(client) {
				time.Sleep(d)
			}
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// delay is how long a piece of data waits at first.
func (p *Proxy) delay(client string) time.Duration {
	p.mu.Lock()
	slow := time.Now().Before(p.slow)
	pause := p.pause
	p.mu.Unlock()
	if slow {
		return pause
	}
	return p.held(client)
}

// held is how long at least nothing of a client passes, in short steps.
func (p *Proxy) held(client string) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, until := range p.parted {
		if d := time.Until(until); d > 0 && !p.closed && strings.HasSuffix(client, name) {
			return min(d, 50*time.Millisecond)
		}
	}
	return 0
}

// Cut breaks all connections and refuses new ones for a while.
func (p *Proxy) Cut(refuse time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Now().Add(refuse)
	for c := range p.conns {
		_ = c.Close()
	}
}

// Delay holds each piece of data up, for a while.
func (p *Proxy) Delay(pause, total time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pause, p.slow = pause, time.Now().Add(total)
}

// Part keeps a client, known by the end of its id, from the broker for a while, as a network does that loses every packet: connections
// stay open, and what was sent meanwhile arrives late.
func (p *Proxy) Part(client string, total time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parted[client] = time.Now().Add(total)
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	_ = p.l.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut(0)
	p.wg.Wait()
}
