package chaos

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
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
	request := func(client string) []byte {
		head := []byte{0, 0, 0, byte(10 + len(client)), 0, 18, 0, 3, 0, 0, 0, 1, 0, byte(len(client))}
		return append(head, client...)
	}
	say := func(client string) (time.Duration, net.Conn, error) {
		began := time.Now()
		c, err := net.Dial("tcp", p.l.Addr().String())
		if err != nil {
			return 0, nil, err
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(began.Add(time.Minute))
		if _, err := c.Write(request(client)); err != nil {
			return 0, c, err
		}
		_, err = io.ReadFull(c, make([]byte, len(request(client))))
		return time.Since(began), c, err
	}
	_, c, err := say("server-a")
	if err != nil {
		t.Fatal(err)
	}
	p.Part("a", time.Minute)
	if _, _, err := say("server-b"); err != nil {
		t.Errorf("another client than the one that is parted: %v", err)
	}
	const hold = 300 * time.Millisecond
	began := time.Now()
	p.Part("a", hold)
	if _, _, err := say("server-a"); err != nil || time.Since(began) < hold {
		t.Errorf("an answer to a client that was parted came after %s: %v", time.Since(began), err)
	}
	p.Delay(50*time.Millisecond, time.Minute)
	if took, _, err := say("server-a"); err != nil || took < 100*time.Millisecond {
		t.Errorf("a delayed answer took %s: %v", took, err)
	}
	p.Cut(time.Minute)
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection was not cut")
	}
	if _, _, err := say("server-a"); err == nil {
		t.Error("a connection was let through while they are refused")
	}
}

func TestBatchComputation(t *testing.T) {
	got := wantSessions(EveryKind{}, &input{events: []fact{{"c", 2000, "u", 5}, {"a", 1000, "u", 1}, {"b", 1500, "u", 2}, {"d", 2501, "u", 7}}})
	want := Table{"u@1000-2000": "3 8", "u@2501-2501": "1 7"}
	if n, shown := compare(Tables{"sessions": want}, Tables{"sessions": got}); n != 0 {
		t.Error(shown)
	}
	if n, _ := compare(Tables{"x": {"a": "1", "b": "1"}}, Tables{"x": {"b": "2", "c": "1"}}); n != 3 {
		t.Errorf("%d differences, want 3", n)
	}
}

// TestOnce reads a final row that is there twice: it differs from any result that is right.
func TestOnce(t *testing.T) {
	o, got := &output{key: plainKey, columns: []string{"N"}, once: true}, Table{}
	for range 2 {
		if err := o.add(got, &kafka.Record{Key: []byte("k"), Value: []byte(`{"N":1}`)}); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := compare(Tables{"x": {"k": "1"}}, Tables{"x": got}); n != 1 {
		t.Errorf("%d differences, want 1", n)
	}
}
