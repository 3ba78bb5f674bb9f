package task

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/udf"
	"github.com/millrace/millrace/udf/builtin"
)

type discard struct{}

func (discard) Log(operator.Entry) {}

// bids is a stream of auction bids: KAFKA keys, JSON values.
func bids() *plan.Source {
	schema := types.Schema{Columns: []types.Column{
		{Name: "K", Type: types.Bigint, Role: types.RoleKey},
		{Name: "AUCTION", Type: types.Bigint},
		{Name: "BIDDER", Type: types.Bigint},
		{Name: "PRICE", Type: types.Bigint},
		{Name: "CHANNEL", Type: types.String},
		{Name: "URL", Type: types.String},
		{Name: "EXTRA", Type: types.String},
	}}
	return &plan.Source{
		Base: plan.Base{ID: "source-1", Out: []plan.OutColumn{
			{Name: "K", Type: types.Bigint, Role: plan.Key},
			{Name: "AUCTION", Type: types.Bigint},
			{Name: "BIDDER", Type: types.Bigint},
			{Name: "PRICE", Type: types.Bigint},
		}},
		Name: "BID", Topic: "bid", Schema: schema,
		KeyFormat: plan.Format{Name: "KAFKA"}, ValueFormat: plan.Format{Name: "JSON"},
	}
}

// sink writes the input to the topic "out".
func sink(input plan.Node, table bool, window *plan.WindowInfo) *plan.Sink {
	return &plan.Sink{
		Base: plan.Base{ID: "sink-1", Out: input.Columns()}, Input: input, Name: "OUT", Table: table, Topic: "out",
		KeyFormat: plan.Format{Name: "KAFKA"}, ValueFormat: plan.Format{Name: "JSON"}, Window: window,
	}
}

func column(n plan.Node, i int) *plan.Column {
	c := n.Columns()[i]
	return &plan.Column{Index: i, Name: c.Name, T: c.Type}
}

// filterPlan keeps one bid in 123.
func filterPlan() plan.Node {
	src := bids()
	return sink(&plan.Filter{Base: plan.Base{ID: "filter-1", Out: src.Out}, Input: src, Predicate: &plan.Comparison{
		Op:    "=",
		Left:  &plan.Arithmetic{Op: "%", Left: column(src, 1), Right: &plan.Literal{Value: int64(123), T: types.Bigint}, T: types.Bigint},
		Right: &plan.Literal{Value: int64(0), T: types.Bigint},
	}}, false, nil)
}

// countPlan counts bids per auction in windows of ten seconds. It takes the auction for the key as it is.
func countPlan() plan.Node {
	src := bids()
	keyed := &plan.Project{Base: plan.Base{ID: "project-1", Out: []plan.OutColumn{
		{Name: "AUCTION", Type: types.Bigint, Role: plan.Key}, {Name: "PRICE", Type: types.Bigint},
	}}, Input: src, Items: []plan.Item{
		{Name: "AUCTION", Role: plan.Key, Expr: column(src, 1)}, {Name: "PRICE", Expr: column(src, 3)},
	}}
	agg := &plan.Aggregate{
		Base: plan.Base{ID: "aggregate-1", Out: []plan.OutColumn{
			{Name: "AUCTION", Type: types.Bigint, Role: plan.Key},
			{Name: "WINDOWSTART", Type: types.Bigint, Role: plan.WindowBound},
			{Name: "WINDOWEND", Type: types.Bigint, Role: plan.WindowBound},
			{Name: "N", Type: types.Bigint},
		}},
		Input:  keyed,
		Calls:  []plan.AggregateCall{{Name: "COUNT", Params: []*types.Type{types.Bigint}, Args: []plan.Expr{column(keyed, 1)}, T: types.Bigint}},
		Window: &plan.Window{Kind: plan.Tumbling, Size: 10 * time.Second, Advance: 10 * time.Second, Grace: time.Hour},
	}
	return sink(agg, true, &plan.WindowInfo{Kind: plan.Tumbling, Size: 10 * time.Second})
}

// bidRecords makes n records about that many different auctions, a thousand a second of event time.
func bidRecords(n, auctions int) []record.Record {
	out := make([]record.Record, n)
	for i := range out {
		auction := (i * 7919) % auctions
		out[i] = record.Record{
			Offset: int64(i), Timestamp: int64(i), Key: []byte{0, 0, 0, 0, 0, 0, 0, byte(i)},
			Value: fmt.Appendf(nil, `{"auction":%d,"bidder":%d,"price":%d,"channel":"channel-%d","url":"https://www.nexmark.com/item.htm?query=1&channel_id=%d","extra":"%064d"}`,
				auction, i%1000, i%10007, i%100, i, i),
		}
	}
	return out
}

func newTask(tb testing.TB, root plan.Node, opts Options) *Task {
	tb.Helper()
	topo, err := topology.Build(root, topology.Options{Service: "s", Query: "q", Partitions: func(string) (int32, error) { return 1, nil }})
	if err != nil {
		tb.Fatal(err)
	}
	sub := topo.Subs[0]
	t, err := New(sub, 0, Deps{Stores: memory.New(sub.Specs()), Functions: builtin.Registry(), UDF: &udf.Env{}, Log: discard{}}, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// benchmark runs the records through the plan, committing after every 4096.
func benchmark(b *testing.B, root plan.Node) {
	recs := bidRecords(4096, 1000)
	t := newTask(b, root, Options{MaxIdle: -1})
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += len(recs) {
		if err := t.Add("bid", recs, int64(len(recs)), true); err != nil {
			b.Fatal(err)
		}
		for more := true; more; {
			var err error
			if more, err = t.Process(time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
		if err := t.Flush(); err != nil {
			b.Fatal(err)
		}
		t.ResetOutputs()
	}
}

func BenchmarkFilter(b *testing.B)        { benchmark(b, filterPlan()) }
func BenchmarkTumblingCount(b *testing.B) { benchmark(b, countPlan()) }
