package embedded

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// listener is what kfake accepts connections from: pipes from within the process, and guarded sockets if there is a
// port.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	tcp   net.Listener // nil without a port
}

func newListener() *listener {
	return &listener{conns: make(chan net.Conn), done: make(chan struct{})}
}

// listen opens a port, on loopback only: the broker has neither encryption nor authentication.
func (l *listener) listen(addr string, maxRequestBytes int) error {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if ip := tcp.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		return errors.Join(fmt.Errorf("listen on %s: the embedded broker has no access control, so it opens loopback addresses only", addr), tcp.Close())
	}
	l.tcp = tcp
	go func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return // closed
			}
			if l.hand(newGuard(conn, maxRequestBytes)) != nil {
				_ = conn.Close() // the broker is closing
			}
		}
	}()
	return nil
}

// dial makes a pipe and gives its other end to kfake.
func (l *listener) dial() (net.Conn, error) {
	client, server := newPipe()
	if err := l.hand(server); err != nil {
		return nil, err
	}
	return client, nil
}

func (l *listener) hand(conn net.Conn) error {
	select {
	case l.conns <- conn:
		return nil
	case <-l.done:
		return fmt.Errorf("dial embedded broker: %w", net.ErrClosed)
	}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener; kfake and Broker.Close both call it.
func (l *listener) Close() (err error) {
	l.once.Do(func() {
		close(l.done)
		if l.tcp != nil {
			err = l.tcp.Close()
		}
	})
	return err
}

// Addr implements net.Listener. kfake tells clients to connect to it.
func (l *listener) Addr() net.Addr {
	if l.tcp != nil {
		return l.tcp.Addr()
	}
	return pipeAddr{}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "embedded:9092" }
