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

// storm is a run of TestChaos: two servers behind proxies, and what happens to them.
type storm struct {
	t       *testing.T
	rng     *rand.Rand
	w       EveryKind
	c       *kafka.Client
	program string
	servers []*node
	ctl     string // the program that kills brokers; "": it is not done
	proxies []*Proxy
	counts  map[string]int
}

// node is a server that comes back.
type node struct {
	run
	name string
	data string
}

// up starts the server. One that meets no broker ends, as it says; whoever runs it starts it again.
func (n *node) up(ctx context.Context) {
	n.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		var err error
		n.server, err = child.Start(n.program, n.dir, "server", append([]string{"server", "--listen", n.addr}, n.args...)...)
		if err == nil {
			err = n.server.Await(ctx, "the server", func() error { _, err := n.api.Get(ctx, "/info"); return err })
		}
		if err == nil {
			return
		}
		n.server.Kill()
		if time.Now().After(deadline) {
			n.t.Fatal(err)
		}
	}
}

// TestChaos runs queries of every kind on two servers while everything breaks, and compares with a batch computation. MILLRACE_SEED
// decides what breaks when; MILLRACE_FAULTS how often; MILLRACE_INJECT gives the servers a deliberate defect, which must be seen.
func TestChaos(t *testing.T) {
	brokers := os.Getenv("MILLRACE_KAFKA")
	if brokers == "" || os.Getenv("MILLRACE_FAULTS") == "" {
		t.Skip("MILLRACE_KAFKA and MILLRACE_FAULTS are not set: faults need a real Kafka (make chaos)")
	}
	seed := uint64(number(t, "MILLRACE_SEED", 1))
	s := newStorm(t, brokers, seed)
	defer s.close()
	ctx := t.Context()
	if err := s.w.Create(ctx, s.c); err != nil {
		t.Fatal(err)
	}
	for _, n := range s.servers {
		n.up(ctx)
	}
	if err := s.servers[0].api.Execute(ctx, s.w.Statements(), earliest); err != nil {
		t.Fatal(err)
	}
	load, stop := context.WithCancel(ctx)
	defer stop()
	loaded := make(chan error, 1)
	go func() {
		n, err := s.w.Load(load, s.c, seed, 50*time.Millisecond)
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		t.Logf("%d events", n)
		loaded <- err
	}()
	faults := number(t, "MILLRACE_FAULTS", 70)
	for n := range faults {
		time.Sleep(time.Duration(300+s.rng.IntN(1500)) * time.Millisecond)
		s.fault(ctx, n)
	}
	stop()
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	s.verdict(ctx, faults)
}

// verdict compares, and says it in the last line.
func (s *storm) verdict(ctx context.Context, faults int) {
	patience, defect := 3*time.Minute, os.Getenv("MILLRACE_INJECT")
	if defect != "" {
		patience = 45 * time.Second // differences are to be expected
	}
	n, shown := s.settle(ctx, patience)
	if n == 0 {
		in, err := s.w.readInput(ctx, s.c)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := s.w.Close(ctx, s.c, in.last+finalGrace+2*finalSize); err != nil {
			s.t.Fatal(err)
		}
		n, shown = s.settle(ctx, time.Minute)
	}
	for _, kind := range slices.Sorted(maps.Keys(s.counts)) {
		s.t.Logf("%3d %s", s.counts[kind], kind)
	}
	switch {
	case n > 0:
		s.t.Log(strings.Join(shown, "\n"))
		if defect == "" {
			for _, node := range s.servers {
				s.t.Log(node.evidence(ctx))
			}
			s.t.Errorf("the outputs differ")
		}
	case defect != "":
		s.t.Errorf("the defect %s was not seen", defect)
	}
	fmt.Printf("faults %d, differences %d\n", faults, n)
}

// settle waits until the outputs are what they ought to be, or no longer than patience.
func (s *storm) settle(ctx context.Context, patience time.Duration) (n int, shown []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Second) {
		in, err := s.w.readInput(ctx, s.c)
		if err != nil {
			s.t.Fatal(err)
		}
		want := s.w.compute(in)
		got, err := s.w.observe(ctx, s.c)
		if err != nil {
			return 1, []string{err.Error()}
		}
		if n, shown = compare(want, got); n == 0 {
			for name, table := range want {
				if len(table) == 0 && name != "finals" {
					s.t.Errorf("output %s is empty: the comparison shows nothing of it", name)
				}
			}
			var sizes []string
			for _, name := range slices.Sorted(maps.Keys(got)) {
				sizes = append(sizes, fmt.Sprintf("%s %d", name, len(got[name])))
			}
			s.t.Logf("equal: %s", strings.Join(sizes, ", "))
			return 0, nil
		}
		if time.Now().After(deadline) {
			return n, shown
		}
	}
}

func newStorm(t *testing.T, brokers string, seed uint64) *storm {
	t.Helper()
	c, err := kafka.Open(kafka.Config{Brokers: strings.Split(brokers, ",")})
	if err != nil {
		t.Fatal(err)
	}
	suffix := strconv.FormatInt(time.Now().UnixMilli(), 36)
	s := &storm{
		t: t, rng: rand.New(rand.NewPCG(seed, 9)), c: c, program: program(t), ctl: os.Getenv("MILLRACE_KAFKA_CTL"), counts: map[string]int{},
		w: EveryKind{Workload: Workload{Suffix: suffix, Users: 40, Partitions: 4}},
	}
	bootstrap := s.proxy(brokers)
	models := t.TempDir()
	s.model(models)
	for i := range 2 {
		name := fmt.Sprintf("server-%d", i)
		addr, err := child.FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		n := &node{name: name, data: filepath.Join(dir, "data")}
		n.run = run{
			t: t, program: s.program, dir: dir, addr: addr, api: child.Server{URL: "http://" + addr},
			args: []string{
				"--bootstrap", bootstrap, "--service", "chaos-" + suffix + "-", "--slots", "8", "--data", n.data, "--model-dir", models,
			},
		}
		s.servers = append(s.servers, n)
	}
	return s
}

// model puts the model where servers find it, and reads what its own library says of its test rows.
func (s *storm) model(dir string) {
	s.t.Helper()
	const from = "../../udf/model/onnx/testdata/integer_inputs"
	file, err := os.ReadFile(from + ".onnx")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "iris.onnx"), file, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := os.ReadFile(from + ".json")
	if err != nil {
		s.t.Fatal(err)
	}
	var oracle struct {
		Rows    int
		Inputs  struct{ X []int64 }
		Outputs struct {
			Label []int64 `json:"output_label"`
		}
	}
	if err := json.Unmarshal(text, &oracle); err != nil {
		s.t.Fatal(err)
	}
	s.w.Labels = oracle.Outputs.Label
	for row := range slices.Chunk(oracle.Inputs.X, 4) {
		s.w.Rows = append(s.w.Rows, row)
	}
}

// proxy puts a proxy before each broker that has a way for it (see .ci/kafka), and gives the addresses that servers use.
func (s *storm) proxy(brokers string) string {
	s.t.Helper()
	var out []string
	for _, addr := range strings.Split(brokers, ",") {
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
			return brokers
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
	for _, n := range s.servers {
		if n.server != nil {
			n.server.Stop()
		}
	}
	for _, p := range s.proxies {
		p.Close()
	}
	_ = s.c.Close() // nothing is under way
}
