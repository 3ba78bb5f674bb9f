package embedded_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/kafka/embedded"
)

func open(t *testing.T, dir string, opts embedded.Options) *embedded.Broker {
	t.Helper()
	b, err := embedded.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func client(t *testing.T, b *embedded.Broker) *kafka.Client {
	t.Helper()
	c, err := kafka.Open(kafka.Config{Brokers: []string{b.Addr()}, Dial: b.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func send(t *testing.T, p *kafka.TxnProducer, topic, value string) {
	t.Helper()
	ok(t, p.Send(t.Context(), kafka.ProduceBatch{Topic: topic, Records: []kafka.Record{{Timestamp: 1, Value: []byte(value)}}}))
}

// TestRestart: topics, settings, records, committed transactions and group offsets survive; aborted ones stay away.
func TestRestart(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	var boots []string
	for boot := range 4 {
		b := open(t, dir, embedded.Options{})
		boots = append(boots, b.BootID())
		c := client(t, b)
		err := c.CreateTopic(ctx, kafka.TopicSpec{Name: "t", Partitions: 2, Configs: map[string]string{"retention.ms": "-1"}})
		if boot == 0 {
			ok(t, err)
		} else if !errors.Is(err, kafka.ErrTopicExists) {
			t.Fatalf("boot %d: create topic: %v", boot, err)
		}
		conf, err := c.DescribeConfigs("t")
		ok(t, err)
		if conf["retention.ms"] != "-1" {
			t.Fatalf("boot %d: retention.ms is %q", boot, conf["retention.ms"])
		}
		p := c.NewTxnProducer(kafka.TxnConfig{ID: "slot-0-" + b.BootID()})
		ok(t, p.Init(ctx))
		send(t, p, "t", fmt.Sprint("kept ", boot))
		ok(t, p.Commit(ctx))
		send(t, p, "t", "dropped")
		ok(t, p.Flush(ctx))
		ok(t, p.Abort(ctx))
		p.Close()
		r := c.NewReader()
		var got []string
		for batch, err := range r.All(ctx, "t", 0) {
			ok(t, err)
			for _, rec := range batch.Records {
				got = append(got, string(rec.Value))
			}
		}
		r.Close()
		if len(got) != boot+1 || got[boot] != fmt.Sprint("kept ", boot) {
			t.Fatalf("boot %d: got %q", boot, got)
		}
		ok(t, c.Close())
		ok(t, b.Close())
		ok(t, b.Close()) // a second Close does nothing
	}
	if boots[0] == boots[1] || len(boots[0]) < 8 {
		t.Errorf("boot ids %q", boots)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, embedded.Options{})
	if _, err := embedded.Open(dir, embedded.Options{}); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("a second broker on the directory: %v", err)
	}
	ok(t, b.Close())
	ok(t, open(t, dir, embedded.Options{}).Close())
}

func TestBadDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	ok(t, os.WriteFile(file, nil, 0o600))
	if _, err := embedded.Open(file, embedded.Options{}); err == nil || !strings.Contains(err.Error(), "data directory") {
		t.Errorf("a file as directory: %v", err)
	}
}

// TestPort: without Listen nothing can connect, with it loopback only.
func TestPort(t *testing.T) {
	if b := open(t, "", embedded.Options{}); b.Listening() {
		t.Error("a port is open that nobody asked for")
	}
	if _, err := embedded.Open("", embedded.Options{Listen: "0.0.0.0:0"}); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("listen on all addresses: %v", err)
	}
	b := open(t, "", embedded.Options{Listen: "127.0.0.1:0"})
	if _, err := embedded.Open("", embedded.Options{Listen: b.Addr()}); err == nil || !strings.Contains(err.Error(), "listen") {
		t.Errorf("a port in use: %v", err)
	}
	c, err := kafka.Open(kafka.Config{Brokers: []string{b.Addr()}}) // through the port
	ok(t, err)
	ok(t, c.CreateTopic(t.Context(), kafka.TopicSpec{Name: "t", Partitions: 1}))
	ok(t, c.Close())
	if info, err := client(t, b).DescribeTopic("t"); err != nil || info.Partitions != 1 { // and from within
		t.Errorf("%+v, %v", info, err)
	}
}

// TestHostile: nothing that arrives at the port ends the process or disturbs other clients.
func TestHostile(t *testing.T) {
	b := open(t, "", embedded.Options{
		Listen: "127.0.0.1:0", MaxRequestBytes: 1 << 16, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	request := func(size int32, key, version int16, body ...byte) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(size))
		out = binary.BigEndian.AppendUint16(out, uint16(key))
		out = binary.BigEndian.AppendUint16(out, uint16(version))
		return append(out, body...)
	}
	filled := func(n int) []byte { return []byte(strings.Repeat("\xff", n)) }
	attacks := map[string][]byte{
		"nothing":         {},
		"web page":        []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		"unknown key":     request(12, 9999, 0, filled(8)...),
		"negative key":    request(12, -1, 0, filled(8)...),
		"huge size":       request(1<<30, 3, 0, filled(8)...),
		"negative size":   request(-5, 3, 0, filled(8)...),
		"tiny size":       request(2, 3, 0, filled(8)...),
		"huge version":    request(12, 3, 30000, filled(8)...),
		"negative":        request(12, 3, -2, filled(8)...),
		"no such version": request(12, 0, 99, filled(8)...),
		"cut off":         request(1000, 3, 1, filled(8)...),
	}
	c := client(t, b)
	for name, attack := range attacks {
		conn, err := net.Dial("tcp", b.Addr())
		ok(t, err)
		if _, err := conn.Write(attack); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		ok(t, conn.SetReadDeadline(time.Now().Add(5*time.Millisecond)))
		_, _ = io.ReadAll(conn)
		ok(t, conn.Close())
		if _, err := c.ListTopics(); err != nil {
			t.Fatalf("after %q: %v", name, err)
		}
	}
	refused, err := net.Dial("tcp", b.Addr())
	ok(t, err)
	defer func() { _ = refused.Close() }()
	_, err = refused.Write(attacks["unknown key"])
	ok(t, err)
	ok(t, refused.SetReadDeadline(time.Now().Add(time.Minute)))
	if _, err := refused.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("a refused connection stays open: %v", err)
	}
}

// TestRubbish sends requests that do not parse, or that parse and lie: random bodies for every key and version, and what
// a client really sends, changed at random places.
func TestRubbish(t *testing.T) {
	b := open(t, t.TempDir(), embedded.Options{Listen: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	rnd := rand.New(rand.NewPCG(1, 2))
	for key := range int16(100) {
		for version := range int16(20) {
			body := make([]byte, 12+rnd.IntN(80))
			zeros := rnd.Float64()
			for i := range body {
				if rnd.Float64() > zeros {
					body[i] = byte(rnd.UintN(256))
				}
			}
			binary.BigEndian.PutUint16(body[0:], uint16(key))
			binary.BigEndian.PutUint16(body[2:], uint16(version))
			copy(body[8:], []byte{0, 1, 't'}) // a client id, so that the rest is reached
			attack(t, b, append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
		}
	}
	for _, frame := range conversation(t, b) {
		for range 20 {
			changed := slices.Clone(frame)
			for range 1 + rnd.IntN(3) {
				changed[8+rnd.IntN(len(frame)-8)] = []byte{0, 1, 0x7f, 0x80, 0xff, byte(rnd.UintN(256))}[rnd.IntN(6)]
			}
			attack(t, b, changed)
		}
	}
	time.Sleep(100 * time.Millisecond)
	if _, err := client(t, b).ListTopics(); err != nil {
		t.Fatal(err)
	}
}

func attack(t *testing.T, b *embedded.Broker, frame []byte) {
	conn, err := net.Dial("tcp", b.Addr())
	ok(t, err)
	_, err = conn.Write(frame)
	ok(t, err)
	ok(t, conn.Close())
}

// recorder keeps what a client sends: sarama writes every request at once.
type recorder struct {
	net.Conn
	keep func([]byte)
}

func (r recorder) Write(b []byte) (int, error) {
	r.keep(slices.Clone(b))
	return r.Conn.Write(b)
}

// conversation returns the requests of a client that uses everything.
func conversation(t *testing.T, b *embedded.Broker) (frames [][]byte) {
	var mu sync.Mutex
	c, err := kafka.Open(kafka.Config{Brokers: []string{b.Addr()}, Dial: func(network, address string) (net.Conn, error) {
		conn, err := b.Dial(network, address)
		return recorder{conn, func(frame []byte) {
			mu.Lock()
			defer mu.Unlock()
			frames = append(frames, frame)
		}}, err
	}})
	ok(t, err)
	ctx := t.Context()
	ok(t, c.CreateTopic(ctx, kafka.TopicSpec{Name: "t", Partitions: 2, Configs: map[string]string{"cleanup.policy": "compact"}}))
	p := c.NewTxnProducer(kafka.TxnConfig{ID: "x"})
	ok(t, p.Init(ctx))
	for range 3 {
		send(t, p, "t", "value")
		ok(t, p.Commit(ctx))
	}
	p.Close()
	values(t, c, "k")
	ok(t, c.CommitOffsets(ctx, "g", map[kafka.TopicPartition]int64{{Topic: "t"}: 1}))
	_, err = c.CommittedOffsets("g", kafka.TopicPartition{Topic: "t"})
	ok(t, err)
	m, err := c.Join(kafka.MembershipConfig{Group: "members", Topic: "t", InstanceID: "i", Own: func(ctx context.Context, _ int32) { <-ctx.Done() }})
	ok(t, err)
	time.Sleep(200 * time.Millisecond)
	ok(t, m.Leave())
	_, err = c.DescribeConfigs("t")
	ok(t, err)
	ok(t, c.DeleteRecords("t", map[int32]int64{0: 1}))
	ok(t, c.DeleteTopics("t"))
	ok(t, c.Close())
	mu.Lock()
	defer mu.Unlock()
	return slices.DeleteFunc(frames, func(f []byte) bool { return len(f) < 16 })
}

// TestCompact: with every transaction decided, compaction keeps the last committed value. Inside an open transaction it
// takes the committed record for the sake of one that is aborted later: that is why the cleaner is off, and Compact has
// its rule. When the second half fails, kfake has learned it, and both can go.
func TestCompact(t *testing.T) {
	for _, inside := range []bool{false, true} {
		ctx, b := t.Context(), open(t, "", embedded.Options{})
		c := client(t, b)
		ok(t, c.CreateTopic(ctx, kafka.TopicSpec{Name: "t", Partitions: 1, Configs: map[string]string{
			"cleanup.policy": "compact", "retention.ms": "-1", "segment.ms": "1", "min.cleanable.dirty.ratio": "0",
		}}))
		p := c.NewTxnProducer(kafka.TxnConfig{ID: "x"})
		defer p.Close()
		ok(t, p.Init(ctx))
		set := func(k, v string) {
			time.Sleep(2 * time.Millisecond) // the last segment is closed by the next write
			ok(t, p.Send(ctx, kafka.ProduceBatch{Topic: "t", Records: []kafka.Record{{Timestamp: 1, Key: []byte(k), Value: []byte(v)}}}))
			ok(t, p.Flush(ctx))
		}
		set("k", "superseded")
		ok(t, p.Commit(ctx))
		set("k", "committed")
		ok(t, p.Commit(ctx))
		set("k", "open")
		set("other", "open")
		if inside {
			b.Compact()
		}
		ok(t, p.Abort(ctx))
		set("end", "")
		ok(t, p.Commit(ctx))
		if !inside {
			b.Compact()
		}
		got := values(t, c, "k")
		if want := map[bool]string{false: "[committed]", true: "[]"}[inside]; fmt.Sprint(got) != want {
			t.Errorf("compaction inside a transaction %v: got %v, want %v", inside, got, want)
		}
	}
}

func values(t *testing.T, c *kafka.Client, key string) (out []string) {
	r := c.NewReader()
	defer r.Close()
	for batch, err := range r.All(t.Context(), "t", 0) {
		ok(t, err)
		for _, rec := range batch.Records {
			if string(rec.Key) == key {
				out = append(out, string(rec.Value))
			}
		}
	}
	return out
}
