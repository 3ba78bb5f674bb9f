package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// push measures idle push queries, which all read one topic.
func (c *crowd) push(ctx context.Context, pushes int) (err error) {
	if pushes == 0 {
		return nil
	}
	if c.s, err = c.start(ctx); err != nil {
		return err
	}
	defer func() { c.stop(c.s) }()
	if err := c.define(ctx); err != nil {
		return err
	}
	if err := c.standing(ctx, "no push"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &listeners{arrived: make(chan struct{}, pushes)}
	defer l.wg.Wait()
	defer cancel()
	took := make([]float64, 0, pushes)
	for i := range pushes {
		began := time.Now()
		if err := l.open(ctx, c.s.api.URL, fmt.Sprintf("SELECT k, v FROM orders WHERE v > %d EMIT CHANGES;", -1-i)); err != nil {
			return fmt.Errorf("push query %d: %w", i+1, err)
		}
		took = append(took, 1e3*time.Since(began).Seconds())
		fmt.Fprintf(c.Progress, "\rpush: %d of %d", i+1, pushes)
	}
	fmt.Fprintln(c.Progress)
	slices.Sort(took)
	c.figure("push", "until a query's header came, p50 ms", "%.0f", quantile(took, 0.5))
	c.figure("push", "until a query's header came, p99 ms", "%.0f", quantile(took, 0.99))
	if err := c.standing(ctx, "push"); err != nil {
		return err
	}
	began := time.Now()
	if err := c.send(ctx, 1); err != nil {
		return err
	}
	if err := l.await(ctx, pushes); err != nil {
		return err
	}
	c.figure("push", "until all had a record that came, ms", "%.0f", 1e3*time.Since(began).Seconds())
	return nil
}

// listeners are clients of push queries, each with a connection of its own.
type listeners struct {
	wg      sync.WaitGroup
	arrived chan struct{} // one for each client that had its first row
}

// open starts a push query, and returns when it runs.
func (l *listeners) open(ctx context.Context, url, sql string) error {
	body, err := json.Marshal(map[string]string{"sql": sql})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/query-stream", bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err
	}
	lines := bufio.NewReader(resp.Body)
	header, err := lines.ReadString('\n')
	if resp.StatusCode != http.StatusOK || err != nil {
		return errors.Join(fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(header)), err, resp.Body.Close())
	}
	l.wg.Go(func() {
		defer func() { _ = resp.Body.Close() }()
		if _, err := lines.ReadString('\n'); err == nil {
			l.arrived <- struct{}{}
		}
		_, _ = io.Copy(io.Discard, lines) // to the end of the context
	})
	return nil
}

// await waits until so many clients have had a row.
func (l *listeners) await(ctx context.Context, clients int) error {
	deadline := time.After(time.Minute)
	for n := range clients {
		select {
		case <-l.arrived:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("a minute after a record came %d of %d clients had it", n, clients)
		}
	}
	return nil
}
