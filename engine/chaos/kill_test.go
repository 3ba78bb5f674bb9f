package chaos

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/child"
	"github.com/millrace/millrace/engine/kafka"
)

var earliest = map[string]any{"auto.offset.reset": "earliest"}

// program builds the server once for the test.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "millrace")
	cmd := exec.Command("go", "build", "-o", path, "../../shell/millrace")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the server: %v\n%s", err, out)
	}
	return path
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// run is one run of the harness: a server that is ended and started again while events come in.
type run struct {
	t       *testing.T
	program string
	dir     string
	args    []string
	addr    string
	server  *child.Process
	api     child.Server
	slowest time.Duration
}

func (r *run) start(ctx context.Context) {
	r.t.Helper()
	began := time.Now()
	var err error
	if r.server, err = child.Start(r.program, r.dir, "server", append([]string{"server", "--listen", r.addr}, r.args...)...); err != nil {
		r.t.Fatal(err)
	}
	err = r.server.Await(ctx, "the server", func() error { _, err := r.api.Get(ctx, "/info"); return err })
	if err != nil {
		r.t.Fatal(err)
	}
	r.slowest = max(r.slowest, time.Since(began))
}

func newRun(t *testing.T, args ...string) *run {
	t.Helper()
	addr, err := child.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args = append(args, "--data", filepath.Join(dir, "data"))
	return &run{t: t, program: program(t), dir: dir, args: args, addr: addr, api: child.Server{URL: "http://" + addr}}
}

// TestKillsOnKafka kills the server (-9) at seeded moments under load. Committed outputs must be exact.
func TestKillsOnKafka(t *testing.T) {
	brokers := os.Getenv("MILLRACE_KAFKA")
	if brokers == "" {
		t.Skip("MILLRACE_KAFKA is not set: kills under load need a real Kafka (make test-kafka)")
	}
	seed := uint64(number(t, "MILLRACE_SEED", 1))
	suffix := strconv.FormatInt(time.Now().UnixMilli(), 36)
	r := newRun(t, "--bootstrap", brokers, "--service", "chaos-"+suffix+"-", "--slots", "8")
	c, err := kafka.Open(kafka.Config{Brokers: strings.Split(brokers, ",")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	r.exercise(c, Workload{Suffix: suffix, Users: 50, Partitions: 4}, seed, number(t, "MILLRACE_KILLS", 20), (*child.Process).Kill)
}

// TestRestartsOnEmbeddedBroker restarts a server with its own broker gracefully, under load.
func TestRestartsOnEmbeddedBroker(t *testing.T) {
	restarts := number(t, "MILLRACE_RESTARTS", 20)
	if testing.Short() {
		restarts = min(restarts, 5)
	}
	port, err := child.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(t, "--kafka-listen", port, "--slots", "8")
	r.start(t.Context())
	c, err := kafka.Open(kafka.Config{Brokers: []string{port}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	r.exercise(c, Workload{Suffix: "e", Users: 50, Partitions: 4}, 1, restarts, (*child.Process).Stop)
}

// exercise loads events while the server is ended and started again, then compares.
func (r *run) exercise(c *kafka.Client, w Workload, seed uint64, times int, end func(*child.Process)) {
	t, ctx := r.t, r.t.Context()
	if err := w.Create(ctx, c); err != nil {
		t.Fatal(err)
	}
	if r.server == nil {
		r.start(ctx)
	}
	defer func() { r.server.Stop() }()
	if err := r.api.Execute(ctx, w.Statements(), earliest); err != nil {
		t.Fatal(err)
	}
	loadCtx, stopLoad := context.WithCancel(ctx)
	defer stopLoad()
	type outcome struct {
		n   int
		err error
	}
	loaded := make(chan outcome, 1)
	go func() {
		n, err := w.Load(loadCtx, c, seed, 1_000_000, 30*time.Millisecond)
		loaded <- outcome{n, err}
	}()
	rng := rand.New(rand.NewPCG(seed, 5))
	for range times {
		time.Sleep(time.Duration(200+rng.IntN(1800)) * time.Millisecond)
		end(r.server)
		r.start(ctx)
	}
	stopLoad()
	load := <-loaded
	if load.err != nil && !errors.Is(load.err, context.Canceled) {
		t.Fatal(load.err)
	}
	r.compare(ctx, c, w, times, load.n)
}

// evidence is what the server says of itself: its metrics and the end of its log.
func (r *run) evidence(ctx context.Context) string {
	metrics, err := r.api.Get(ctx, "/metrics")
	var lines []string
	for line := range strings.Lines(string(metrics)) {
		if strings.HasPrefix(line, "millrace_") {
			lines = append(lines, line)
		}
	}
	log, _ := os.ReadFile(filepath.Join(r.dir, "server.log"))
	return strings.Join(lines, "") + string(log[max(0, len(log)-6000):]) + errText(err)
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// compare waits for the outputs to become what they ought to be; what they are after four minutes stands.
func (r *run) compare(ctx context.Context, c *kafka.Client, w Workload, times, loaded int) {
	want, err := w.Expected(ctx, c)
	if err != nil {
		r.t.Fatal(err)
	}
	var diffs []string
	for deadline := time.Now().Add(4 * time.Minute); ; {
		got, err := w.Actual(ctx, c)
		if err != nil {
			r.t.Fatalf("after %d restarts: %v", times, err)
		}
		if diffs = Differences(want, got); len(diffs) == 0 {
			break
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("after %d restarts the outputs differ:\n%s\n%s", times, strings.Join(diffs, "\n"), r.evidence(ctx))
		}
		time.Sleep(500 * time.Millisecond)
	}
	if len(want.Big) == 0 || len(want.Joined) == 0 || len(want.Counts) == 0 {
		r.t.Fatal("nothing came out: the comparison shows nothing")
	}
	r.t.Logf("%d restarts, %d events, %d filtered, %d joined, %d windows: exact; slowest start %s",
		times, loaded, len(want.Big), len(want.Joined), len(want.Counts), r.slowest.Round(time.Millisecond))
}
