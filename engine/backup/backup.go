package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/command"
	"github.com/millrace/millrace/engine/kafka"
)

// Topics are where a service keeps what defines it.
type Topics struct {
	Commands, Models string
	// Transactions is the transactional id of who writes commands.
	Transactions string
}

// ErrNotEmpty says that there is a command log already where one is to be restored.
var ErrNotEmpty = errors.New("the service has definitions already")

// Write reads what is committed now and writes a backup. A server may be running: the commands are whole up to some moment, and the models
// that they name are in the backup.
func Write(ctx context.Context, c *kafka.Client, service string, t Topics, w io.Writer) (Summary, error) {
	s := Summary{Service: service, Taken: time.Now().UTC()}
	out := newWriter(w)
	if err := out.line(line{Head: &head{Format: format, Service: service, Taken: s.Taken.Format(time.RFC3339)}}); err != nil {
		return s, err
	}
	r := c.NewReader()
	defer r.Close()
	// The end of the commands is taken first: a model's bytes are written before the command that names them.
	end, err := c.Offset(ctx, t.Commands, 0, kafka.LastStable)
	if err != nil {
		return s, fmt.Errorf("service %s: %w", service, err)
	}
	for batch, err := range r.All(ctx, t.Models, 0) {
		if errors.Is(err, kafka.ErrUnknownTopic) {
			break
		}
		if err != nil {
			return s, err
		}
		for _, rec := range batch.Records {
			s.Chunks++
			if err := out.line(line{Chunk: &chunk{Key: string(rec.Key), Time: rec.Timestamp, Value: rec.Value}}); err != nil {
				return s, err
			}
		}
	}
	for batch, err := range r.Range(ctx, t.Commands, 0, 0, end) {
		if err != nil {
			return s, err
		}
		for _, rec := range batch.Records {
			s.Commands++
			if err := out.line(line{Command: &entry{Offset: rec.Offset, Time: rec.Timestamp, Value: rec.Value}}); err != nil {
				return s, err
			}
		}
	}
	if err := out.line(line{End: &trailer{Commands: s.Commands, Chunks: s.Chunks}}); err != nil {
		return s, err
	}
	return s, out.close()
}

// Restore writes a backup into a service without definitions. It reads the file twice, and writes nothing before it was found whole.
// No server of the service may be running.
func Restore(ctx context.Context, c *kafka.Client, service string, t Topics, file io.ReadSeeker) (Summary, error) {
	s, err := Check(file)
	if err != nil {
		return s, err
	}
	if s.Service != service {
		return s, fmt.Errorf("the backup is of service %q, not of %q: internal topics and transactions are named after it", s.Service, service)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return s, fmt.Errorf("read the backup again: %w", err)
	}
	known, err := cluster.LastCommand(ctx, c, service)
	if err != nil {
		return s, err
	}
	if known > s.end+maxGap {
		return s, fmt.Errorf("tasks of service %s have seen commands below offset %d, and the backup ends at %d: it is not of this service's commands (hint: delete topic %s too to begin anew)",
			service, known, s.end, cluster.SlotsTopic(service))
	}
	log, err := command.OpenTopic(ctx, c, t.Commands, t.Transactions)
	if err != nil {
		return s, err
	}
	defer log.Close()
	if err := log.Fence(ctx); err != nil {
		return s, err
	}
	next, err := c.Offset(ctx, t.Commands, 0, kafka.Latest)
	if err != nil {
		return s, err
	}
	if next > 0 {
		return s, fmt.Errorf("%w (hint: delete topic %s to have the backup's instead)", ErrNotEmpty, t.Commands)
	}
	err = c.CreateTopic(ctx, kafka.TopicSpec{Name: t.Models, Partitions: 1, Configs: map[string]string{"cleanup.policy": "compact", "retention.ms": "-1"}})
	if err != nil && !errors.Is(err, kafka.ErrTopicExists) {
		return s, err
	}
	p := c.NewProducer(kafka.ProducerConfig{})
	defer p.Close()
	_, err = read(file, visitor{
		chunk: func(k *chunk) error {
			rec := kafka.Record{Timestamp: k.Time, Key: []byte(k.Key), Value: k.Value}
			return p.Send(ctx, kafka.ProduceBatch{Topic: t.Models, Records: []kafka.Record{rec}})
		},
		command: func(e *entry) error {
			if err := p.Flush(ctx); err != nil { // models come before the commands that name them
				return err
			}
			return log.AppendAt(ctx, e.Offset, e.Time, e.Value)
		},
	})
	if err == nil {
		err = catchUp(ctx, c, log, t, s.end, known)
	}
	if err != nil {
		return s, fmt.Errorf("%w (hint: delete topic %s before you try again)", err, t.Commands)
	}
	return s, p.Flush(ctx)
}

// catchUp makes the log, which ends at end, as long as the one that was lost, if that had commands that the backup lacks: tasks have seen those
// below known and wait until they are read, and new queries would get the names of those that were lost, and with them their positions and
// state.
func catchUp(ctx context.Context, c *kafka.Client, log *command.Topic, t Topics, end, known int64) error {
	if known <= end {
		return nil
	}
	nothing, err := (&command.Command{}).Marshal()
	if err != nil {
		return err
	}
	next, err := c.Offset(ctx, t.Commands, 0, kafka.Latest)
	if err != nil {
		return err
	}
	at := max(known-1, next)
	if at == next+1 { // no transaction is so short
		at++
	}
	return log.AppendAt(ctx, at, time.Now().UnixMilli(), nothing)
}
