package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/udf/model"
)

// A model may be fed by a topic: the value of each record with its key is a file, and becomes a version. Every server follows the
// topic; the first that has looked at a record says what became of it in the command log, where the others find it. The
// record's place is part of the definition, so no record becomes two versions, and none is passed over.

// feedPoll is how often feeds are looked at; feedSpread keeps servers from looking at a record all at once.
const (
	feedPoll   = 200 * time.Millisecond
	feedSpread = 100 * time.Millisecond
)

// feeder follows the feeds; it belongs to one goroutine.
type feeder struct {
	e      *Engine
	reader *kafka.Reader
	failed map[string]bool // topics that could not be read the last time
}

// feedModels follows feeds until ctx ends.
func (e *Engine) feedModels(ctx context.Context) {
	f := &feeder{e: e, reader: e.kafka.NewReader(), failed: map[string]bool{}}
	defer f.reader.Close()
	done := map[string]map[int32]int64{} // by model: where it need not look again
	tick := time.NewTicker(feedPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		seen := map[string]map[int32]int64{}
		for _, m := range e.Catalog().Models() {
			feed := m.Feed()
			if feed == nil {
				continue
			}
			id := m.Name + "/" + feed.Topic + "/" + feed.Key
			if seen[id] = done[id]; seen[id] == nil {
				seen[id] = map[int32]int64{}
			}
			err := f.look(ctx, m.Name, feed, seen[id])
			if err != nil && ctx.Err() == nil && !f.failed[id] {
				e.log.Warn("the topic that feeds a model cannot be read", "model", m.Name, "topic", feed.Topic, "error", err)
			}
			f.failed[id] = err != nil
		}
		done = seen
	}
}

// look takes what is new in a model's feed, and moves the positions on.
func (f *feeder) look(ctx context.Context, name string, feed *catalog.Feed, done map[int32]int64) error {
	starts, ends, err := f.e.bounds(ctx, feed.Topic)
	if err != nil {
		return err
	}
	for p, end := range ends {
		m, ok := f.e.Catalog().Model(name)
		if !ok {
			return nil
		}
		from := max(starts[p], done[p], m.Next(p))
		for batch, err := range f.reader.Range(ctx, feed.Topic, p, from, end) {
			if err != nil {
				return err
			}
			for i := range batch.Records {
				r := &batch.Records[i]
				if string(r.Key) != feed.Key || r.Offset < from || r.Value == nil {
					continue
				}
				at := &catalog.Feed{Topic: feed.Topic, Key: feed.Key, Partition: p, Offset: r.Offset}
				if err := f.take(ctx, name, at, r); err != nil {
					return err
				}
			}
			done[p] = batch.Next
		}
	}
	return nil
}

// bounds are the first and the last stable offsets of a topic's partitions.
func (e *Engine) bounds(ctx context.Context, topic string) (starts, ends map[int32]int64, err error) {
	info, err := e.kafka.DescribeTopic(topic)
	if err != nil {
		return nil, nil, err
	}
	partitions := make([]int32, info.Partitions)
	for p := range partitions {
		partitions[p] = int32(p)
	}
	if starts, err = e.kafka.Offsets(ctx, topic, partitions, kafka.Earliest); err != nil {
		return nil, nil, err
	}
	ends, err = e.kafka.Offsets(ctx, topic, partitions, kafka.LastStable)
	return starts, ends, err
}

// take makes a version of a record, or has the record refused, unless another server was faster.
func (f *feeder) take(ctx context.Context, name string, at *catalog.Feed, r *record.Record) error {
	if f.e.broker == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(feedSpread)):
		}
		if err := f.e.commands.CatchUp(ctx); err != nil {
			return err
		}
	}
	m, ok := f.e.Catalog().Model(name)
	if !ok || m.Took(at.Partition, at.Offset) {
		return nil
	}
	last, b := m.Last(), bytes.Clone(r.Value)
	def := &catalog.ModelVersion{
		Name: name, URI: feedURI(at), Size: int64(len(b)), Statement: last.Statement, Props: last.Props, Held: last.Props["ACTIVE"] == "false", Feed: at,
	}
	refused := f.e.tryModel(ctx, def, b)
	if refused == nil {
		var err error
		if def.SHA256, err = f.e.artifacts.save(ctx, b); err != nil {
			return err
		}
	} else {
		def.SHA256 = model.NewArtifact("", b).SHA256
	}
	_, err := f.e.commands.Submit(ctx, func(seq int64) (*command.Command, error) {
		m, ok := f.e.Catalog().Model(name)
		if !ok || m.Feed() == nil || m.Feed().Topic != at.Topic || m.Feed().Key != at.Key || m.Took(at.Partition, at.Offset) {
			return nil, command.ErrNothing
		}
		if refused == nil {
			c, err := f.e.addVersion(ctx, def, seq)
			if err == nil {
				return c, nil
			}
			var unfit *ast.Error
			if !errors.As(err, &unfit) {
				return nil, err
			}
			refused = err
		}
		return refuseCommand(name, at, def, refused), nil
	})
	switch {
	case errors.Is(err, command.ErrNothing):
		return nil
	case err != nil:
		return err
	case refused != nil:
		f.e.log.Warn("a record is no version of the model that its topic feeds; the versions that there are go on", "model", name, "record", def.URI,
			"error", refused)
	default:
		f.e.log.Info("a model has a new version", "model", name, "version", def.Version, "record", def.URI, "sha256", def.SHA256)
	}
	return nil
}

// refuseCommand is the command that says that a record was refused.
func refuseCommand(name string, at *catalog.Feed, def *catalog.ModelVersion, reason error) *command.Command {
	r := &catalog.Refusal{Feed: *at, SHA256: def.SHA256, Size: def.Size, Reason: reason.Error(), Created: time.Now().UnixMilli()}
	return &command.Command{Changes: []command.Change{{Kind: command.RefuseModel, Name: name, Refusal: r}}}
}

// feedURI names a record.
func feedURI(at *catalog.Feed) string {
	return fmt.Sprintf("kafka:%s/%d@%d", at.Topic, at.Partition, at.Offset)
}

// newestRecord reads the newest record of a feed, which a model begins with, and notes its place.
func (e *Engine) newestRecord(ctx context.Context, def *catalog.ModelVersion) ([]byte, error) {
	topic, key := def.Props["TOPIC"], def.Props["KEY"]
	_, ends, err := e.bounds(ctx, topic)
	if err != nil {
		return nil, err
	}
	if len(ends) > 1 { // records of several partitions have no order: an older file might become the newer version
		return nil, fmt.Errorf("topic %s has %d partitions, and files must come in one order: a topic that feeds models has one", topic, len(ends))
	}
	reader := e.kafka.NewReader()
	defer reader.Close()
	var newest record.Record
	for p := range ends {
		for batch, err := range reader.All(ctx, topic, p) {
			if err != nil {
				return nil, err
			}
			for i := range batch.Records {
				r := &batch.Records[i]
				if string(r.Key) != key || r.Value == nil || def.Feed != nil && r.Timestamp < newest.Timestamp {
					continue
				}
				newest = record.Record{Timestamp: r.Timestamp, Value: bytes.Clone(r.Value)}
				def.Feed = &catalog.Feed{Topic: topic, Key: key, Partition: p, Offset: r.Offset}
			}
		}
	}
	if def.Feed == nil {
		return nil, fmt.Errorf("topic %s has no record with key %q yet", topic, key)
	}
	def.URI = feedURI(def.Feed)
	return newest.Value, nil
}
