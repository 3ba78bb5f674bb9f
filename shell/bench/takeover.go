package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

const (
	latestOfKeys = `CREATE TABLE bench WITH (KAFKA_TOPIC='%s') AS SELECT k, COUNT(*) AS n, MAX(v) AS sent FROM keys GROUP BY k EMIT CHANGES;`

	standbyLag = "millrace_query_standby_lag"

	takeOverTick = 20 * time.Millisecond
	teamSize     = 3
)

// TakeOver kills one of three servers under load, again and again, once without standbys and once with one, and prints how long it took
// until results of all partitions came again, and for how long pull queries at a server that lives were not answered. Settings are lines
// of the servers' configuration.
func TakeOver(ctx context.Context, o Options, keys, rounds int, settings map[string]string) error {
	if keys < 1 || rounds < 1 {
		return fmt.Errorf("measure take-overs: %d rounds with %d keys: both must be positive", rounds, keys)
	}
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	topic, err := r.loadKeys(ctx, keys, spreadPartitions)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "one of %d servers is killed; %d keys in %d partitions, a record to each partition every %s\n", teamSize, keys, spreadPartitions, takeOverTick)
	fmt.Fprintf(o.Out, "%9s %22s %30s %17s\n", "standbys", "all results again, s", "longest without an answer, s", "records replayed")
	for _, standbys := range []string{"0", "1"} {
		with := maps.Clone(settings)
		if with == nil {
			with = map[string]string{}
		}
		with["num.standby.replicas"], with["ksql.query.pull.enable.standby.reads"] = standbys, "true"
		if err := r.takeOvers(ctx, topic, keys, rounds, with); err != nil {
			return fmt.Errorf("standbys %s: %w", standbys, err)
		}
	}
	return nil
}

// takeOvers measures some kills in one service.
func (r *rig) takeOvers(ctx context.Context, topic string, keys, rounds int, settings map[string]string) error {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		lines = append(lines, name+"="+settings[name]+"\n")
	}
	config := filepath.Join(r.dir, "server.properties")
	if err := os.WriteFile(config, []byte(strings.Join(lines, "")), 0o600); err != nil {
		return err
	}
	flags := []string{"--config", config}
	f, err := r.fleet(ctx, teamSize, flags...)
	if err != nil {
		return err
	}
	defer func() { r.stop(f...) }()
	if err := r.fill(ctx, f, topic, keys); err != nil {
		return err
	}
	for i := range rounds {
		dead := f[i%len(f)]
		alive := f[(i+1)%len(f)]
		m, err := r.takeOver(ctx, topic, dead, alive, slices.DeleteFunc(slices.Clone(f), func(s *server) bool { return s == dead }))
		if err != nil {
			return fmt.Errorf("kill %d: %w", i+1, err)
		}
		fmt.Fprintf(r.Out, "%9s %22.2f %30.2f %17.0f\n", settings["num.standby.replicas"], m.served.Seconds(), m.unanswered.Seconds(), m.replayed)
		if err := r.launch(ctx, dead, flags...); err != nil {
			return err
		}
		if err := r.calm(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// fill runs the query to the end of what is there.
func (r *rig) fill(ctx context.Context, f fleet, topic string, keys int) error {
	for _, sql := range []string{fmt.Sprintf(defineKeys, topic), fmt.Sprintf(latestOfKeys, r.sink())} {
		if err := f[0].api.Execute(ctx, sql, props); err != nil {
			return err
		}
	}
	if _, err := r.await(ctx, f, "building", keys, keys); err != nil {
		return err
	}
	return r.calm(ctx, f)
}

// calm waits until the slots are shared, nothing is left to read, and standbys have what there is.
func (r *rig) calm(ctx context.Context, f fleet) error {
	for still := 0; still < 20; {
		if err := f.settle(ctx); err != nil {
			return err
		}
		u, err := f.usage(ctx)
		if err != nil {
			return err
		}
		busy := 0.0
		for _, metric := range []string{"millrace_query_lag", "millrace_query_restore_remaining", standbyLag} {
			n, err := u.metrics.Sum(metric)
			if err == nil { // else there is none
				busy += n
			}
		}
		if still++; busy > 0 {
			still = 0
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// absence is what a kill cost.
type absence struct {
	served     time.Duration // until results of all partitions came again
	unanswered time.Duration // the longest time in which pull queries of a partition had no answer
	replayed   float64       // records of changelogs, by the servers that live
}

// takeOver kills a server under load.
func (r *rig) takeOver(ctx context.Context, topic string, dead, alive *server, rest fleet) (absence, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 3*time.Minute, errors.New("some partitions were not served again within three minutes"))
	defer cancel()
	before, err := rest.usage(ctx)
	if err != nil {
		return absence{}, err
	}
	w := &witness{keys: keysOf(spreadPartitions), results: make([]time.Time, spreadPartitions), answers: make([]time.Time, spreadPartitions)}
	working, stop := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	for _, f := range []func(context.Context) error{
		func(ctx context.Context) error { return r.feed(ctx, topic, w) },
		func(ctx context.Context) error { return r.readResults(ctx, w) },
		func(ctx context.Context) error { return w.ask(ctx, alive) },
	} {
		wg.Go(func() {
			if err := f(working); err != nil && working.Err() == nil {
				stop(err)
			}
		})
	}
	m, err := w.observe(working, dead)
	stop(nil)
	wg.Wait()
	if err != nil {
		return absence{}, errors.Join(err, context.Cause(ctx))
	}
	after, err := rest.usage(ctx)
	if err != nil {
		return absence{}, err
	}
	m.replayed, err = after.since(before, restoredRecords)
	return m, err
}

// witness notes when each partition gave a result and an answer last.
type witness struct {
	keys [][]byte // one a partition

	mu        sync.Mutex
	results   []time.Time // when the record was sent that the last result tells of
	answers   []time.Time // when a pull query was last answered
	unheard   time.Duration
	measuring bool
}

// observe kills a server once all is under way, and waits until all partitions are served again.
func (w *witness) observe(ctx context.Context, dead *server) (absence, error) {
	if err := w.await(ctx, time.Now()); err != nil {
		return absence{}, err
	}
	w.mu.Lock()
	w.measuring = true
	w.mu.Unlock()
	killed := time.Now()
	dead.Kill()
	if err := w.await(ctx, killed); err != nil {
		return absence{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return absence{served: time.Since(killed), unanswered: w.unheard}, nil
}

// await waits for results of records sent after a time, and for answers, from all partitions.
func (w *witness) await(ctx context.Context, since time.Time) error {
	late := func(t time.Time) bool { return !t.After(since) }
	for {
		w.mu.Lock()
		done := !slices.ContainsFunc(w.results, late) && !slices.ContainsFunc(w.answers, late)
		w.mu.Unlock()
		if done {
			return nil
		}
		if err := sleep(ctx, time.Millisecond); err != nil {
			return context.Cause(ctx)
		}
	}
}

// feed sends each partition a record every tick.
func (r *rig) feed(ctx context.Context, topic string, w *witness) error {
	p := r.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	tick := time.NewTicker(takeOverTick)
	defer tick.Stop()
	batches := make([]kafka.ProduceBatch, len(w.keys))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Now()
		for i, key := range w.keys {
			batches[i] = kafka.ProduceBatch{Topic: topic, Partition: int32(i), Records: []kafka.Record{{
				Timestamp: now.UnixMilli(), Key: key, Value: fmt.Append(nil, now.UnixMicro()),
			}}}
		}
		if err := p.Produce(ctx, batches...); err != nil {
			return fmt.Errorf("send records: %w", err)
		}
	}
}

// readResults notes of each result when its record was sent.
func (r *rig) readResults(ctx context.Context, w *witness) error {
	return r.follow(ctx, func(rec kafka.Record) error {
		var n, sent int64
		if _, err := fmt.Sscanf(string(rec.Value), "%d,%d", &n, &sent); err != nil {
			return fmt.Errorf("read the result %q: %w", rec.Value, err)
		}
		i := slices.IndexFunc(w.keys, func(k []byte) bool { return bytes.Equal(k, rec.Key) })
		if i < 0 {
			return nil // of a key that was there before
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.results[i] = time.UnixMicro(sent)
		return nil
	})
}

// ask asks a server for a key of each partition in turn.
func (w *witness) ask(ctx context.Context, s *server) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, key := range w.keys {
		sql := fmt.Sprintf("SELECT n FROM bench WHERE k = %d;", binary.BigEndian.Uint64(key))
		wg.Go(func() {
			for ctx.Err() == nil {
				if b, err := s.api.Query(ctx, sql); err == nil && bytes.Contains(b, []byte(`"columns":[`)) {
					w.answered(i)
				}
				_ = sleep(ctx, takeOverTick) // the loop sees the end of ctx
			}
		})
	}
	return nil
}

// answered notes that a pull query of a partition was answered.
func (w *witness) answered(i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.measuring {
		w.unheard = max(w.unheard, now.Sub(w.answers[i]))
	}
	w.answers[i] = now
}
