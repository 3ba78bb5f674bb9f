package simtest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf/model"
	"github.com/millrace/millrace/udf/wasm"
)

// swapped is a query that follows model M: its P is the score, which is the number of the version, and its MV what MODEL_VERSION says.
var swapped = Query{Name: "swap", SQL: `CREATE STREAM o AS SELECT k, v, CAST(v AS DOUBLE) AS p, v AS mv FROM a;`, Partitions: 2, Serial: true}

// swapPlan puts the model into the plan, which the test driver knows nothing of.
func swapPlan(t *testing.T) *topology.Topology {
	t.Helper()
	topo := planned(t, swapped)
	root := plan.Rewrite(topo.Root, func(n plan.Node) plan.Node {
		p, ok := n.(*plan.Project)
		if !ok || plan.Find(p.Out, "MV") < 0 {
			return n
		}
		c := *p
		c.Items = append([]plan.Item{}, p.Items...)
		for i := range c.Items {
			switch c.Items[i].Name {
			case "P":
				c.Items[i].Expr = &plan.Predict{Model: "M", Args: []plan.Expr{c.Items[i].Expr}, T: types.Double}
			case "MV":
				c.Items[i].Expr = &plan.ModelVersion{Model: "M"}
			}
		}
		return &c
	})
	out, err := topology.Build(root, topology.Options{
		Service: "sim", Query: "q", Partitions: func(string) (int32, error) { return swapped.Partitions, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ofNumber is a backend whose files hold the number that the model returns. Multiples of poison fail on every row; 0: none does.
type ofNumber struct{ poison int }

func (ofNumber) Name() string { return "number" }

func (b ofNumber) Load(_ context.Context, a model.Artifact, _ model.Options) (model.Scorer, error) {
	n, err := strconv.Atoi(string(a.Bytes))
	if b.poison > 0 && n%b.poison == 0 {
		return poisoned{number(n)}, err
	}
	return number(n), err
}

// poisoned is a model that loads and then fails.
type poisoned struct{ number }

func (poisoned) Score(context.Context, []model.Column, int, []model.Column) error {
	return fmt.Errorf("a row that the model fails on: %w", errInjected)
}

type number float32

func (number) Signature() model.Signature {
	one := func(name string) []model.Tensor {
		return []model.Tensor{{Name: name, Type: model.Float32, Shape: []int64{-1}}}
	}
	return model.Signature{Inputs: one("x"), Outputs: one("y")}
}

func (n number) Score(_ context.Context, _ []model.Column, rows int, out []model.Column) error {
	out[0].Resize(model.Float32, rows)
	for i := range rows {
		out[0].Float32[i] = float32(n)
	}
	return nil
}

func (number) Close() error { return nil }

// commands are the definitions of M: a new version, a split or a way back at every offset. The version
// that is active in the end is not among the poisoned ones.
func commands(t *testing.T, r *rand.Rand, n, poison int) *catalog.Catalog {
	t.Helper()
	cat := (&catalog.Catalog{}).WithModelVersion(&catalog.ModelVersion{Name: "M", Version: 1, SHA256: "1"}, 0)
	for at := 1; at < n; at++ {
		m, _ := cat.Model("M")
		var err error
		switch last := m.Last().Version; {
		case at == n-1 && poison > 0 && (last+1)%poison == 0:
			cat, err = cat.WithRollout("M", &catalog.Rollout{Active: last}, int64(at))
		case last == 1 || at == n-1 || r.IntN(2) == 0:
			cat = cat.WithModelVersion(&catalog.ModelVersion{Name: "M", Version: last + 1, SHA256: strconv.Itoa(last + 1)}, int64(at))
		case r.IntN(2) == 0:
			split := []catalog.Share{{Version: last - 1, Percent: 50}, {Version: last, Percent: 50}}
			cat, err = cat.WithRollout("M", &catalog.Rollout{Active: last, Traffic: split, Shadow: []int{1}}, int64(at))
		case m.Rollout().Previous == 0:
			continue
		default:
			cat, err = cat.WithRollout("M", &catalog.Rollout{Active: m.Rollout().Previous}, int64(at))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return cat
}

// process is what one process has read of the commands.
type process struct {
	model.Library
	functions wasm.Library
	cat       *catalog.Catalog
	total     int64        // commands that there are by now
	known     atomic.Int64 // written by who tends the process, read by its slots
	plan      *Plan
}

func (p *process) Known() int64 { return p.known.Load() }

func (p *process) Read() bool {
	known := p.known.Load()
	if known == p.total || p.plan.intn("commands", 100) >= 40 {
		return false
	}
	p.known.Store(min(p.total, known+1+int64(p.plan.intn("commands", 3))))
	return true
}

func (p *process) View() task.Models {
	now := func() (*catalog.Catalog, int64) { return p.cat, p.known.Load() }
	return task.ModelsOf(p.Library.View(1, now), p.functions.View(1, now))
}

// swaps is the number of commands of a history.
const swaps = 40

// runSwaps runs a history in which M changes all the time, and the versions that are multiples of poison fail on every row.
func runSwaps(t *testing.T, topo *topology.Topology, seed uint64, events Events, rate, poison int) (versions, failures, restarts int) {
	t.Helper()
	cat := commands(t, rand.New(rand.NewPCG(seed, 11)), swaps, poison)
	h := &History{Query: swapped, topo: topo, Seed: seed, Plan: Often(seed, rate, 60), Events: events}
	h.Models = func() Models {
		p := &process{cat: cat, total: swaps, plan: h.Plan}
		p.known.Store(1)
		p.Backends = []model.Backend{ofNumber{poison}}
		p.Fetch = func(_ context.Context, sha string) ([]byte, error) { return []byte(sha), nil }
		return p
	}
	out, err := run(t, h)
	if err != nil {
		t.Fatalf("seed %d, injected %q: %v", seed, h.Plan.Injected, err)
	}
	m, _ := cat.Model("M")
	return checkSwaps(t, h, m, seed), len(h.Plan.Injected), out.Restarts
}

// checkSwaps returns how many versions scored, and checks that every record was scored once, by the version that the rollout gives it which the slots record before it
// declared.
func checkSwaps(t *testing.T, h *History, m *catalog.Model, seed uint64) (used int) {
	t.Helper()
	type place struct {
		partition int
		offset    int64
		key       []byte
	}
	from := map[int]place{}
	for p, records := range h.log.Committed("a") {
		for _, r := range records {
			var in struct{ V int }
			unmarshal(t, r.Value, &in)
			from[in.V] = place{p, r.Offset, r.Key}
		}
	}
	declared := declarations(t, h)
	seen, versions := map[int]bool{}, map[int]bool{}
	for _, records := range h.log.Committed("O") {
		for _, r := range records {
			var out struct {
				V, MV int
				P     float64
			}
			unmarshal(t, r.Value, &out)
			at, ok := from[out.V]
			if !ok || seen[out.V] {
				t.Errorf("seed %d: record %d was scored twice", seed, out.V)
			}
			seen[out.V], versions[out.MV] = true, true
			rollout := m.RolloutAt(max(1, declared[at.partition].at(at.offset)))
			if int(out.P) != out.MV || !scores(rollout, out.MV) {
				t.Errorf("seed %d: record %d (%d/%d) has score %v of version %d, the rollout declared before it is %+v; injected %q", seed, out.V,
					at.partition, at.offset, out.P, out.MV, rollout, h.Plan.Injected)
			}
		}
	}
	if len(seen) != len(from) {
		t.Errorf("seed %d: %d records of %d were scored", seed, len(seen), len(from))
	}
	return len(versions)
}

func scores(r *catalog.Rollout, version int) bool {
	for _, s := range r.Traffic {
		if s.Version == version {
			return true
		}
	}
	return r.Traffic == nil && r.Active == version
}

// declaration says that the models as of an offset of the commands score from an input offset on.
type declaration struct{ from, models int64 }

type declarationList []declaration

// at is the last declaration for an input offset.
func (l declarationList) at(offset int64) (models int64) {
	for _, d := range l {
		if d.from <= offset {
			models = d.models
		}
	}
	return models
}

// declarations are what the tasks have committed, by the partition they read.
func declarations(t *testing.T, h *History) map[int]declarationList {
	t.Helper()
	out := map[int]declarationList{}
	for _, records := range h.log.Committed(cluster.SlotsTopic("sim")) {
		for _, r := range records {
			var value cluster.Record
			unmarshal(t, r.Value, &value)
			p, err := strconv.Atoi(string(r.Key[len(r.Key)-1:]))
			if err != nil {
				t.Fatal(err)
			}
			list := out[p]
			if n := len(list); n > 0 && (list[n-1].from > value.Inputs["a"] || list[n-1].models > value.State.Models) {
				t.Errorf("task %s went back from %+v to %+v", r.Key, list[n-1], value)
			}
			if value.Command < value.State.Models {
				t.Errorf("task %s uses command %d and asks for %d to be read", r.Key, value.State.Models-1, value.Command)
			}
			out[p] = append(list, declaration{value.Inputs["a"], value.State.Models})
		}
	}
	return out
}

func unmarshal(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
}

// TestSwaps changes a model all the time while requests fail and processes die, lag behind the command log and fence each other.
func TestSwaps(t *testing.T) {
	topo := swapPlan(t)
	seeds, replay := seedsOf(t, 60, 15)
	used, injected := 0, 0
	for _, seed := range seeds {
		versions, failures, _ := runSwaps(t, topo, seed, Events{
			Kill: int(seed % 5), Restart: int(seed % 4), Zombie: int(seed % 6), Lose: int(seed % 2 * 40), Elsewhere: int(seed % 7 * 10),
		}, []int{5, 15, 40}[seed%3], 0)
		used, injected = used+versions, injected+failures
	}
	rounds := len(seeds)
	t.Logf("%d histories, %d versions used, %d failures", rounds, used, injected)
	if !replay && (used < 4*rounds || injected < 10*rounds) {
		t.Errorf("%d histories used %d versions, and %d failures were injected: they show nothing", rounds, used, injected)
	}
}

// TestPoisonedSwaps: every second version fails on every row. The query goes on as soon as another one is rolled out, and no record is
// lost or scored twice by it.
func TestPoisonedSwaps(t *testing.T) {
	topo := swapPlan(t)
	seeds, replay := seedsOf(t, 20, 6)
	total := 0
	for _, seed := range seeds {
		_, _, restarts := runSwaps(t, topo, seed, Events{Kill: int(seed % 3), Zombie: int(seed % 4)}, []int{0, 5, 15}[seed%3], 2)
		total += restarts
	}
	rounds := len(seeds)
	t.Logf("%d histories, the query was started again %d times", rounds, total)
	if !replay && total < 5*rounds {
		t.Errorf("the query failed %d times in %d histories: they show nothing", total, rounds)
	}
}
