package kafka

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// FetchConfig describes a fetcher. Zero values mean the defaults.
type FetchConfig struct {
	// Uncommitted reads every record, decided or not. The engine never does; tools may.
	Uncommitted bool
	// MaxWait is how long a broker may hold an answer back while there is nothing new. Default 250 ms. A partition
	// that is added meanwhile does not wait for it.
	MaxWait time.Duration
	// PartitionBytes bounds one partition's part of an answer. Default 1 MiB; a larger batch still comes through.
	PartitionBytes int
	// ResponseBytes bounds an answer. Default 16 MiB.
	ResponseBytes int
	// BufferBytes is per partition: while more than this is waiting to be taken, it is not fetched. Default 1 MiB.
	BufferBytes int
}

func (cfg FetchConfig) withDefaults() FetchConfig {
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 250 * time.Millisecond
	}
	if cfg.PartitionBytes == 0 {
		cfg.PartitionBytes = 1 << 20
	}
	if cfg.ResponseBytes == 0 {
		cfg.ResponseBytes = 16 << 20
	}
	if cfg.BufferBytes == 0 {
		cfg.BufferBytes = 1 << 20
	}
	return cfg
}

// Fetcher reads partitions for any number of subscriptions, ahead of them, with one goroutine and one connection per
// broker. It follows leaders when they move. It is safe for concurrent use.
type Fetcher struct {
	c   *Client
	cfg FetchConfig

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	lost   chan struct{} // capacity 1: wakes the resolver

	mu      sync.Mutex // guards what follows and all feeds
	loops   map[string]*fetchLoop
	orphans []*feed // without a known leader
}

// feed is one partition of one subscription.
type feed struct {
	tp       TopicPartition
	sub      *Subscription
	loop     *fetchLoop // nil while an orphan
	position int64      // next to fetch
	taken    int64      // position after what the subscriber has
	paused   bool
	removed  bool
	asked    bool // a request for it is under way

	waiting []FetchedBatch
	sizes   []int     // of waiting, each
	bytes   int       // of waiting, together
	full    time.Time // when they last came to what the buffer holds

	seen          bool      // one answer at least
	heard         time.Time // when the last one was asked for
	lastStable    int64
	highWatermark int64
	logStart      int64

	hollow   int       // answers without a batch although the log goes on, see advance
	failures backoff   // pause before the leader is looked up again
	retryAt  time.Time // end of that pause
	missing  time.Time // since when the topic is unknown
	failed   bool      // an Err was delivered; silent until Seek
}

// NewFetcher starts a fetcher; Close ends it.
func (c *Client) NewFetcher(cfg FetchConfig) *Fetcher {
	f := &Fetcher{c: c, cfg: cfg.withDefaults(), lost: make(chan struct{}, 1), loops: map[string]*fetchLoop{}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.wg.Add(1)
	go f.resolve()
	return f
}

// Close stops all fetching and waits for the goroutines. Subscriptions get nothing more.
func (f *Fetcher) Close() {
	f.cancel()
	f.mu.Lock()
	for _, l := range f.loops {
		l.links.shut()
		l.beside.shut()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

// resolve finds leaders for orphans and hands them to the leaders' loops. It is a goroutine of its own because reading
// metadata may take seconds while other brokers deliver.
func (f *Fetcher) resolve() {
	defer f.wg.Done()
	for {
		next := f.adopt()
		t := time.NewTimer(next)
		select {
		case <-f.ctx.Done():
			t.Stop()
			return
		case <-f.lost:
		case <-t.C:
		}
		t.Stop()
	}
}

// adopt tries all orphans whose pause is over and returns how long to wait for the next.
func (f *Fetcher) adopt() time.Duration {
	f.mu.Lock()
	now, next := time.Now(), time.Hour
	var due []*feed
	for _, d := range f.orphans {
		if d.retryAt.After(now) {
			next = min(next, d.retryAt.Sub(now))
		} else {
			due = append(due, d)
		}
	}
	f.mu.Unlock()
	refreshed := map[string]bool{}
	for _, d := range due {
		if d.failures.d > 0 && !refreshed[d.tp.Topic] {
			refreshed[d.tp.Topic] = true
			_ = f.c.meta.RefreshMetadata(d.tp.Topic) // its failure shows in the next line
		}
		addr, err := f.c.leader(d.tp)
		f.mu.Lock()
		if err != nil {
			f.stumble(d, err)
			next = min(next, time.Until(d.retryAt))
		} else {
			f.attach(d, addr)
		}
		f.mu.Unlock()
	}
	return max(next, time.Millisecond)
}

// attach gives an orphan to a broker's loop, which it starts if there is none. f.mu is held.
func (f *Fetcher) attach(d *feed, addr string) {
	i := slices.Index(f.orphans, d)
	if i < 0 || f.ctx.Err() != nil {
		return
	}
	f.orphans = slices.Delete(f.orphans, i, i+1)
	l := f.loops[addr]
	if l == nil {
		l = newFetchLoop(f, addr)
		f.loops[addr] = l
	}
	d.loop = l
	l.feeds = append(l.feeds, d)
	l.poke()
}

// orphan takes a feed out of its loop, to look for its leader after a pause. f.mu is held.
func (f *Fetcher) orphan(d *feed, err error) {
	if d.removed || d.loop == nil {
		return
	}
	f.detach(d)
	f.orphans = append(f.orphans, d)
	f.stumble(d, err)
	f.search()
}

// stumble notes a failure: the pause grows, and a topic that stays unknown is reported. f.mu is held.
func (f *Fetcher) stumble(d *feed, err error) {
	d.retryAt = time.Now().Add(d.failures.next())
	if !errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		d.missing = time.Time{}
		return
	}
	if d.missing.IsZero() {
		d.missing = time.Now()
	}
	if time.Since(d.missing) > unknownTopicPatience {
		f.fail(d, ErrUnknownTopic, err)
	}
}

// detach takes a feed out of wherever it is. f.mu is held.
func (f *Fetcher) detach(d *feed) {
	if l := d.loop; l != nil {
		l.feeds = slices.DeleteFunc(l.feeds, func(x *feed) bool { return x == d })
		d.loop, d.asked = nil, false
	}
	f.orphans = slices.DeleteFunc(f.orphans, func(x *feed) bool { return x == d })
}

// fail delivers an error as the partition's last word. f.mu is held.
func (f *Fetcher) fail(d *feed, class, err error) {
	f.detach(d)
	d.failed = true
	d.push(FetchedBatch{
		Topic: d.tp.Topic, Partition: d.tp.Partition, Next: d.position,
		LastStable: d.lastStable, HighWatermark: d.highWatermark, LogStart: d.logStart,
		Err: failure("fetch", d.tp.String(), class, err),
	}, 0)
}

func (f *Fetcher) search() {
	select {
	case f.lost <- struct{}{}:
	default:
	}
}
