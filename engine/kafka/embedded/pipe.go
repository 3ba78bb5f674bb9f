package embedded

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeBytes is how much a writer may be ahead of the reader in each direction.
const pipeBytes = 256 << 10

// pipe is one end of a connection in memory. Unlike net.Pipe it has a buffer, so that a client can send its next
// request while the broker works on the last.
type pipe struct {
	in, out *half
}

func newPipe() (client, server net.Conn) {
	a, b := newHalf(), newHalf()
	return &pipe{in: a, out: b}, &pipe{in: b, out: a}
}

func (p *pipe) Read(b []byte) (int, error)  { return p.in.read(b) }
func (p *pipe) Write(b []byte) (int, error) { return p.out.write(b) }

// Close ends both directions: the other end reads what was written before, then io.EOF.
func (p *pipe) Close() error {
	p.out.close(false)
	p.in.close(true)
	return nil
}

func (p *pipe) LocalAddr() net.Addr  { return pipeAddr{} }
func (p *pipe) RemoteAddr() net.Addr { return pipeAddr{} }

func (p *pipe) SetDeadline(t time.Time) error {
	p.in.reading.set(t)
	p.out.writing.set(t)
	return nil
}

func (p *pipe) SetReadDeadline(t time.Time) error {
	p.in.reading.set(t)
	return nil
}

func (p *pipe) SetWriteDeadline(t time.Time) error {
	p.out.writing.set(t)
	return nil
}

// half is one direction: a ring of bytes between one reader and one writer.
type half struct {
	mu      sync.Mutex
	changed sync.Cond
	ring    []byte
	at, n   int // the ring holds n bytes from at
	ended   bool
	broken  bool // the reader went away
	reading deadline
	writing deadline
}

func newHalf() *half {
	h := &half{}
	h.changed.L = &h.mu
	h.reading.h, h.writing.h = h, h
	return h
}

func (h *half) close(byReader bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	h.broken = h.broken || byReader
	h.changed.Broadcast()
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.n == 0 {
		switch {
		case h.broken:
			return 0, net.ErrClosed
		case h.ended:
			return 0, io.EOF
		case h.reading.passed:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		}
		h.changed.Wait()
	}
	if h.broken {
		return 0, net.ErrClosed
	}
	end := min(h.at+h.n, len(h.ring))
	n := copy(b, h.ring[h.at:end])
	h.at = (h.at + n) % len(h.ring)
	h.n -= n
	if h.n == 0 {
		h.at = 0
	}
	h.changed.Broadcast()
	return n, nil
}

func (h *half) write(b []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(b) > 0 {
		switch {
		case h.ended:
			return n, io.ErrClosedPipe
		case h.writing.passed:
			return n, os.ErrDeadlineExceeded
		case h.n == len(h.ring) && !h.grow(len(b)):
			h.changed.Wait()
			continue
		}
		from := (h.at + h.n) % len(h.ring)
		to := len(h.ring)
		if from < h.at {
			to = h.at
		}
		m := copy(h.ring[from:to], b)
		h.n += m
		n, b = n+m, b[m:]
		h.changed.Broadcast()
	}
	return n, nil
}

// grow enlarges a full ring for more bytes; false at the limit. Idle connections stay small.
func (h *half) grow(more int) bool {
	if len(h.ring) == pipeBytes {
		return false
	}
	size := min(max(2*len(h.ring), h.n+more, 1024), pipeBytes)
	ring := make([]byte, size)
	n := copy(ring, h.ring[h.at:])
	copy(ring[n:], h.ring[:h.at])
	h.ring, h.at = ring, 0
	return true
}

// deadline wakes the half when its time has passed.
type deadline struct {
	h      *half
	timer  *time.Timer
	turn   int // counts, so that a timer that was too late to stop has no effect
	passed bool
}

func (d *deadline) set(t time.Time) {
	d.h.mu.Lock()
	defer d.h.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	d.turn++
	d.passed = false
	if t.IsZero() {
		return
	}
	wait, turn := time.Until(t), d.turn
	if wait <= 0 {
		d.passed = true
		d.h.changed.Broadcast()
		return
	}
	d.timer = time.AfterFunc(wait, func() {
		d.h.mu.Lock()
		defer d.h.mu.Unlock()
		if d.turn == turn {
			d.passed = true
			d.h.changed.Broadcast()
		}
	})
}
