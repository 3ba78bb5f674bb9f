package topology

import (
	"errors"
	"testing"
	"time"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/state"
)

var out = []plan.OutColumn{{Name: "K", Type: types.Int, Role: plan.Key}, {Name: "V", Type: types.Int}}

func source(id, topic string, table bool) *plan.Source {
	return &plan.Source{Base: plan.Base{ID: id, Out: out}, Name: topic, Topic: topic, Table: table}
}

func sink(in plan.Node) *plan.Sink {
	return &plan.Sink{Base: plan.Base{ID: "sink-1", Out: in.Columns()}, Input: in, Topic: "out", Table: in.IsTable()}
}

func repartition(id string, in plan.Node) plan.Node {
	return &plan.Repartition{Base: plan.Base{ID: id, Out: out}, Input: in}
}

func join(left, right plan.Node) plan.Node {
	return &plan.Join{Base: plan.Base{ID: "join-1", Out: out}, Kind: plan.Inner, Left: left, Right: right}
}

// build makes a topology over topics that have as many partitions as their names have letters.
func build(root plan.Node) (*Topology, error) {
	return Build(root, Options{Service: "svc", Query: "Q_1", Partitions: func(topic string) (int32, error) {
		return int32(len(topic)), nil
	}})
}

func TestPartitionsFollowSources(t *testing.T) {
	topo, err := build(sink(join(repartition("repartition-1", source("source-1", "fivee", false)), source("source-2", "abc", true))))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(topo.Subs); n != 2 {
		t.Fatalf("%d sub-topologies, want 2", n)
	}
	feed, joined := topo.Subs[0], topo.Subs[1]
	if feed.Partitions != 5 || feed.OutputPartitions != 3 || joined.Partitions != 3 {
		t.Errorf("%d tasks write %d partitions for %d tasks, want 5, 3, 3", feed.Partitions, feed.OutputPartitions, joined.Partitions)
	}
	if got, want := topo.Topics[0].Name, "_millrace-svc-Q_1-repartition-1-repartition"; got != want {
		t.Errorf("topic %s, want %s", got, want)
	}
}

func TestRepartitionsTakeTheLargest(t *testing.T) {
	topo, err := build(sink(join(
		repartition("repartition-1", source("source-1", "ab", false)), repartition("repartition-2", source("source-2", "abcd", false)),
	)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range topo.Subs[:2] {
		if s.OutputPartitions != 4 {
			t.Errorf("%s writes %d partitions, want 4", s.ID, s.OutputPartitions)
		}
	}
}

func TestRefusals(t *testing.T) {
	_, err := build(sink(join(source("source-1", "ab", false), source("source-2", "abc", true))))
	var uneven *PartitionError
	if !errors.As(err, &uneven) || uneven.Rule() != "join.partitions" {
		t.Errorf("topics of 2 and 3 partitions: %v", err)
	}
	_, err = build(sink(join(join(source("source-1", "ab", false), source("source-2", "ab", true)), source("source-3", "cd", true))))
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) || unavailable.Rule() != "operator.unavailable" {
		t.Errorf("a topic read twice beside others: %v", err)
	}
}

func TestOldValues(t *testing.T) {
	src := source("source-1", "t", true)
	filter := &plan.Filter{Base: plan.Base{ID: "filter-1", Out: out}, Input: src, Predicate: &plan.Literal{Value: true, T: types.Boolean}}
	for name, c := range map[string]struct {
		root   plan.Node
		stored bool
	}{
		"a filter needs old rows":    {sink(filter), true},
		"so do repartitioned tables": {sink(repartition("repartition-1", src)), true},
		"a plain copy does not":      {sink(src), false},
		"nor does a join":            {sink(join(source("source-2", "s", false), src)), false},
		"a source table is kept":     {src, true},
	} {
		topo, err := build(c.root)
		if err != nil {
			t.Fatal(err)
		}
		stored := false
		for _, s := range topo.Subs {
			_, ok := s.StoreID("source-1", "")
			stored = stored || ok
		}
		if stored != c.stored {
			t.Errorf("%s: stored %v", name, stored)
		}
	}
}

func TestWindowRetention(t *testing.T) {
	agg := &plan.Aggregate{
		Base: plan.Base{ID: "aggregate-1", Out: out}, Input: source("source-1", "s", false), Final: true,
		Window: &plan.Window{Kind: plan.Hopping, Size: time.Minute, Advance: time.Second, Grace: time.Hour},
	}
	topo, err := build(sink(agg))
	if err != nil {
		t.Fatal(err)
	}
	st := topo.Subs[0].Stores[0]
	if want := (state.Retention{Millis: 61 * 60_000, Final: true}); st.Retention != want || st.Kind != state.Window {
		t.Errorf("store %+v, want retention %+v", st, want)
	}
	if tp := topo.Topics[0]; !tp.Compact {
		t.Errorf("changelog %+v", tp)
	}
}
