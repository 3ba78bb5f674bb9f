package server

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine"
)

// serve runs a server on a loopback port until the test ends, or until the returned function is called.
func serve(t *testing.T, api engine.API, change ...func(*Config)) (url string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	s := newTestServer(t, api)
	for _, f := range change {
		f(&s.cfg)
	}
	go func() { done <- s.Serve(ctx, l) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return "http://" + l.Addr().String(), stop
}

func endless() *fakeRows {
	rows := resultRows(engine.PushResult)
	rows.block, rows.done = true, make(chan struct{})
	return rows
}

func post(t *testing.T, c *http.Client, url, body string) *http.Response {
	t.Helper()
	resp, err := c.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// clients are one of each protocol.
func clients() map[string]*http.Client {
	h2 := new(http.Protocols)
	h2.SetUnencryptedHTTP2(true)
	return map[string]*http.Client{"HTTP/1.1": {Transport: &http.Transport{}}, "HTTP/2.0": {Transport: &http.Transport{Protocols: h2}}}
}

// Rows arrive while the query still runs, and a client that leaves ends it.
func TestStreaming(t *testing.T) {
	for proto, client := range clients() {
		rows := endless()
		url, _ := serve(t, &fakeAPI{query: func(context.Context, engine.Request) (engine.ResultSet, error) { return rows, nil }})
		resp := post(t, client, url+"/query-stream", `{"sql":"x"}`)
		if resp.Proto != proto {
			t.Errorf("got %s, want %s", resp.Proto, proto)
		}
		lines := bufio.NewScanner(resp.Body)
		for range 3 {
			if !lines.Scan() {
				t.Fatalf("%s: the stream ended: %v", proto, lines.Err())
			}
		}
		if lines.Text() != "[3,null]" {
			t.Errorf("%s: third line %s", proto, lines.Text())
		}
		resp.Body.Close()
		select {
		case <-rows.done:
		case <-time.After(time.Minute):
			t.Fatalf("%s: the query outlives its client", proto)
		}
		client.CloseIdleConnections()
	}
}

func TestShutdownEndsStreams(t *testing.T) {
	rows := endless()
	url, stop := serve(t, &fakeAPI{query: func(context.Context, engine.Request) (engine.ResultSet, error) { return rows, nil }})
	resp := post(t, http.DefaultClient, url+"/query", `{"ksql":"x"}`)
	defer resp.Body.Close()
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	go stop()
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(rest), `"error_code":50303`) {
		t.Errorf("the stream ends with %q (%v)", rest, err)
	}
}

func TestLargeHeader(t *testing.T) {
	url, _ := serve(t, &fakeAPI{})
	req, err := http.NewRequest(http.MethodGet, url+"/info", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Large", strings.Repeat("x", 2*maxHeaderBytes))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return // the connection was closed while we wrote
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", resp.StatusCode)
	}
}

// A body that never comes to its end costs a connection for the timeout and no longer.
func TestSlowBody(t *testing.T) {
	url, _ := serve(t, &fakeAPI{}, func(c *Config) { c.BodyTimeout = 100 * time.Millisecond })
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST /ksql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408") {
		t.Errorf("got %q (%v)", answer, err)
	}
}
