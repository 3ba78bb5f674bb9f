package embedded

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"
)

// TestPipe sends more than the buffer holds, in odd pieces, both ways at once.
func TestPipe(t *testing.T) {
	a, b := newPipe()
	sent := make([]byte, 5*pipeBytes+12345)
	for i := range sent {
		sent[i] = byte(rand.UintN(256))
	}
	errs := make(chan error, 4)
	move := func(from, to net.Conn) {
		go func() {
			rest := sent
			var err error
			for len(rest) > 0 && err == nil {
				n := min(len(rest), 1+rand.IntN(100_000))
				_, err = from.Write(rest[:n])
				rest = rest[n:]
			}
			errs <- err
		}()
		go func() {
			got := make([]byte, 0, len(sent))
			var err error
			for len(got) < len(sent) && err == nil {
				var n int
				n, err = to.Read(got[len(got):min(cap(got), len(got)+1+rand.IntN(70_000))])
				got = got[:len(got)+n]
			}
			if err == nil && !bytes.Equal(got, sent) {
				err = errors.New("other bytes arrived")
			}
			errs <- err
		}()
	}
	move(a, b)
	move(b, a)
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// TestPipeClose: the other end reads what was written, then the end; writing fails; waiting ends.
func TestPipeClose(t *testing.T) {
	a, b := newPipe()
	if _, err := a.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() {
		_, err := a.Read(make([]byte, 1))
		waiting <- err
	}()
	_ = a.Close()
	if err := <-waiting; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read during Close: %v", err)
	}
	if got, err := io.ReadAll(b); err != nil || string(got) != "last words" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write to a closed end: %v", err)
	}
}

func TestPipeDeadline(t *testing.T) {
	a, b := newPipe()
	past, soon := time.Now().Add(-time.Second), time.Now().Add(20*time.Millisecond)
	for _, at := range []time.Time{past, soon} {
		if err := a.SetReadDeadline(at); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
	}
	if err := a.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Write(make([]byte, 2*pipeBytes)); n != pipeBytes || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %d, %v", n, err)
	}
	if err := a.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = b.Write([]byte("x")) }()
	if n, err := a.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("read after the deadline was lifted: %d, %v", n, err)
	}
}
