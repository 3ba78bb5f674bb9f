package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/child"
	"github.com/millrace/millrace/engine/kafka"
)

// storm is a run of TestChaos: servers behind proxies, brokers, and what happens to them.
type storm struct {
	t       *testing.T
	rng     *rand.Rand
	w       EveryKind
	c       *kafka.Client
	load    *Load
	servers []*node // the last one comes and goes
	brokers *brokers
	proxies []*Proxy
	done    int // faults
	counts  map[string]int
}

// node is a server that comes back. The storm goes on while it starts.
type node struct {
	run
	name  string
	data  string
	away  bool
	ready chan error // holds a value while no start is under way: what became of the last one
}

// alive are the servers that are there, or start.
func (s *storm) alive() (list []*node) {
	for _, n := range s.servers {
		if !n.away {
			list = append(list, n)
		}
	}
	return list
}

// launch starts the server's process.
func (n *node) launch() (err error) {
	n.server, err = child.Start(n.program, n.dir, "server", append([]string{"server", "--listen", n.addr}, n.args...)...)
	return err
}

// up begins to start the server.
func (n *node) up(ctx context.Context) {
	<-n.ready
	n.away = false
	go func() { n.ready <- n.bring(ctx) }()
}

// bring starts the server. One that meets no broker ends, as it says; whoever runs it starts it again.
func (n *node) bring(ctx context.Context) error {
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(500 * time.Millisecond) {
		err := n.launch()
		if err != nil {
			return err
		}
		err = n.server.Await(ctx, "the server", func() error { _, err := n.api.Get(ctx, "/info"); return err })
		if err == nil {
			return nil
		}
		n.server.Kill()
		if time.Now().After(deadline) {
			return err
		}
	}
}

// await waits until the server has started.
func (n *node) await() {
	n.t.Helper()
	err := <-n.ready
	n.ready <- nil
	if err != nil {
		n.t.Fatal(err)
	}
}

// await waits until all servers that are there have started, and all brokers run.
func (s *storm) await() {
	s.t.Helper()
	for _, n := range s.alive() {
		n.await()
	}
	s.brokers.heal()
}

// instance is the end of the server's client id. The data directory has it.
func (n *node) instance() string {
	n.t.Helper()
	id, err := os.ReadFile(filepath.Join(n.data, "instance"))
	if err != nil {
		n.t.Fatal(err)
	}
	return string(id)
}

// rounds is how often a storm waits for all results, and then has the windows closed.
const rounds = 3

// last is how many faults there are after the last windows were closed.
const last = 4

// TestChaos runs queries of every kind on servers while everything breaks, and compares with a batch computation. MILLRACE_SEED
// decides what breaks when; MILLRACE_FAULTS how often; MILLRACE_STANDBYS how many copies there are of each slot's state; MILLRACE_INJECT
// gives the servers a deliberate defect, which must be seen.
func TestChaos(t *testing.T) {
	brokers := os.Getenv("MILLRACE_KAFKA")
	if brokers == "" || os.Getenv("MILLRACE_FAULTS") == "" {
		t.Skip("MILLRACE_KAFKA and MILLRACE_FAULTS are not set: faults need a real Kafka (make chaos)")
	}
	s := newStorm(t, brokers, uint64(number(t, "MILLRACE_SEED", 1)))
	defer s.close()
	ctx := t.Context()
	if err := s.w.Create(ctx, s.c); err != nil {
		t.Fatal(err)
	}
	for _, n := range s.servers[:len(s.servers)-1] {
		n.up(ctx)
	}
	s.await()
	if err := s.servers[0].api.Execute(ctx, s.w.Statements(), earliest); err != nil {
		t.Fatal(err)
	}
	total, defect := number(t, "MILLRACE_FAULTS", 70), os.Getenv("MILLRACE_INJECT")
	n, shown := s.rage(ctx, total, defect)
	for _, kind := range slices.Sorted(maps.Keys(s.counts)) {
		t.Logf("%3d %s", s.counts[kind], kind)
	}
	switch {
	case n > 0:
		t.Log(strings.Join(shown, "\n"))
		if defect == "" {
			for _, node := range s.servers {
				t.Log(node.evidence(ctx))
			}
			t.Errorf("the outputs differ")
		}
	case defect != "":
		t.Errorf("the defect %s was not seen", defect)
	}
	fmt.Printf("faults %d, differences %d\n", s.done, n)
}

// rage has all faults happen, in rounds, and gives the differences of the first comparison that has any.
func (s *storm) rage(ctx context.Context, total int, defect string) (n int, shown []string) {
	patience := 5 * time.Minute
	if defect != "" {
		patience = 90 * time.Second // differences are to be expected; they must not be rows yet to come
	}
	for round := range rounds {
		s.round(ctx, (total-last)*(round+1)/rounds)
		if n, shown = s.settle(ctx, patience); n > 0 {
			return n, shown
		}
		if err := s.load.Close(ctx); err != nil {
			s.t.Fatal(err)
		}
	}
	for s.done < total {
		s.fault(ctx)
	}
	return s.settle(ctx, patience)
}

// round has faults happen under load, until there were so many.
func (s *storm) round(ctx context.Context, until int) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	loaded := make(chan error, 1)
	go func() { loaded <- s.load.Run(running, 50*time.Millisecond) }()
	for s.done < until {
		time.Sleep(time.Duration(300+s.rng.IntN(1500)) * time.Millisecond)
		s.fault(ctx)
	}
	stop()
	if err := <-loaded; err != nil && !errors.Is(err, context.Canceled) {
		s.t.Fatal(err)
	}
}

// settle waits until the outputs are what they ought to be, or no longer than patience.
func (s *storm) settle(ctx context.Context, patience time.Duration) (n int, shown []string) {
	s.await()
	began := time.Now()
	for {
		want, got, err := s.look(ctx)
		if err != nil {
			n, shown = 1, []string{err.Error()}
		} else {
			n, shown = compare(want, got)
		}
		if n == 0 {
			s.equal(got, time.Since(began))
			return 0, nil
		}
		if time.Since(began) > patience {
			return n, shown
		}
		time.Sleep(2 * time.Second)
	}
}

// look computes what the outputs ought to be, and reads what they are.
func (s *storm) look(ctx context.Context) (want, got Tables, err error) {
	in, err := s.w.readInput(ctx, s.c)
	if err != nil {
		return nil, nil, err
	}
	got, err = s.w.observe(ctx, s.c)
	return s.w.compute(in), got, err
}

// equal tells of a comparison, in which no output may be empty. Final windows are there only when some were closed.
func (s *storm) equal(got Tables, took time.Duration) {
	var sizes []string
	for _, o := range outputs {
		if len(got[o.name]) == 0 && (!o.once || s.load.closed) {
			s.t.Errorf("output %s is empty: the comparison shows nothing of it", o.name)
		}
		sizes = append(sizes, fmt.Sprintf("%s %d", o.name, len(got[o.name])))
	}
	s.t.Logf("equal after %s: %s", took.Round(time.Second), strings.Join(sizes, ", "))
}

// servers is how many servers a storm has.
const servers = 3

func newStorm(t *testing.T, addresses string, seed uint64) *storm {
	t.Helper()
	list := strings.Split(addresses, ",")
	c, err := kafka.Open(kafka.Config{Brokers: list})
	if err != nil {
		t.Fatal(err)
	}
	suffix := strconv.FormatInt(time.Now().UnixMilli(), 36)
	s := &storm{
		t: t, rng: rand.New(rand.NewPCG(seed, 9)), c: c, counts: map[string]int{},
		w: EveryKind{Workload: Workload{Suffix: suffix, Users: 40, Partitions: 4}},
	}
	s.brokers = newBrokers(t, s.rng, os.Getenv("MILLRACE_KAFKA_CTL"), len(list))
	bootstrap := s.proxy(list)
	models := t.TempDir()
	s.w.Rows, s.w.Labels = iris(t, models)
	s.load = s.w.NewLoad(c, seed)
	program := program(t)
	copies := fmt.Sprintf("num.standby.replicas=%d", number(t, "MILLRACE_STANDBYS", 1))
	for i := range servers {
		addr, err := child.FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		n := &node{name: fmt.Sprintf("server-%d", i), data: filepath.Join(dir, "data"), away: true, ready: make(chan error, 1)}
		n.ready <- nil
		n.run = run{
			t: t, program: program, dir: dir, addr: addr, api: child.Server{URL: "http://" + addr},
			args: []string{
				"--bootstrap", bootstrap, "--service", "chaos-" + suffix + "-", "--slots", "8", "--data", n.data, "--model-dir", models,
				"--flush-interval", "3s", "--property", copies,
			},
		}
		s.servers = append(s.servers, n)
	}
	return s
}

// iris puts a model where servers find it, and reads its test rows and what its own library says of them.
func iris(t *testing.T, dir string) (rows [][]int64, labels []int64) {
	t.Helper()
	const from = "../../udf/model/onnx/testdata/integer_inputs"
	file, err := os.ReadFile(from + ".onnx")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "iris.onnx"), file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(from + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle struct {
		Inputs  struct{ X []int64 }
		Outputs struct {
			Label []int64 `json:"output_label"`
		}
	}
	if err := json.Unmarshal(text, &oracle); err != nil {
		t.Fatal(err)
	}
	for row := range slices.Chunk(oracle.Inputs.X, 4) {
		rows = append(rows, row)
	}
	return rows, oracle.Outputs.Label
}

// proxy puts a proxy before each broker that has a way for it (see .ci/kafka), and gives the addresses that servers use.
func (s *storm) proxy(brokers []string) string {
	s.t.Helper()
	var out []string
	for _, addr := range brokers {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			s.t.Fatal(err)
		}
		n, err := strconv.Atoi(port)
		if err != nil {
			s.t.Fatal(err)
		}
		target, listen := net.JoinHostPort(host, strconv.Itoa(n+200)), net.JoinHostPort(host, strconv.Itoa(n+300))
		probe, err := net.Dial("tcp", target)
		if err != nil {
			s.t.Logf("no listener for a proxy at %s: connections are not cut", target)
			return strings.Join(brokers, ",")
		}
		_ = probe.Close()
		p, err := Listen(listen, target)
		if err != nil {
			s.t.Fatal(err)
		}
		s.proxies = append(s.proxies, p)
		out = append(out, listen)
	}
	return strings.Join(out, ",")
}

func (s *storm) close() {
	for _, n := range s.alive() {
		if <-n.ready; n.server != nil {
			n.server.Stop()
		}
	}
	<-s.brokers.whole // whatever became of the last fault: nothing runs behind the test's back
	for _, p := range s.proxies {
		p.Close()
	}
	_ = s.c.Close() // nothing is under way
}
