package remote

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/millrace/millrace/udf/model"
)

// TestBreaker: after failures in a row nobody asks the server, then one request tries it, and what that finds holds for all.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := DefaultPolicy()
		p.Retries, p.Failures, p.Pause = 0, 3, time.Minute
		c := newCaller(p)
		asked, failing := 0, true
		ask := func() error {
			return c.do(t.Context(), func(context.Context) error {
				asked++
				if failing {
					return fault(passing, "the server is away")
				}
				return nil
			})
		}
		for range 10 {
			err := ask()
			if !errors.Is(err, model.ErrUnavailable) || !strings.Contains(err.Error(), "the server is away") {
				t.Fatalf("the error does not tell the cause: %v", err)
			}
		}
		if asked != 3 || c.breaker.state() != CircuitOpen {
			t.Fatalf("asked %d times, the circuit is %v", asked, c.breaker.state())
		}
		time.Sleep(time.Minute)
		if c.breaker.state() != CircuitHalfOpen {
			t.Error("the circuit is not half-open after its pause")
		}
		_, _ = ask(), ask()
		if asked != 4 {
			t.Errorf("a server that is still away was asked %d times, not once", asked-3)
		}
		time.Sleep(time.Minute)
		failing = false
		if err := ask(); err != nil || c.breaker.state() != CircuitClosed {
			t.Errorf("the server is back: %v, the circuit is %v", err, c.breaker.state())
		}
	})
}

// TestProbe: while one request tries a server no other one does, and one that was given up decides nothing.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := DefaultPolicy()
		p.Retries, p.Failures, p.Pause = 0, 1, time.Minute
		c := newCaller(p)
		_ = c.do(t.Context(), func(context.Context) error { return fault(passing, "away") })
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = c.do(ctx, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		})
		synctest.Wait()
		var open *OpenError
		if err := c.do(t.Context(), func(context.Context) error { t.Error("two requests try the server"); return nil }); !errors.As(err, &open) {
			t.Errorf("got %v", err)
		}
		cancel()
		wg.Wait()
		if err := c.do(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Errorf("after a probe that was given up: %v", err)
		}
	})
}

// TestPauses: repetitions come later each time, at times that differ, and end with the batch's time.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := DefaultPolicy()
		p.Retries, p.Failures = 10, 1000
		c := newCaller(p)
		ctx, cancel := context.WithTimeout(t.Context(), model.MaxWait)
		defer cancel()
		began := time.Now()
		var at []time.Duration
		err := c.do(ctx, func(context.Context) error {
			at = append(at, time.Since(began))
			return fault(passing, "away")
		})
		if err == nil || time.Since(began) > model.MaxWait {
			t.Fatalf("%v after %s", err, time.Since(began))
		}
		longest := firstPause
		for i := 1; i < len(at); i++ {
			if pause := at[i] - at[i-1]; pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %s, not between %s and %s", i, pause, longest/2, longest)
			}
			longest = min(2*longest, lastPause)
		}
		if len(at) < 7 {
			t.Errorf("asked %d times", len(at))
		}
	})
}

// TestRefusalsCloseNothing: a server that refuses rows works.
func TestRefusalsCloseNothing(t *testing.T) {
	c := newCaller(DefaultPolicy())
	for range 20 {
		err := c.do(t.Context(), func(context.Context) error { return fault(refused, "bad rows") })
		if err == nil || errors.Is(err, model.ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
	}
	if s := c.statistics(); s.Refusals != 20 || s.Failures != 0 || s.Requests != 20 || s.Circuit != CircuitClosed || s.Retries != 0 {
		t.Errorf("statistics %+v", s)
	}
}

func TestPolicy(t *testing.T) {
	p := DefaultPolicy()
	for _, set := range [][2]string{
		{"TIMEOUT", "200 ms"}, {"RETRIES", "3"}, {"CONCURRENCY", "4"}, {"MAX_ROWS", "10"}, {"MAX_BYTES", "4096"}, {"BREAKER_FAILURES", "2"}, {"BREAKER_PAUSE", "1m"},
	} {
		if err := p.Set(set[0], set[1]); err != nil {
			t.Error(err)
		}
	}
	if want := (Policy{200 * time.Millisecond, 3, 4, 10, 4096, 2, time.Minute}); p != want {
		t.Errorf("got %+v", p)
	}
	for _, set := range [][2]string{
		{"TIMEOUT", "11 s"}, {"TIMEOUT", "200"}, {"TIMEOUT", "-1 s"}, {"RETRIES", "-1"}, {"RETRIES", "many"}, {"CONCURRENCY", "0"}, {"MAX_ROWS", "1e3"}, {"COLOUR", "red"},
	} {
		if err := p.Set(set[0], set[1]); err == nil {
			t.Errorf("%s = %s was accepted", set[0], set[1])
		}
	}
}

// FuzzAnswer: no bytes of an answer make a protocol panic, nor write beyond its rows.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"outputs": [{"name": "y", "datatype": "FP64", "shape": [2, 2], "data": [1, 2, 3, 4]}]}`,
		`{"outputs": {"y": [[1, 2], [3, 4]]}}`, `{"predictions": [[1, 2], {"y": [1, NaN]}]}`, "\x2a\x0d\x0a\x01y\x12\x04FP64\x1a\x02\x02\x02",
	} {
		f.Add([]byte(seed))
	}
	d := &Descriptor{Outputs: []Tensor{{"y", "FP64", []int64{-1, 2}}, {"z", "BYTES", []int64{-1}}}}
	f.Fuzz(func(t *testing.T, body []byte) {
		out := []model.Column{{Float64: make([]float64, 8)}, {String: make([]string, 4)}}
		b := &batch{out: out, lo: 1, hi: 3}
		_ = (&oip{d: d}).response(&stats{}, b, body, body)
		_ = (&tfserving{d: d}).response(b, body)
		_ = (&mlflow{d: d}).response(b, body)
		var outputs []Tensor
		var typed, raw [][]byte
		_ = fields(body, gather(new(string), &outputs, &typed, &raw))
		_ = (&oipGRPC{d: d}).place(b, outputs, typed, raw)
		y, z := out[0].Float64, out[1].String
		if y[0] != 0 || y[1] != 0 || y[6] != 0 || y[7] != 0 || z[0] != "" || z[3] != "" {
			t.Errorf("rows beside the batch were written: %v %q", y, z)
		}
	})
}
