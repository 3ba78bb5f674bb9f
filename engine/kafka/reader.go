package kafka

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/IBM/sarama"
)

// Reader reads single partitions from one position to another, both known beforehand, committed records only. Restores,
// the slots' records and the command log are read so. It belongs to one goroutine and has its own connections.
type Reader struct {
	c     *Client
	links *links
}

// NewReader prepares a reader.
func (c *Client) NewReader() *Reader { return &Reader{c: c, links: newLinks(c)} }

// Close drops the connections.
func (r *Reader) Close() { r.links.close() }

// All reads a partition from its start to its last stable end as of now: what is committed when All is called is seen.
// The last batch's Next is at or after that end; of an empty partition there is no batch.
func (r *Reader) All(ctx context.Context, topic string, partition int32) iter.Seq2[FetchedBatch, error] {
	return func(yield func(FetchedBatch, error) bool) {
		from, end, err := r.Bounds(ctx, topic, partition)
		if err != nil {
			yield(FetchedBatch{Topic: topic, Partition: partition, Err: err}, err)
			return
		}
		r.Range(ctx, topic, partition, from, end)(yield)
	}
}

// Bounds says where a partition begins, and where it then ends for those who read what is committed.
func (r *Reader) Bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	defer context.AfterFunc(ctx, r.links.cut)()
	for _, q := range []struct {
		at  At
		out *int64
	}{{Earliest, &start}, {LastStable, &end}} {
		m, err := r.c.offsetsOn(ctx, r.links, topic, []int32{partition}, q.at)
		if err != nil {
			return 0, 0, err
		}
		*q.out = m[partition]
	}
	return start, end, nil
}

// Range reads from one position until the position is at or after end. It waits for what is not yet stable below end.
// An error is the last element; [ErrOffsetOutOfRange] says that from was deleted, or lies behind the log.
func (r *Reader) Range(ctx context.Context, topic string, partition int32, from, end int64) iter.Seq2[FetchedBatch, error] {
	return func(yield func(FetchedBatch, error) bool) {
		defer context.AfterFunc(ctx, r.links.cut)()
		p := &reading{r: r, tp: TopicPartition{topic, partition}, pos: from, maxBytes: 4 << 20}
		for p.pos < end {
			batch, err := p.next(ctx)
			if err != nil {
				batch.Err = err
				yield(batch, err)
				return
			}
			if (len(batch.Records) > 0 || batch.Next > p.pos) && !yield(batch, nil) {
				return
			}
			p.pos = batch.Next
		}
	}
}

// reading is one pass of a reader over a partition.
type reading struct {
	r        *Reader
	tp       TopicPartition
	pos      int64
	maxBytes int32
	hollow   int
	pause    backoff
	missing  time.Time
}

// next asks until there is an answer, or an error that repetition does not heal.
func (p *reading) next(ctx context.Context) (FetchedBatch, error) {
	for {
		batch, err := p.ask()
		if err == nil {
			p.pause, p.missing = backoff{}, time.Time{}
			return batch, nil
		}
		if err := p.judge(err); err != nil {
			return batch, err
		}
		if wait := p.pause.wait(ctx); wait != nil {
			return batch, failure("read", p.tp.String(), nil, errors.Join(wait, err))
		}
		_ = p.r.c.meta.RefreshMetadata(p.tp.Topic) // its failure shows in the next attempt
	}
}

// judge returns the error to report, or nil to try again.
func (p *reading) judge(err error) error {
	switch {
	case errors.Is(err, sarama.ErrOffsetOutOfRange):
		return failure("read", p.tp.String(), ErrOffsetOutOfRange, err)
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		if p.missing.IsZero() {
			p.missing = time.Now()
		}
		if time.Since(p.missing) > unknownTopicPatience {
			return failure("read", p.tp.String(), ErrUnknownTopic, err)
		}
		return nil
	case stale(err), transport(err):
		return nil
	}
	return failure("read", p.tp.String(), nil, err)
}

func (p *reading) ask() (FetchedBatch, error) {
	out := FetchedBatch{Topic: p.tp.Topic, Partition: p.tp.Partition, Next: p.pos}
	addr, err := p.r.c.leader(p.tp)
	if err != nil {
		return out, err
	}
	b, err := p.r.links.to(addr)
	if err != nil {
		return out, err
	}
	req := fetchRequest(false, 100*time.Millisecond, p.maxBytes)
	req.AddBlock(p.tp.Topic, p.tp.Partition, p.pos, p.maxBytes, -1)
	resp, err := b.Fetch(req)
	if err != nil {
		p.r.links.drop(addr)
		return out, err
	}
	block := resp.GetBlock(p.tp.Topic, p.tp.Partition)
	if block == nil {
		return out, nil // throttled: the answer is empty
	}
	if err := kafkaError(block.Err); err != nil {
		return out, err
	}
	out, _, err = decodeBlock(block, p.pos, true)
	out.Topic, out.Partition = p.tp.Topic, p.tp.Partition
	if err != nil {
		return out, err
	}
	return p.step(out, block), nil
}

// step gets over answers that hold nothing: a batch larger than asked for, or one emptied by compaction (see
// [feed.advance]).
func (p *reading) step(out FetchedBatch, block *sarama.FetchResponseBlock) FetchedBatch {
	switch {
	case out.Next > p.pos:
		p.hollow = 0
	case hollow(out, p.pos, block):
		if p.hollow++; p.hollow > hollowLimit {
			out.Next = p.pos + 1
		}
	case !out.AtEnd():
		p.maxBytes = min(p.maxBytes*2, 256<<20)
	}
	return out
}
