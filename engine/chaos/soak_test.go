package chaos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

const (
	soakEvery = 5 * time.Second // between samples
	soakLine  = time.Minute     // between lines that are printed
)

// soak is a run of TestSoak: a server under a steady load, and what is watched of it.
type soak struct {
	*run
	c      *kafka.Client
	w      Steady
	data   string
	events atomic.Int64
	gauges []*gauge
}

// TestSoak keeps a server under a steady load for MILLRACE_SOAK minutes, and fails if what it needs grows. The first quarter is warm-up.
func TestSoak(t *testing.T) {
	brokers := os.Getenv("MILLRACE_KAFKA")
	if brokers == "" || os.Getenv("MILLRACE_SOAK") == "" {
		t.Skip("MILLRACE_KAFKA and MILLRACE_SOAK are not set: a soak takes its time (make soak)")
	}
	total := time.Duration(number(t, "MILLRACE_SOAK", 20)) * time.Minute
	s := newSoak(t, brokers)
	defer func() { _ = s.c.Close() }()
	ctx := t.Context()
	if err := s.w.Create(ctx, s.c); err != nil {
		t.Fatal(err)
	}
	s.start(ctx)
	defer s.server.Stop()
	if err := s.api.Execute(ctx, s.w.Statements(), earliest); err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	loaded := make(chan error, 1)
	go func() {
		loaded <- s.w.Load(running, s.c, number(t, "MILLRACE_RATE", 300), func(n int) { s.events.Store(int64(n)) })
	}()
	s.watch(ctx, total)
	stop()
	if err := <-loaded; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s.verdict(total / 4)
}

func newSoak(t *testing.T, brokers string) *soak {
	t.Helper()
	suffix, models := strconv.FormatInt(time.Now().UnixMilli(), 36), t.TempDir()
	s := &soak{
		run: newRun(t, "--bootstrap", brokers, "--service", "soak-"+suffix+"-", "--model-dir", models, "--flush-interval", "5s"),
		w:   Steady{Workload: Workload{Suffix: suffix, Users: 2000, Partitions: 4}},
		gauges: []*gauge{
			{name: "resident MiB", unit: 1 << 20, slack: 24 << 20},
			{name: "heap target MiB", unit: 1 << 20, slack: 16 << 20}, // twice what the last collection left
			{name: "disk MiB", unit: 1 << 20, slack: 32 << 20},
			{name: "goroutines", unit: 1, slack: 20},
			{name: "open files", unit: 1, slack: 20},
			{name: "metrics", unit: 1, slack: 10},
			{name: "repartition records", unit: 1, slack: 20_000},
			{name: "lag", unit: 1, slack: 20_000},
		},
	}
	s.data = filepath.Join(s.dir, "data")
	s.w.Rows, _ = iris(t, models)
	var err error
	if s.c, err = kafka.Open(kafka.Config{Brokers: strings.Split(brokers, ",")}); err != nil {
		t.Fatal(err)
	}
	return s
}

// watch samples all gauges until the time is over.
func (s *soak) watch(ctx context.Context, total time.Duration) {
	s.t.Helper()
	began := time.Now()
	tick := time.NewTicker(soakEvery)
	defer tick.Stop()
	for line := began; time.Since(began) < total; {
		select {
		case <-ctx.Done():
			s.t.Fatal(context.Cause(ctx))
		case <-tick.C:
		}
		values, err := s.sample(ctx)
		if err != nil {
			s.t.Fatalf("%v\n%s", err, s.evidence(ctx))
		}
		at := time.Since(began)
		var shown []string
		for i, g := range s.gauges {
			g.values = append(g.values, sampled{at, values[i]})
			shown = append(shown, g.String())
		}
		if time.Since(line) >= soakLine {
			line = time.Now()
			fmt.Printf("%5s %d events, %s\n", at.Round(time.Minute), s.events.Load(), strings.Join(shown, ", "))
		}
	}
}

// sample reads the gauges, in their order.
func (s *soak) sample(ctx context.Context) (values []float64, err error) {
	resident, err := s.server.Memory("VmRSS")
	if err != nil {
		return nil, err
	}
	disk, err := size(s.data)
	if err != nil {
		return nil, err
	}
	metrics, err := s.api.Scrape(ctx)
	if err != nil {
		return nil, err
	}
	values = []float64{float64(resident), 0, float64(disk), 0, 0, float64(len(metrics)), 0, 0}
	for i, name := range map[int]string{1: "go_memstats_next_gc_bytes", 3: "go_goroutines", 4: "process_open_fds", 7: "millrace_query_lag"} {
		if values[i], err = metrics.Sum(name); err != nil {
			return nil, err
		}
	}
	values[6], err = s.untrimmed(ctx)
	return values, err
}

// size is the bytes of all files below a folder. Files that go meanwhile are not counted.
func size(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				total += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return total, err
}

// untrimmed counts the offsets that repartition topics still have.
func (s *soak) untrimmed(ctx context.Context) (total float64, err error) {
	topics, err := s.c.ListTopics()
	if err != nil {
		return 0, err
	}
	for _, t := range topics {
		if !strings.Contains(t.Name, s.w.Suffix) || !strings.HasSuffix(t.Name, "-repartition") {
			continue
		}
		for p := range t.Partitions {
			first, err := s.c.Offset(ctx, t.Name, p, kafka.Earliest)
			if err != nil {
				return 0, err
			}
			end, err := s.c.Offset(ctx, t.Name, p, kafka.Latest)
			if err != nil {
				return 0, err
			}
			total += float64(end - first)
		}
	}
	return total, nil
}

// verdict tells each gauge's trend, and in the last line whether one grows.
func (s *soak) verdict(warm time.Duration) {
	var growing []string
	for _, g := range s.gauges {
		t := g.trend(warm)
		fmt.Println(g.describe(t))
		if g.grows(t) {
			growing = append(growing, g.name)
		}
	}
	if len(growing) > 0 {
		s.t.Fail()
		fmt.Printf("soak: growing %s, %d events\n", strings.Join(growing, ", "), s.events.Load())
		return
	}
	fmt.Printf("soak: ok, %d events\n", s.events.Load())
}
