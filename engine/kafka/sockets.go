package kafka

import (
	"errors"
	"net"
	"sync"
)

// sockets are the open connections of a sarama client, which can be cut: sarama itself waits for the answers that it expects.
type sockets struct {
	dial func(network, address string) (net.Conn, error)

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{}
}

// Dial implements the dialer that sarama takes.
func (s *sockets) Dial(network, address string) (net.Conn, error) {
	conn, err := s.dial(network, address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.Join(ErrClosed, conn.Close())
	}
	k := &socket{conn, s}
	s.open[k] = struct{}{}
	return k, nil
}

// cut closes all connections, and no new one can be opened.
func (s *sockets) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for k := range s.open {
		_ = k.(*socket).Conn.Close() // whoever uses it sees the error
	}
	clear(s.open)
}

// socket is forgotten when it is closed.
type socket struct {
	net.Conn
	of *sockets
}

func (k *socket) Close() error {
	k.of.mu.Lock()
	delete(k.of.open, k)
	k.of.mu.Unlock()
	return k.Conn.Close()
}
