package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// artifacts keeps the bytes of models: in a service topic, by sha256 and in chunks, so that every server has them whatever
// becomes of the file they came from; and in a folder of this server, so that a start need not read the topic.
// Safe for concurrent use.
type artifacts struct {
	client *kafka.Client
	topic  string
	dir    string
}

// chunkBytes keeps a record below every broker's default limit of 1 MB.
const chunkBytes = 512 << 10

func openArtifacts(ctx context.Context, client *kafka.Client, topic, dir string) (*artifacts, error) {
	err := client.CreateTopic(ctx, kafka.TopicSpec{
		Name: topic, Partitions: 1, Configs: map[string]string{"cleanup.policy": "compact", "retention.ms": "-1"},
	})
	if err != nil && !errors.Is(err, kafka.ErrTopicExists) {
		return nil, fmt.Errorf("create the topic of models: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of models: %w", err)
	}
	if err := sweepCache(dir); err != nil {
		return nil, fmt.Errorf("clear the folder of models: %w", err)
	}
	return &artifacts{client: client, topic: topic, dir: dir}, nil
}

// save makes the bytes durable and returns their sha256 in hex. Saving the same bytes again is harmless.
func (a *artifacts) save(ctx context.Context, b []byte) (string, error) {
	sum := sha256.Sum256(b)
	sha := hex.EncodeToString(sum[:])
	p := a.client.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	chunks := (len(b) + chunkBytes - 1) / chunkBytes
	now := time.Now().UnixMilli()
	for i := range chunks {
		rec := kafka.Record{
			Timestamp: now, Key: fmt.Appendf(nil, "%s/%d/%d", sha, i, chunks),
			Value: b[i*chunkBytes : min((i+1)*chunkBytes, len(b))],
		}
		if err := p.Send(ctx, kafka.ProduceBatch{Topic: a.topic, Records: []kafka.Record{rec}}); err != nil {
			return "", fmt.Errorf("store model: %w", err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		return "", fmt.Errorf("store model: %w", err)
	}
	return sha, a.cache(sha, b)
}

// load returns the bytes with the sha256, from the folder if they are there whole, else from the topic.
func (a *artifacts) load(ctx context.Context, sha string) ([]byte, error) {
	if b, err := os.ReadFile(a.path(sha)); err == nil && matches(b, sha) {
		return b, nil
	}
	r := a.client.NewReader()
	defer r.Close()
	var parts [][]byte
	for batch, err := range r.All(ctx, a.topic, 0) {
		if err != nil {
			return nil, fmt.Errorf("read model %s: %w", sha, err)
		}
		for i := range batch.Records {
			parts = place(parts, sha, &batch.Records[i])
		}
	}
	b := bytes.Join(parts, nil)
	if !matches(b, sha) {
		return nil, fmt.Errorf("read model %s: topic %s does not hold it whole (%d bytes found)", sha, a.topic, len(b))
	}
	return b, a.cache(sha, b)
}

// place puts a chunk of the wanted artifact where it belongs.
func place(parts [][]byte, sha string, r *kafka.Record) [][]byte {
	rest, ok := strings.CutPrefix(string(r.Key), sha+"/")
	if !ok {
		return parts
	}
	index, total, _ := strings.Cut(rest, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(total)
	if err1 != nil || err2 != nil || i < 0 || i >= n || n > 1<<20 {
		return parts
	}
	for len(parts) < n {
		parts = append(parts, nil)
	}
	parts[i] = bytes.Clone(r.Value)
	return parts
}

func matches(b []byte, sha string) bool {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]) == sha
}

func (a *artifacts) path(sha string) string { return filepath.Join(a.dir, sha) }

// torn is how the names of files of the cache end that are being written.
const torn = ".tmp"

// cache writes the file under another name first, one of its own: a torn file must not look whole, and two statements may bring the same
// model at once.
func (a *artifacts) cache(sha string, b []byte) error {
	f, err := os.CreateTemp(a.dir, sha+".*"+torn)
	if err != nil {
		return fmt.Errorf("cache model: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), a.path(sha))
	}
	if err != nil {
		return fmt.Errorf("cache model: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// sweepCache removes what writers left that died.
func sweepCache(dir string) error {
	files, err := os.ReadDir(dir)
	for _, f := range files {
		if strings.HasSuffix(f.Name(), torn) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
		}
	}
	return err
}
