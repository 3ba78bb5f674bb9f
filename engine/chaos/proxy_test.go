package chaos

import (
	"io"
	"net"
	"testing"
	"time"
)

// echo answers what it is sent.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

func TestProxy(t *testing.T) {
	p, err := Listen("127.0.0.1:0", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	say := func() (time.Duration, net.Conn, error) {
		began := time.Now()
		c, err := net.Dial("tcp", p.l.Addr().String())
		if err != nil {
			return 0, nil, err
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := c.Write([]byte("ping")); err != nil {
			return 0, c, err
		}
		_, err = io.ReadFull(c, make([]byte, 4))
		return time.Since(began), c, err
	}
	_, c, err := say()
	if err != nil {
		t.Fatal(err)
	}
	p.Delay(50*time.Millisecond, time.Minute)
	if took, _, err := say(); err != nil || took < 100*time.Millisecond {
		t.Errorf("a delayed answer took %s: %v", took, err)
	}
	p.Cut(time.Minute)
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection was not cut")
	}
	if _, _, err := say(); err == nil {
		t.Error("a connection was let through while they are refused")
	}
}

func TestBatchComputation(t *testing.T) {
	got := sessions([]fact{{"c", 2000, "u", 5}, {"a", 1000, "u", 1}, {"b", 1500, "u", 2}, {"d", 2501, "u", 7}})
	want := Table{"u@1000-2000": "3/8", "u@2501-2501": "1/7"}
	if n, shown := compare(Tables{"sessions": want}, Tables{"sessions": got}); n != 0 {
		t.Error(shown)
	}
	if n, _ := compare(Tables{"x": {"a": "1", "b": "1"}}, Tables{"x": {"b": "2", "c": "1"}}); n != 3 {
		t.Errorf("%d differences, want 3", n)
	}
}
