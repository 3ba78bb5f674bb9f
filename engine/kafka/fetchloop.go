package kafka

import (
	"errors"
	"slices"
	"sort"
	"time"

	"github.com/IBM/sarama"
)

// fetchLoop reads from one broker all partitions that it leads, one request after the other. While subscribers work on
// one answer, the next is under way; a partition whose subscriber is slow is left out.
//
// A request that waits at the broker cannot be changed. Partitions that come meanwhile are asked for aside, on a
// connection of their own and without waiting, until the next request has them too.
type fetchLoop struct {
	f      *Fetcher
	addr   string
	links  *links
	beside *links
	wake   chan struct{} // capacity 1
	late   chan struct{} // capacity 1: wakes aside
	ended  chan struct{} // closed when run ends, and with it aside

	// guarded by f.mu
	feeds []*feed
	turn  int       // rotates the positions that one partition is wanted at
	until time.Time // when the broker answers run's request at the latest; zero: there is none
}

func newFetchLoop(f *Fetcher, addr string) *fetchLoop {
	l := &fetchLoop{
		f: f, addr: addr, links: newLinks(f.c), beside: newLinks(f.c),
		wake: make(chan struct{}, 1), late: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	f.wg.Go(l.run)
	f.wg.Go(l.aside)
	return l
}

// asked is what one request wants of a partition, which it can name once: the records from one position on. Feeds at that position
// share the answer, and those further on have what is theirs in it. So readers near the end of a partition cost one fetch together.
type asked struct {
	at       time.Time
	position int64
	feeds    []*feed // at the position
	beyond   []*feed
}

// choose decides at which of its feeds' positions a partition is asked for; with turn all get theirs. It says whether there are more. The
// feeds are those that want something.
func (a *asked) choose(turn int) (more bool) {
	a.position = a.feeds[0].position
	if !slices.ContainsFunc(a.feeds, func(d *feed) bool { return d.position != a.position }) {
		return false
	}
	positions := make([]int64, len(a.feeds))
	for i, d := range a.feeds {
		positions[i] = d.position
	}
	slices.Sort(positions)
	positions = slices.Compact(positions)
	a.position = positions[turn%len(positions)]
	var at []*feed
	for _, d := range a.feeds {
		switch {
		case d.position == a.position:
			at = append(at, d)
		case d.position > a.position:
			a.beyond = append(a.beyond, d)
		}
	}
	a.feeds = at
	return true
}

func (l *fetchLoop) poke() {
	for _, c := range []chan struct{}{l.wake, l.late} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (l *fetchLoop) run() {
	defer l.beside.shut()
	defer close(l.ended)
	defer l.links.close()
	for {
		req, want, alive := l.request()
		if !alive {
			return
		}
		if req == nil {
			select {
			case <-l.wake:
			case <-l.f.ctx.Done():
			}
			continue
		}
		l.answer(want, l.links, req)
	}
}

// aside asks for the partitions that run's request lacks, as long as that one waits.
func (l *fetchLoop) aside() {
	defer l.beside.close()
	for {
		select {
		case <-l.late:
		case <-l.ended:
			return
		}
		for req, want := l.requestAside(); req != nil; req, want = l.requestAside() {
			l.answer(want, l.beside, req)
			select {
			case <-time.After(hungryWait):
			case <-l.ended:
				return
			}
		}
	}
}

// answer sends a request and gives every feed its part of what comes back.
func (l *fetchLoop) answer(want map[TopicPartition]*asked, on *links, req *sarama.FetchRequest) {
	resp, err := l.fetch(on, req)
	if err == nil {
		l.distribute(want, resp)
	}
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	for _, a := range want {
		for _, d := range a.feeds {
			if d.loop == l {
				d.asked = false
			}
		}
	}
	if on == l.links {
		l.until = time.Time{}
	} else {
		l.poke() // run may have found nothing else to ask for
	}
	if err != nil && l.f.ctx.Err() == nil {
		l.scatter(want, err)
	}
}

func (l *fetchLoop) fetch(on *links, req *sarama.FetchRequest) (*sarama.FetchResponse, error) {
	b, err := on.to(l.addr)
	if err != nil {
		return nil, err
	}
	resp, err := b.Fetch(req)
	if err == nil && resp.ErrorCode != 0 {
		err = sarama.KError(resp.ErrorCode)
	}
	if err != nil {
		on.drop(l.addr)
	}
	return resp, err
}

// hungryWait is the broker's patience when some partition was left out of a request and may want to be in the next.
const hungryWait = 10 * time.Millisecond

// request builds run's next request; nil when nothing is wanted. alive is false when the loop has no partition left, or
// the fetcher is closed: then the loop is out of the fetcher's list.
func (l *fetchLoop) request() (req *sarama.FetchRequest, want map[TopicPartition]*asked, alive bool) {
	f := l.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() != nil || len(l.feeds) == 0 {
		delete(f.loops, l.addr)
		return nil, nil, false
	}
	want, leftOut := l.hungry()
	l.turn++
	wait := f.cfg.MaxWait
	if leftOut {
		wait = hungryWait
	}
	for tp, a := range want {
		if slices.ContainsFunc(a.feeds, func(d *feed) bool { return !d.seen }) {
			wait = 0 // whoever is new wants to know whether there is anything
		}
		if a.feeds[0].hollow >= hollowLimit {
			want = map[TopicPartition]*asked{tp: a}
			break
		}
	}
	if len(want) == 0 {
		return nil, nil, true
	}
	l.until = time.Now().Add(wait)
	return l.ask(want, wait), want, true
}

// requestAside builds a request for what run's request lacks; nil when that has everything, or is answered soon anyway.
func (l *fetchLoop) requestAside() (*sarama.FetchRequest, map[TopicPartition]*asked) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	if time.Until(l.until) < hungryWait {
		return nil, nil
	}
	want, _ := l.hungry()
	if len(want) == 0 {
		return nil, nil
	}
	return l.ask(want, 0), want
}

// fullPatience is how long a reader with a full buffer counts as one that will want more in a moment. After that it is slow, and does not
// make the broker answer at once: it is asked for aside when it goes on.
const fullPatience = time.Second

// hungry lists what may be fetched now. leftOut says that there is more, which may be fetched soon. f.mu is held.
func (l *fetchLoop) hungry() (want map[TopicPartition]*asked, leftOut bool) {
	want = map[TopicPartition]*asked{}
	for _, d := range l.feeds {
		switch {
		case d.paused:
		case d.asked:
			leftOut = true
		case d.bytes >= l.f.cfg.BufferBytes:
			leftOut = leftOut || time.Since(d.full) < fullPatience
		case want[d.tp] == nil:
			want[d.tp] = &asked{feeds: []*feed{d}}
		default:
			want[d.tp].feeds = append(want[d.tp].feeds, d)
		}
	}
	for _, a := range want {
		leftOut = a.choose(l.turn) || leftOut
	}
	return want, leftOut
}

// ask builds a request and marks what it asks for. f.mu is held.
func (l *fetchLoop) ask(want map[TopicPartition]*asked, wait time.Duration) *sarama.FetchRequest {
	req := fetchRequest(l.f.cfg.Uncommitted, wait, int32(l.f.cfg.ResponseBytes))
	for tp, a := range want {
		a.at = time.Now()
		req.AddBlock(tp.Topic, tp.Partition, a.position, int32(l.f.cfg.PartitionBytes), -1)
		for _, d := range a.feeds {
			d.asked = true
		}
	}
	return req
}

func fetchRequest(uncommitted bool, wait time.Duration, maxBytes int32) *sarama.FetchRequest {
	isolation := sarama.ReadCommitted
	if uncommitted {
		isolation = sarama.ReadUncommitted
	}
	return &sarama.FetchRequest{
		Version: 11, MinBytes: 1, MaxWaitTime: int32(wait.Milliseconds()), MaxBytes: maxBytes,
		SessionEpoch: -1, Isolation: isolation,
	}
}

// scatter answers a request that failed as a whole: all its partitions look for their leader again. f.mu is held.
func (l *fetchLoop) scatter(want map[TopicPartition]*asked, err error) {
	for _, a := range want {
		for _, d := range a.feeds {
			if d.loop == l {
				l.f.orphan(d, err)
			}
		}
	}
}

// distribute gives every feed its part. Records are decoded outside the lock, once per partition.
func (l *fetchLoop) distribute(want map[TopicPartition]*asked, resp *sarama.FetchResponse) {
	for tp, a := range want {
		block := resp.GetBlock(tp.Topic, tp.Partition)
		if block == nil {
			continue
		}
		var batch FetchedBatch
		var bytes int
		err := kafkaError(block.Err)
		if err == nil {
			batch, bytes, err = decodeBlock(block, a.position, !l.f.cfg.Uncommitted)
			batch.Topic, batch.Partition = tp.Topic, tp.Partition
		}
		l.f.mu.Lock()
		for _, d := range a.feeds {
			// A feed may have been removed, paused or moved to another position meanwhile.
			if d.loop == l && d.position == a.position {
				l.give(d, a.at, batch, bytes, block, len(want) == 1, err)
			}
		}
		for _, d := range a.beyond {
			if err == nil && d.loop == l && a.position < d.position && d.position < batch.Next && d.hungry() {
				rest, bytes := batch.from(d.position, bytes)
				l.give(d, a.at, rest, bytes, block, false, nil)
			}
		}
		l.f.mu.Unlock()
	}
}

// hungry says that a feed can take more. f.mu is held.
func (d *feed) hungry() bool { return !d.paused && d.bytes < d.sub.f.cfg.BufferBytes }

// from is the part of a batch that begins at a position, and about its share of the bytes.
func (b FetchedBatch) from(position int64, bytes int) (FetchedBatch, int) {
	i := sort.Search(len(b.Records), func(i int) bool { return b.Records[i].Offset >= position })
	if i > 0 {
		bytes = bytes * (len(b.Records) - i) / len(b.Records)
		b.Records = b.Records[i:]
	}
	return b, bytes
}

// give hands one answer, which was asked for at some time, to one feed. f.mu is held.
func (l *fetchLoop) give(d *feed, asked time.Time, batch FetchedBatch, bytes int, block *sarama.FetchResponseBlock, solo bool, err error) {
	switch {
	case err == nil:
	case errors.Is(err, sarama.ErrOffsetOutOfRange):
		l.f.fail(d, ErrOffsetOutOfRange, err)
		return
	case stale(err):
		l.f.orphan(d, err)
		return
	default:
		l.f.fail(d, nil, err)
		return
	}
	d.failures, d.missing = backoff{}, time.Time{}
	batch.Next = d.advance(batch, block, solo)
	ended := !d.seen || d.lastStable != batch.LastStable || d.position != batch.Next
	moved := batch.Next > d.position
	d.seen, d.heard, d.position = true, asked, batch.Next
	d.lastStable, d.highWatermark, d.logStart = batch.LastStable, batch.HighWatermark, batch.LogStart
	switch {
	case moved:
		d.push(batch, bytes)
	case ended && batch.AtEnd():
		d.sub.signal() // the subscriber may have been waiting to learn that this input is empty
	}
}

// hollowLimit is how often a partition may come back hollow before it is asked about alone.
const hollowLimit = 3

// advance corrects the position after an answer without a batch although the log goes on. Usually other partitions
// have filled the answer. But compaction can leave batches without records, which sarama drops silently; when such a
// batch is the last stable one, the position would never move. So after some hollow answers the partition is asked
// about alone, and if that is hollow too, the position steps over one offset: a broker returns the batch that contains
// an offset, so nothing with records is missed.
func (d *feed) advance(batch FetchedBatch, block *sarama.FetchResponseBlock, solo bool) int64 {
	if !hollow(batch, d.position, block) {
		d.hollow = 0
		return batch.Next
	}
	d.hollow++
	if solo && d.hollow > hollowLimit {
		return d.position + 1
	}
	return batch.Next
}

// hollow says that there is something stable at pos, and that the answer has nothing of it.
func hollow(batch FetchedBatch, pos int64, block *sarama.FetchResponseBlock) bool {
	return batch.Next == pos && !batch.AtEnd() && len(block.RecordsSet) == 0 && !block.Partial
}
