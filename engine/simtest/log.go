package simtest

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// Log is the brokers' side: topics, and transactions over them. Its methods are what a broker does at once; failures and time are Conn's.
type Log struct {
	mu     sync.Mutex
	topics map[string][]*partition
	txns   map[string]*txn
	pids   int64
}

// partition is a log of records and markers. Offsets have gaps once it was cleaned.
type partition struct {
	start, next int64
	entries     []entry
	open        map[int64]int64 // first offset of each undecided transaction, by producer
	feeds       map[*feed]struct{}
}

type entry struct {
	kafka.Record
	pid     int64 // 0: no transaction
	open    bool
	skip    bool // a marker, or aborted
	written time.Time
}

// txn is a transactional id.
type txn struct {
	pid   int64
	epoch int
	parts []*partition
	// decided says that the outcome stands, while the markers are still on their way.
	decided, commit bool
}

// NewLog returns brokers without topics.
func NewLog() *Log { return &Log{topics: map[string][]*partition{}, txns: map[string]*txn{}} }

// Create makes a topic.
func (l *Log) Create(topic string, partitions int32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.topics[topic] != nil {
		return kafka.ErrTopicExists
	}
	for range partitions {
		l.topics[topic] = append(l.topics[topic], &partition{open: map[int64]int64{}, feeds: map[*feed]struct{}{}})
	}
	return nil
}

func (l *Log) find(topic string, p int32) (*partition, error) {
	if int(p) >= len(l.topics[topic]) {
		return nil, fmt.Errorf("%s/%d: %w", topic, p, kafka.ErrUnknownTopic)
	}
	return l.topics[topic][p], nil
}

// stable is the offset below which everything is decided.
func (p *partition) stable() int64 {
	end := p.next
	for _, first := range p.open {
		end = min(end, first)
	}
	return end
}

func (p *partition) append(r kafka.Record, pid int64) {
	r.Offset = p.next
	r.Key, r.Value = clone(r.Key), clone(r.Value)
	p.entries = append(p.entries, entry{Record: r, pid: pid, open: pid != 0, written: time.Now()})
	if _, ok := p.open[pid]; pid != 0 && !ok {
		p.open[pid] = p.next
	}
	p.next++
}

// clone keeps nil and empty apart.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

// signal wakes who waits for the partition.
func (p *partition) signal() {
	for f := range p.feeds {
		f.sub.signal()
	}
}

// Produce appends records outside transactions.
func (l *Log) Produce(b kafka.ProduceBatch) (end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, err := l.find(b.Topic, b.Partition)
	if err != nil {
		return 0, err
	}
	for _, r := range b.Records {
		p.append(r, 0)
	}
	p.signal()
	return p.next, nil
}

// initialize gives a transactional id a new owner; what the former one left open is aborted.
func (l *Log) initialize(id string) (epoch int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.txns[id]
	if t == nil {
		l.pids++
		t = &txn{pid: l.pids}
		l.txns[id] = t
	}
	t.finish()
	t.epoch++
	return t.epoch
}

// owned finds a transactional id for its owner.
func (l *Log) owned(id string, epoch int) (*txn, error) {
	t := l.txns[id]
	if t == nil || t.epoch != epoch {
		return nil, fmt.Errorf("transactional id %s, epoch %d: %w", id, epoch, kafka.ErrFenced)
	}
	return t, nil
}

// write appends records to the id's transaction.
func (l *Log) write(id string, epoch int, b kafka.ProduceBatch) (end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, err := l.owned(id, epoch)
	if err != nil {
		return 0, err
	}
	p, err := l.find(b.Topic, b.Partition)
	if err != nil {
		return 0, err
	}
	if t.decided {
		t.finish() // a producer waits for its own markers
	}
	if !slices.Contains(t.parts, p) {
		t.parts = append(t.parts, p)
	}
	for _, r := range b.Records {
		p.append(r, t.pid)
	}
	return p.next, nil
}

// end decides the id's transaction. The markers follow later, at the latest when somebody needs them.
func (l *Log) end(id string, epoch int, commit bool, later time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, err := l.owned(id, epoch)
	if err != nil {
		return err
	}
	t.decided, t.commit = true, commit
	time.AfterFunc(later, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if t.decided {
			t.finish()
		}
	})
	return nil
}

// finish writes the markers of a decided transaction, and aborts an open one.
func (t *txn) finish() {
	for _, p := range t.parts {
		delete(p.open, t.pid)
		for i := range p.entries {
			if e := &p.entries[i]; e.pid == t.pid && e.open {
				e.open, e.skip = false, !t.commit
			}
		}
		p.entries = append(p.entries, entry{Record: kafka.Record{Offset: p.next}, skip: true, written: time.Now()})
		p.next++
		p.signal()
	}
	t.parts, t.decided, t.commit = nil, false, false
}

// read gives at most n committed records from an offset on, and the position behind them.
func (p *partition) read(from int64, n int) (list []kafka.Record, next int64) {
	stable := p.stable()
	i, _ := slices.BinarySearchFunc(p.entries, from, func(e entry, at int64) int { return int(e.Offset - at) })
	for ; i < len(p.entries); i++ {
		e := &p.entries[i]
		if e.Offset >= stable {
			break
		}
		if e.skip {
			continue
		}
		if len(list) == n {
			return list, e.Offset
		}
		list = append(list, e.Record)
	}
	return list, max(stable, from)
}

// Committed gives all committed records of a topic by partition.
func (l *Log) Committed(topic string) [][]kafka.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([][]kafka.Record, len(l.topics[topic]))
	for i, p := range l.topics[topic] {
		out[i], _ = p.read(p.start, len(p.entries))
	}
	return out
}

// Decided says that no transaction is open or has markers on their way.
func (l *Log) Decided() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, parts := range l.topics {
		for _, p := range parts {
			if len(p.open) > 0 {
				return false
			}
		}
	}
	return true
}

// tombstones is how long a deletion stays after it was written (delete.retention.ms).
const tombstones = 24 * time.Hour

// Clean compacts a topic: of each key the last decided record stays.
func (l *Log) Clean(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.topics[topic] {
		stable := p.stable()
		last := map[string]int64{}
		for _, e := range p.entries {
			if e.Offset < stable && !e.skip {
				last[string(e.Key)] = e.Offset
			}
		}
		p.entries = slices.DeleteFunc(p.entries, func(e entry) bool {
			switch {
			case e.Offset >= stable:
				return false
			case e.skip || last[string(e.Key)] != e.Offset:
				return true
			}
			return e.Value == nil && time.Since(e.written) > tombstones
		})
	}
}

// trim deletes what lies before an offset.
func (l *Log) trim(topic string, before map[int32]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, at := range before {
		p, err := l.find(topic, n)
		if err != nil || at > p.stable() {
			continue
		}
		p.start = max(p.start, at)
		p.entries = slices.DeleteFunc(p.entries, func(e entry) bool { return e.Offset < p.start })
	}
}

// compacted is what a compacted topic would hold in the end, by key.
func compacted(records []kafka.Record) []kafka.Record {
	last := map[string]int{}
	for i, r := range records {
		last[string(r.Key)] = i
	}
	var out []kafka.Record
	for i, r := range records {
		if last[string(r.Key)] == i && r.Value != nil {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b kafka.Record) int { return bytes.Compare(a.Key, b.Key) })
	return out
}
