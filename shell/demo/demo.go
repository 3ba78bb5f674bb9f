package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/millrace/millrace/engine"
	"github.com/millrace/millrace/engine/server"
	"github.com/millrace/millrace/shell/client"
)

// Options of a run.
type Options struct {
	DataDir  string
	Listen   string        // address of the server
	Once     bool          // end when the rows are scored
	Pace     time.Duration // between two rows
	Out      io.Writer     // results
	Progress io.Writer     // the progress line; nil: none
	Logger   *slog.Logger
}

// Run plays the demo on an engine of its own with the broker inside. It returns when all is scored, or with Once unset when ctx ends.
func Run(ctx context.Context, o Options) (err error) {
	d, err := load()
	if err != nil {
		return err
	}
	models := filepath.Join(o.DataDir, "models")
	if err := writeModel(models); err != nil {
		return err
	}
	e, err := engine.Open(ctx, engine.Options{DataDir: o.DataDir, ModelDir: models, Logger: o.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close(context.WithoutCancel(ctx))) }()
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	serve, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	var served error
	wg.Go(func() { served = server.New(e, server.Config{Addr: o.Listen, Logger: o.Logger}).Serve(serve, l) })
	defer func() {
		stop()
		wg.Wait()
		err = errors.Join(err, served)
	}()
	c, err := client.New("http://" + l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	r := &run{o: o, data: d, client: c, tally: newTally(d), player: &player{client: e.Kafka(), data: d, pace: o.Pace}}
	if err := r.play(ctx); err != nil {
		return err
	}
	if o.Once {
		return nil
	}
	fmt.Fprintf(o.Out, "\nThe server stays at %s. Look around with\n  millrace --server %s\n  SELECT * FROM scored EMIT CHANGES;   SHOW QUERIES;   DESCRIBE MODEL cancer;\nCtrl-C ends it.\n",
		c.Server(), c.Server())
	<-ctx.Done()
	return nil
}

func writeModel(dir string) error {
	b, err := files.ReadFile("data/cancer.onnx")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "cancer.onnx"), b, 0o600)
}

// run is one run of the demo.
type run struct {
	o      Options
	data   *dataset
	client *client.Client
	player *player
	tally  *tally

	mu   sync.Mutex
	sent int
}

var fromStart = map[string]string{"auto.offset.reset": "earliest"}

func (r *run) play(ctx context.Context) error {
	began := time.Now()
	fmt.Fprintf(r.o.Out, "Breast Cancer Wisconsin (Diagnostic): %d biopsies of 30 measurements; the %d held out from training are played\n", r.data.total, len(r.data.rows))
	fmt.Fprintln(r.o.Out, r.data.outline())
	if _, err := r.client.Execute(ctx, client.Request{SQL: r.data.statements(), Properties: fromStart}); err != nil {
		return err
	}
	if err := r.player.labels(ctx); err != nil {
		return err
	}
	live, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var played error
	wg.Go(func() {
		if played = r.player.play(live, r.note); played != nil {
			cancel()
		}
	})
	err := r.watch(live)
	cancel()
	wg.Wait()
	if played != nil && !errors.Is(played, context.Canceled) {
		return played
	}
	if err != nil {
		return err
	}
	if err := r.confusion(ctx); err != nil {
		return err
	}
	r.tally.print(r.o.Out, r.data)
	fmt.Fprintf(r.o.Out, "time: %s\n", time.Since(began).Round(time.Millisecond))
	if r.tally.doubled > 0 {
		return fmt.Errorf("demo: %d biopsies were scored twice", r.tally.doubled)
	}
	return nil
}

func (r *run) note(sent int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = sent
}

// watch reads scores live until every played row has one.
func (r *run) watch(ctx context.Context) error {
	rows, err := r.client.Query(ctx, client.Request{SQL: follow, Properties: fromStart})
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for len(r.tally.scores) < len(r.data.rows) {
		if !rows.Next() {
			return errors.Join(errors.New("demo: the live query ended early"), rows.Err(), ctx.Err())
		}
		s, err := decode(rows.Row())
		if err != nil {
			return err
		}
		if err := r.tally.add(s); err != nil {
			return err
		}
		r.progress()
	}
	if r.o.Progress != nil {
		fmt.Fprintln(r.o.Progress)
	}
	return nil
}

func (r *run) progress() {
	if r.o.Progress == nil {
		return
	}
	r.mu.Lock()
	sent := r.sent
	r.mu.Unlock()
	fmt.Fprintf(r.o.Progress, "\rplayed %d of %d, scored %d, accuracy so far %.4f ", sent, len(r.data.rows), len(r.tally.scores), r.tally.accuracy())
}

func decode(row client.Row) (scored, error) {
	var id json.Number
	var s scored
	for i, to := range []any{&id, &s.label, &s.malignant} {
		if i >= len(row.Values) {
			return s, fmt.Errorf("demo: a score has %d columns", len(row.Values))
		}
		if err := json.Unmarshal(row.Values[i], to); err != nil {
			return s, fmt.Errorf("demo: read a score: %w", err)
		}
	}
	s.id = id.String()
	return s, nil
}

// confusion reads the windowed counts until they hold every scored row: they are committed a moment after the scores.
func (r *run) confusion(ctx context.Context) error {
	for deadline := time.Now().Add(30 * time.Second); ; {
		c, err := r.readConfusion(ctx)
		if err != nil {
			return err
		}
		if c.total == int64(len(r.data.rows)) {
			c.print(r.o.Out)
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("demo: the confusion table counts %d biopsies of %d", c.total, len(r.data.rows))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (r *run) readConfusion(ctx context.Context) (*confusion, error) {
	rows, err := r.client.Query(ctx, client.Request{SQL: counts})
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	c := &confusion{}
	for rows.Next() {
		var row confusionRow
		var start int64
		for i, to := range []any{&row.actual, &row.predicted, &start, &row.count} {
			if err := json.Unmarshal(rows.Row().Values[i], to); err != nil {
				return nil, fmt.Errorf("demo: read the confusion table: %w", err)
			}
		}
		row.window = time.UnixMilli(start).UTC().Format("2006-01-02 15:04")
		c.rows = append(c.rows, row)
		c.total += row.count
	}
	return c, rows.Err()
}
