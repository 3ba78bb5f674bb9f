package directory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// Config describes a server's part in the directory. Kafka, Topic, Instance and Local are required; the other fields have defaults.
type Config struct {
	Kafka    *kafka.Client
	Topic    string
	Instance string
	URL      string // "" if this server can be asked nothing
	// Slots and Queries tell what is to be said of this server. They are called from one goroutine: Slots often.
	Slots func() []int32
	// Standbys tells of which other slots copies are kept; nil: none.
	Standbys func() []int32
	Queries  func() map[string]Query
	Logger   *slog.Logger

	Beat   time.Duration // 1 s
	Look   time.Duration // how often Slots is asked, 100 ms
	Tasks  time.Duration // how often tasks are told, 5 s
	Expiry time.Duration // without a beat for so long a server is taken for dead, 5 s
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Standbys == nil {
		c.Standbys = func() []int32 { return nil }
	}
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{{&c.Beat, time.Second}, {&c.Look, 100 * time.Millisecond}, {&c.Tasks, 5 * time.Second}, {&c.Expiry, 5 * time.Second}} {
		if *d.v == 0 {
			*d.v = d.d
		}
	}
	return c
}

// Directory is a server's view of the others. Open makes one, Close ends it; its methods are safe for concurrent use.
type Directory struct {
	cfg     Config
	fetcher *kafka.Fetcher
	feed    *kafka.Subscription
	writer  *kafka.Producer
	told    map[string][]byte // what was last written of each query; of the writing goroutine
	cancel  context.CancelFunc
	wg      sync.WaitGroup

	mu      sync.Mutex
	table   table
	changed chan struct{} // closed and replaced at news
	joined  bool          // a server came since tasks were last told
	turn    int           // rotates the servers whose copies are as good
}

// Open makes the topic if it is not there, and begins to read and to beat.
func Open(ctx context.Context, cfg Config) (*Directory, error) {
	cfg = cfg.withDefaults()
	err := cfg.Kafka.CreateTopic(ctx, kafka.TopicSpec{Name: cfg.Topic, Partitions: 1, Configs: map[string]string{
		"cleanup.policy": "delete", "retention.ms": "600000", "segment.bytes": "1048576",
	}})
	if err != nil && !errors.Is(err, kafka.ErrTopicExists) {
		return nil, fmt.Errorf("create the topic of servers: %w", err)
	}
	at, err := cfg.Kafka.Offset(ctx, cfg.Topic, 0, kafka.Latest)
	if err != nil {
		return nil, fmt.Errorf("read the topic of servers: %w", err)
	}
	d := &Directory{
		cfg: cfg, told: map[string][]byte{}, changed: make(chan struct{}),
		table: table{self: cfg.Instance, expiry: cfg.Expiry, servers: map[string]*entry{}},
	}
	d.fetcher = cfg.Kafka.NewFetcher(kafka.FetchConfig{MaxWait: time.Second})
	d.feed = d.fetcher.Subscribe()
	if err := d.feed.Add(cfg.Topic, 0, at); err != nil {
		d.fetcher.Close()
		return nil, fmt.Errorf("read the topic of servers: %w", err)
	}
	d.writer = cfg.Kafka.NewProducer(kafka.ProducerConfig{})
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	d.wg.Go(func() { d.read(run) })
	d.wg.Go(func() { d.write(run) })
	return d, nil
}

// Close tells the others that this server has gone, and ends.
func (d *Directory) Close(ctx context.Context) {
	d.cancel()
	d.wg.Wait()
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Beat)
	defer cancel()
	if err := d.send(ctx, d.cfg.Instance, nil); err != nil {
		d.cfg.Logger.Debug("the other servers were not told that this one ends", "error", err) // they will notice
	}
	d.writer.Close()
	d.feed.Close()
	d.fetcher.Close()
}

// Servers lists the other servers, those included that died lately.
func (d *Directory) Servers() []Server {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table.list(time.Now())
}

// Owner finds the other server that has a slot; false if none says so.
func (d *Directory) Owner(slot int32) (Server, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table.owner(slot, time.Now())
}

// Standby finds another server that keeps a copy of a task's state; false if none says so. Of those that lacked no more offsets of its changelogs
// than are allowed, when they last told, each has its turn; if all lacked more, it is the one that lacked least.
func (d *Directory) Standby(of Copy, allowed int64) (Server, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn++
	return d.table.standby(of, allowed, d.turn, time.Now())
}

// Alive says whether a server's beats still come.
func (d *Directory) Alive(instance string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.table.servers[instance]
	return e != nil && d.table.alive(e, time.Now())
}

// Changed is closed when another server came or went by its own word, or has other slots than before.
func (d *Directory) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// read follows the topic.
func (d *Directory) read(ctx context.Context) {
	var batches []kafka.FetchedBatch
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.feed.Ready():
		}
		for batches = d.feed.Poll(batches[:0]); len(batches) > 0; batches = d.feed.Poll(batches[:0]) {
			for i := range batches {
				if err := d.take(ctx, &batches[i]); err != nil {
					d.cfg.Logger.Warn("what other servers tell cannot be read", "topic", d.cfg.Topic, "error", err)
				}
			}
		}
	}
}

// take takes a batch in. Where the topic's retention was faster than this server, or the topic is new, it goes on at the end.
func (d *Directory) take(ctx context.Context, b *kafka.FetchedBatch) error {
	if b.Err != nil {
		at, err := d.cfg.Kafka.Offset(ctx, d.cfg.Topic, 0, kafka.Latest)
		for ; err != nil; at, err = d.cfg.Kafka.Offset(ctx, d.cfg.Topic, 0, kafka.Latest) {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(d.cfg.Beat):
			}
		}
		d.feed.Seek(d.cfg.Topic, 0, at)
		return b.Err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now, news := time.Now(), false
	var errs []error
	for i := range b.Records {
		n, j, err := d.table.apply(&b.Records[i], now)
		news, d.joined = news || n, d.joined || j
		errs = append(errs, err)
	}
	if news {
		close(d.changed)
		d.changed = make(chan struct{})
	}
	return errors.Join(errs...)
}

// write beats, and tells of tasks where somebody listens.
func (d *Directory) write(ctx context.Context) {
	tick := time.NewTicker(d.cfg.Look)
	defer tick.Stop()
	var slots, standbys []int32
	var beaten, told time.Time
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := time.Now(), error(nil)
		b := beat{Version: recordVersion, URL: d.cfg.URL, Slots: d.cfg.Slots(), Standbys: d.cfg.Standbys()}
		if now.Sub(beaten) >= d.cfg.Beat || !slices.Equal(b.Slots, slots) || !slices.Equal(b.Standbys, standbys) {
			slots, standbys, beaten = b.Slots, b.Standbys, now
			err = d.send(ctx, d.cfg.Instance, b)
		}
		if again := d.newcomer(); again || now.Sub(told) >= d.cfg.Tasks {
			told = now
			err = errors.Join(err, d.tell(ctx, again))
		}
		if err != nil && !failing && ctx.Err() == nil {
			d.cfg.Logger.Warn("other servers cannot be told of this one", "topic", d.cfg.Topic, "error", err)
		}
		if err != nil {
			beaten = time.Time{}
		}
		failing = err != nil
	}
}

// newcomer says whether a server came since it was last asked, which knows nothing of what was told before.
func (d *Directory) newcomer() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	joined := d.joined
	d.joined = false
	return joined
}

// alone says that there is nobody to tell.
func (d *Directory) alone() bool {
	return !slices.ContainsFunc(d.Servers(), func(s Server) bool { return s.Alive })
}

// tell writes how each query is doing, where that has changed, or all of it again.
func (d *Directory) tell(ctx context.Context, again bool) error {
	if d.alone() {
		return nil
	}
	if again {
		clear(d.told)
	}
	queries := d.cfg.Queries()
	for id := range d.told {
		if _, ok := queries[id]; !ok {
			if err := d.send(ctx, d.cfg.Instance+"/"+id, nil); err != nil {
				return err
			}
			delete(d.told, id)
		}
	}
	for id, q := range queries {
		r, err := encode(d.cfg.Instance+"/"+id, tasks{recordVersion, q})
		if err != nil {
			return err
		}
		if bytes.Equal(r.Value, d.told[id]) {
			continue
		}
		if err := d.produce(ctx, r); err != nil {
			return err
		}
		d.told[id] = r.Value
	}
	return nil
}

func (d *Directory) send(ctx context.Context, key string, value any) error {
	r, err := encode(key, value)
	if err != nil {
		return err
	}
	return d.produce(ctx, r)
}

func (d *Directory) produce(ctx context.Context, r kafka.Record) error {
	return d.writer.Produce(ctx, kafka.ProduceBatch{Topic: d.cfg.Topic, Partition: 0, Records: []kafka.Record{r}})
}
