package chaos

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// Proxy stands between servers and a broker, and cuts connections or holds them up.
type Proxy struct {
	target string
	l      net.Listener
	wg     sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	until  time.Time     // connections are refused until then
	pause  time.Duration // each piece of data waits so long, while slow is not over
	slow   time.Time
	closed bool
}

// Listen starts a proxy.
func Listen(addr, target string) (*Proxy, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("start proxy of %s: %w", target, err)
	}
	p := &Proxy{target: target, l: l, conns: map[net.Conn]struct{}{}}
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
	b, err := net.Dial("tcp", p.target)
	if err != nil || !p.add(b) {
		return
	}
	defer p.drop(b)
	var wg sync.WaitGroup
	wg.Go(func() { p.copy(b, c) })
	p.copy(c, b)
	wg.Wait()
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

// copy passes data on until either side is closed, and then closes both.
func (p *Proxy) copy(dst, src net.Conn) {
	defer func() { _, _ = dst.Close(), src.Close() }()
	buf := make([]byte, 64<<10)
	for {
		n, err := src.Read(buf)
		if n > 0 {
			time.Sleep(p.delay())
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) delay() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().After(p.slow) {
		return 0
	}
	return p.pause
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

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	_ = p.l.Close()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.Cut(0)
	p.wg.Wait()
}
