package kafka_test

import (
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/child"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/kafka/embedded"
)

// TestUnreachable: the error has every address, its cause and a hint, and comes soon.
func TestUnreachable(t *testing.T) {
	closed, err := child.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = web.Close() }()
	go func() {
		for {
			conn, err := web.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			_ = conn.Close()
		}
	}()
	began := time.Now()
	_, err = kafka.Open(kafka.Config{Brokers: []string{closed, web.Addr().String()}, DialTimeout: time.Second})
	var unreachable *kafka.UnreachableError
	if !errors.As(err, &unreachable) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("open: %v", err)
	}
	for _, want := range []string{closed, web.Addr().String(), "refused", "hint:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %s", took)
	}
	if _, err := kafka.Open(kafka.Config{}); err == nil {
		t.Error("open without an address")
	}
}

// TestNoLeak: after everything is closed, no goroutine is left.
func TestNoLeak(t *testing.T) {
	before := goroutines()
	b, err := embedded.Open("", embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Cleanups run last to first: this one after the client's.
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			after := goroutines()
			if strings.Count(after, "\n\n") <= strings.Count(before, "\n\n") {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("goroutines before:\n%s\nand after:\n%s", before, after)
			}
		}
	})
	run(t, func(r *rig) {
		testRoundTrip(r)
		r.prefix += "2"
		testTwoReaders(r)
		topic := r.topic("slots", 2, nil)
		all := &ownership{owner: map[int32]string{}}
		m := r.join(all, topic, "a")
		r.settled(map[*owner]int{m: 2})
		r.ok(m.Leave())
		p := r.ready("busy") // closed with a transaction open
		r.ok(p.Send(r.ctx(), one(topic, 0, "x")))
		r.ok(p.Flush(r.ctx()))
		p.Close()
	}, &rig{cfg: kafka.Config{Brokers: []string{b.Addr()}, Dial: b.Dial}, embedded: b})
}

func goroutines() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
