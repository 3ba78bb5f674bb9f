package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/child"
	"github.com/millrace/millrace/engine/kafka"
)

// Options are common to all measurements.
type Options struct {
	Bootstrap string // of a running Kafka; empty: an embedded broker in a process of its own
	Out       io.Writer
	Progress  io.Writer
}

// rig is a broker to measure with and a folder for the servers' data.
type rig struct {
	Options
	dir      string
	broker   *child.Process // nil: somebody else's
	brokers  string
	client   *kafka.Client
	services int // begun so far
}

func openRig(ctx context.Context, o Options) (_ *rig, err error) {
	r := &rig{Options: o, brokers: o.Bootstrap}
	if r.dir, err = os.MkdirTemp("", "millrace-bench-"); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.brokers == "" {
		if err := r.startBroker(ctx); err != nil {
			return nil, err
		}
	}
	r.client, err = kafka.Open(kafka.Config{Brokers: strings.Split(r.brokers, ",")})
	return r, err
}

func (r *rig) close() {
	if r.client != nil {
		r.clear(owned())
		_ = r.client.Close() // nothing is unsent
	}
	if r.broker != nil {
		r.broker.Stop()
	}
	_ = os.RemoveAll(r.dir) // below the system's temporary folder
}

func (r *rig) startBroker(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if r.brokers, err = child.FreeAddress(); err != nil {
		return err
	}
	r.broker, err = child.Start(self, r.dir, "broker", "broker", "--listen", r.brokers, "--data", filepath.Join(r.dir, "broker"))
	if err != nil {
		return err
	}
	return r.broker.Await(ctx, "the broker", func() error {
		c, err := kafka.Open(kafka.Config{Brokers: []string{r.brokers}, DialTimeout: time.Second})
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// topic makes an input topic, which close deletes, and returns its name.
func (r *rig) topic(ctx context.Context, name string, partitions int32) (string, error) {
	name = owned() + name
	return name, r.client.CreateTopic(ctx, kafka.TopicSpec{Name: name, Partitions: partitions, Configs: map[string]string{"retention.ms": "-1"}})
}

// server is a server in a process of its own, with a service of its own.
type server struct {
	*child.Process
	api child.Server
	dir string
}

// props let queries read what is there already.
var props = map[string]any{"auto.offset.reset": "earliest"}

// start runs the first server of a new service, with further flags. Whoever starts one calls stop.
func (r *rig) start(ctx context.Context, flags ...string) (*server, error) {
	r.services++
	return r.join(ctx, 1, flags...)
}

// join runs another server of the service started last.
func (r *rig) join(ctx context.Context, number int, flags ...string) (*server, error) {
	s := &server{dir: filepath.Join(r.dir, fmt.Sprintf("server-%d-%d", r.services, number))}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	if err := r.launch(ctx, s, flags...); err != nil {
		r.stop(s)
		return nil, err
	}
	return s, nil
}

// launch runs the process of a server of the service started last, once more if it has ended.
func (r *rig) launch(ctx context.Context, s *server, flags ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	addr, err := child.FreeAddress()
	if err != nil {
		return err
	}
	s.api = child.Server{URL: "http://" + addr}
	args := append([]string{
		"server", "--listen", addr, "--bootstrap", r.brokers, "--data", s.data(), "--service", r.service(),
	}, flags...)
	if s.Process, err = child.Start(self, s.dir, "server", args...); err != nil {
		return err
	}
	return s.Await(ctx, "the server", func() error { _, err := s.api.Get(ctx, "/info"); return err })
}

// data is the server's data directory.
func (s *server) data() string { return filepath.Join(s.dir, "data") }

// owned begins the names of all topics that this run makes.
func owned() string { return fmt.Sprintf("bench-%d-", os.Getpid()) }

// service is the id of the service begun last.
func (r *rig) service() string { return fmt.Sprintf("%s%d-", owned(), r.services) }

// sink is the topic that the query measured in the service begun last writes.
func (r *rig) sink() string { return r.service() + "sink" }

// stop ends servers of the service begun last and removes what it leaves on the broker and on the disk.
func (r *rig) stop(servers ...*server) {
	for _, s := range servers {
		if s.Process != nil {
			s.Stop()
		}
		_ = os.RemoveAll(s.dir)
	}
	r.clear(r.service())
}

// clear deletes the topics whose names begin so, and those of a service whose name begins so.
func (r *rig) clear(prefix string) {
	topics, err := r.client.ListTopics()
	if err != nil {
		return // the broker is gone, and the measurement says so
	}
	for _, t := range topics {
		if strings.HasPrefix(t.Name, prefix) || strings.HasPrefix(t.Name, "_millrace-"+prefix) {
			_ = r.client.DeleteTopics(t.Name) // what stays is named for this program and harms nobody
		}
	}
}

// usage is what a server has used since it was started.
type usage struct {
	at      time.Time
	cpu     time.Duration // user and system
	metrics child.Scrape
}

// measured is what has a usage: a server, or all of a service.
type measured interface {
	usage(context.Context) (usage, error)
}

func (s *server) usage(ctx context.Context) (usage, error) {
	m, err := s.api.Scrape(ctx)
	if err != nil {
		return usage{}, err
	}
	cpu, err := s.CPU()
	return usage{time.Now(), cpu, m}, err
}

// since says by how much a counter has grown. Before its query was there it was not there either.
func (u usage) since(before usage, metric string) (float64, error) {
	now, err := u.metrics.Sum(metric)
	if was, none := before.metrics.Sum(metric); none == nil {
		now -= was
	}
	return now, err
}
