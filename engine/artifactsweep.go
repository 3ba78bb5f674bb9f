package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// Bytes of models and functions that no definition names are removed: those of dropped ones, and uploads that nobody made anything of. Each
// definition stores its bytes right before it is made, also if they are there already; so what was last stored long ago, and is named by
// nothing, is waited for by nobody.

const (
	// artifactGrace is how long bytes stay that nothing names.
	artifactGrace = 24 * time.Hour
	// sweepFirst and sweepEvery say when a server looks for such bytes: some time after its start, and then again and again.
	sweepFirst = 5 * time.Minute
	sweepEvery = 24 * time.Hour
	// sweepPause is between two looks at the definitions; bytes go that neither saw a name for. A backup takes the end of the commands first
	// and reads models after that, so it needs what was named a while ago.
	sweepPause = time.Hour
)

// sweepArtifacts removes what is not needed any more, until ctx ends: from the topic one server for all, from its folder each.
func (e *Engine) sweepArtifacts(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-e.opened: // before that there is no directory
	}
	wait := func(d time.Duration) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(d):
			return true
		}
	}
	for next := sweepFirst; wait(next); next = sweepEvery {
		lately, err := e.namedArtifacts(ctx)
		if err == nil && wait(sweepPause) {
			err = e.sweepOnce(ctx, time.Now().Add(-artifactGrace), lately)
		}
		if err != nil && ctx.Err() == nil {
			e.log.Warn("files of models and functions that nothing names are left", "error", err)
		}
	}
}

// sweepOnce removes what was stored before a time, unless it is named now or was lately.
func (e *Engine) sweepOnce(ctx context.Context, before time.Time, lately map[string]bool) error {
	named := func(ctx context.Context) (map[string]bool, error) {
		now, err := e.namedArtifacts(ctx)
		maps.Copy(now, lately)
		return now, err
	}
	err := e.artifacts.sweepFolder(ctx, before, named)
	if e.firstAlive() {
		err = errors.Join(err, e.artifacts.sweepTopic(ctx, before, named))
	}
	return err
}

// namedArtifacts are the digests that the definitions of now name, those of replaced and retired versions included.
func (e *Engine) namedArtifacts(ctx context.Context) (map[string]bool, error) {
	named := map[string]bool{}
	if err := e.commands.CatchUp(ctx); err != nil {
		return named, err
	}
	cat := e.Catalog()
	for _, m := range cat.Models() {
		for _, v := range m.Versions {
			named[v.SHA256] = true
		}
	}
	for _, f := range cat.Functions() {
		for _, v := range f.Versions {
			named[v.SHA256] = true
		}
	}
	return named, nil
}

// stored is what the topic has of an artifact.
type stored struct {
	last   int64           // when a chunk was last written, ms since the epoch
	chunks map[string]bool // keys
}

// sweepTopic removes from the topic what was stored before a time, unless it is named. Named is asked after the topic was read: who names
// bytes later has stored them later too.
func (a *artifacts) sweepTopic(ctx context.Context, before time.Time, named func(context.Context) (map[string]bool, error)) error {
	start, err := a.client.Offset(ctx, a.topic, 0, kafka.Earliest)
	if err != nil {
		return fmt.Errorf("sweep the topic of models: %w", err)
	}
	end, err := a.client.Offset(ctx, a.topic, 0, kafka.LastStable)
	if err != nil {
		return fmt.Errorf("sweep the topic of models: %w", err)
	}
	all := map[string]*stored{}
	err = a.records(ctx, start, end, func(r *kafka.Record) {
		sha, _, _ := strings.Cut(string(r.Key), "/")
		s := all[sha]
		if s == nil {
			s = &stored{chunks: map[string]bool{}}
			all[sha] = s
		}
		if s.last = max(s.last, r.Timestamp); r.Value == nil {
			delete(s.chunks, string(r.Key))
		} else {
			s.chunks[string(r.Key)] = true
		}
	})
	if err != nil {
		return err
	}
	needed, err := named(ctx)
	if err != nil {
		return fmt.Errorf("sweep the topic of models: %w", err)
	}
	var gone []kafka.Record
	for sha, s := range all {
		if needed[sha] || s.last >= before.UnixMilli() {
			continue
		}
		for key := range s.chunks {
			gone = append(gone, kafka.Record{Timestamp: time.Now().UnixMilli(), Key: []byte(key)})
		}
	}
	return a.remove(ctx, gone, end)
}

// remove writes tombstones. Whatever of the same chunks was stored from the offset on, and so without being seen, is stored again: one of the
// tombstones may have come behind it.
func (a *artifacts) remove(ctx context.Context, gone []kafka.Record, from int64) error {
	if len(gone) == 0 {
		return nil
	}
	slices.SortFunc(gone, func(x, y kafka.Record) int { return cmp.Compare(string(x.Key), string(y.Key)) })
	p := a.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	send := func(records []kafka.Record) error {
		for part := range slices.Chunk(records, removedAtOnce) {
			if err := p.Send(ctx, kafka.ProduceBatch{Topic: a.topic, Records: part}); err != nil {
				return fmt.Errorf("sweep the topic of models: %w", err)
			}
		}
		if err := p.Flush(ctx); err != nil {
			return fmt.Errorf("sweep the topic of models: %w", err)
		}
		return nil
	}
	if err := send(gone); err != nil {
		return err
	}
	end, err := a.client.Offset(ctx, a.topic, 0, kafka.LastStable)
	if err != nil {
		return fmt.Errorf("sweep the topic of models: %w", err)
	}
	var back error
	err = a.records(ctx, from, end, func(r *kafka.Record) {
		_, removed := slices.BinarySearchFunc(gone, r.Key, func(g kafka.Record, key []byte) int { return cmp.Compare(string(g.Key), string(key)) })
		if removed && r.Value != nil {
			back = errors.Join(back, send([]kafka.Record{{Timestamp: r.Timestamp, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)}}))
		}
	})
	return errors.Join(err, back)
}

// removedAtOnce is how many tombstones are written in one batch.
const removedAtOnce = 1000

// records calls f for those of a part of the topic. A record is valid during the call.
func (a *artifacts) records(ctx context.Context, from, end int64, f func(*kafka.Record)) error {
	r := a.client.NewReader()
	defer r.Close()
	for batch, err := range r.Range(ctx, a.topic, 0, from, end) {
		if err != nil {
			return fmt.Errorf("read the topic of models: %w", err)
		}
		for i := range batch.Records {
			if rec := &batch.Records[i]; rec.Offset >= from && rec.Offset < end {
				f(rec)
			}
		}
	}
	return nil
}

// sweepFolder removes this server's copies of what is not named. One that is needed after all is read from the topic again.
func (a *artifacts) sweepFolder(ctx context.Context, before time.Time, named func(context.Context) (map[string]bool, error)) error {
	needed, err := named(ctx)
	if err != nil {
		return fmt.Errorf("sweep the folder of models: %w", err)
	}
	files, err := os.ReadDir(a.dir)
	for _, f := range files {
		info, failed := f.Info()
		if errors.Is(failed, os.ErrNotExist) || failed == nil && (needed[f.Name()] || !info.ModTime().Before(before)) {
			continue
		}
		if failed == nil {
			failed = os.Remove(a.path(f.Name()))
		}
		err = errors.Join(err, failed)
	}
	if err != nil {
		return fmt.Errorf("sweep the folder of models: %w", err)
	}
	return nil
}
