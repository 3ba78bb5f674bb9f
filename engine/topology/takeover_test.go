package topology

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/sql/analyzer"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/optimizer"
	"github.com/millrace/millrace/sql/parser"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/udf/builtin"
)

// two says that every topic has two partitions.
type two struct{}

func (two) Partitions(string) (int32, error) { return 2, nil }

// service defines what statements say, without a broker.
type service struct {
	analyzer *analyzer.Analyzer
	cat      *catalog.Catalog
}

func newService() *service {
	return &service{analyzer.New(builtin.Registry(), nil, analyzer.Options{DefaultPartitions: 2}), &catalog.Catalog{}}
}

func (s *service) analyze(text string) (analyzer.Result, error) {
	stmt, err := parser.ParseOne(text)
	if err != nil {
		return nil, err
	}
	r, err := s.analyzer.Analyze(stmt, s.cat, text, nil)
	if c, ok := r.(*analyzer.CreateAs); ok {
		c.Plan = optimizer.Optimize(c.Plan, optimizer.Options{})
	}
	return r, err
}

func (s *service) options(query string) Options {
	return Options{Service: "svc", Query: query, Partitions: two{}.Partitions}
}

// define carries out a statement and gives the topology of its query.
func (s *service) define(text string) (*Topology, error) {
	r, err := s.analyze(text)
	if err != nil {
		return nil, err
	}
	switch r := r.(type) {
	case *analyzer.CreateSource:
		s.cat = s.cat.WithSource(r.Source)
		if r.Plan == nil {
			return nil, nil
		}
		return Build(r.Plan, s.options("CST_"+r.Source.Name))
	case *analyzer.Alter:
		s.cat = s.cat.WithSource(r.Source)
		return nil, nil
	case *analyzer.CreateAs:
		r.Sink.Query = "Q_" + r.Sink.Name
		s.cat = s.cat.WithSource(r.Sink).WithQuery(&catalog.Query{ID: r.Sink.Query, Sources: r.Sources, Sink: r.Sink.Name, Plan: r.Plan})
		return Build(r.Plan, s.options(r.Sink.Query))
	}
	return nil, fmt.Errorf("a %T", r)
}

// replace says what becomes of a CREATE OR REPLACE; nothing is defined.
func (s *service) replace(text string) string {
	r, err := s.analyze(text)
	if err == nil {
		err = s.takeOver(r.(*analyzer.CreateAs))
	}
	var refused *TakeOverError
	var rule *ast.Error
	switch {
	case errors.As(err, &refused):
		return refused.Code + "\n" + refused.Message + "\n"
	case errors.As(err, &rule):
		return rule.Code + "\n" + rule.Message + "\n"
	case err != nil:
		return "error " + err.Error() + "\n"
	}
	return s.kept(r.(*analyzer.CreateAs))
}

func (s *service) takeOver(c *analyzer.CreateAs) error {
	q, _ := s.cat.Query(c.Replaces)
	old, err := Build(q.Plan, s.options(q.ID))
	if err != nil {
		return err
	}
	next, err := TakeOver(old, c.Plan, s.options(q.ID))
	if err != nil {
		return err
	}
	if !maps.Equal(old.IDs.Stores, next.IDs.Stores) || !maps.Equal(old.IDs.Topics, next.IDs.Topics) {
		return fmt.Errorf("other names: %v, then %v", old.IDs, next.IDs)
	}
	return nil
}

func (s *service) kept(c *analyzer.CreateAs) string {
	t, err := Build(c.Plan, s.options(c.Replaces))
	if err != nil {
		return "error " + err.Error()
	}
	if len(t.Stores()) == 0 {
		return "taken over, no state\n"
	}
	return "taken over: " + strings.Join(t.Stores(), ", ") + "\n"
}

// TestReplace is the table of what CREATE OR REPLACE allows. Commands:
//
//	define   statements, one a line
//	replace  CREATE OR REPLACE of one of them; prints the stores that are kept, or the code and the reason of the refusal
func TestReplace(t *testing.T) {
	s := newService()
	datadriven.RunTest(t, "testdata/replace", func(t *testing.T, d *datadriven.TestData) string {
		if d.Cmd == "replace" {
			return s.replace(d.Input)
		}
		for line := range strings.Lines(d.Input) {
			if _, err := s.define(line); err != nil {
				t.Fatalf("%s: %s: %v", d.Pos, line, err)
			}
		}
		return ""
	})
}

// TestIDs pins the names of stores and topics of plans of every kind. They stand in the command logs of services: a name that changes here
// is a query whose state is not found any more. So a line of the file may be added, never changed.
func TestIDs(t *testing.T) {
	s := newService()
	datadriven.RunTest(t, "testdata/ids", func(t *testing.T, d *datadriven.TestData) string {
		var b strings.Builder
		for line := range strings.Lines(d.Input) {
			topo, err := s.define(line)
			if err != nil {
				t.Fatalf("%s: %s: %v", d.Pos, line, err)
			}
			if topo == nil {
				continue
			}
			for _, sub := range topo.Subs {
				fmt.Fprintf(&b, "part %s\n", sub.ID)
			}
			for _, names := range []map[string]string{topo.IDs.Stores, topo.IDs.Topics} {
				for _, key := range slices.Sorted(maps.Keys(names)) {
					fmt.Fprintf(&b, "%s %s\n", key, names[key])
				}
			}
			if err := reread(topo, s.options(topo.Query)); err != nil {
				t.Errorf("%s: %v", d.Pos, err)
			}
		}
		// -rewrite, which is for the files of other tests, would write the new names down, and pass.
		if d.Rewrite && d.Expected != "" && d.Expected != b.String() {
			t.Errorf("%s: the names of queries that services have are not rewritten:\n%s", d.Pos, b.String())
			return d.Expected
		}
		return b.String()
	})
}

// reread builds a topology from its stored plan and names, as a replay does.
func reread(topo *Topology, o Options) error {
	stored, err := plan.Marshal(topo.Root)
	if err != nil {
		return err
	}
	root, err := plan.Unmarshal(stored)
	if err != nil {
		return err
	}
	o.IDs = &topo.IDs
	again, err := Build(root, o)
	if err == nil && !slices.Equal(again.Topics, topo.Topics) {
		err = fmt.Errorf("topics %v, then %v", topo.Topics, again.Topics)
	}
	return err
}

// TestRecordedNames: a query has the names in its record, whatever they would be today, and is refused if they are not all that it keeps.
func TestRecordedNames(t *testing.T) {
	agg := &plan.Aggregate{Base: plan.Base{ID: "aggregate-1", Out: out}, Input: repartition("repartition-1", source("source-1", "s", false))}
	build := func(ids *IDs) (*Topology, error) {
		return Build(sink(agg), Options{Service: "svc", Query: "Q_1", Partitions: two{}.Partitions, IDs: ids})
	}
	topics := map[string]string{"repartition-1/repartition": "moved", "old-name/changelog": "log"}
	topo, err := build(&IDs{Stores: map[string]string{"aggregate-1/": "old-name"}, Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	if st := topo.Subs[1].Stores[0]; st.ID != "old-name" || st.Changelog != "log" || topo.Subs[0].Output != "moved" || topo.Subs[1].Inputs[0].Topic != "moved" {
		t.Errorf("the recorded names are not used: %+v, %+v", st, topo.Topics)
	}
	if id, ok := topo.Subs[1].StoreID("aggregate-1", ""); !ok || id != "old-name" {
		t.Errorf("the operator would look for %s", id)
	}
	for name, ids := range map[string]*IDs{
		"aggregate-1/":      {Topics: topics},
		"aggregate-1/outer": {Stores: map[string]string{"aggregate-1/": "old-name", "aggregate-1/outer": "x"}, Topics: topics},
		"old-name/changelog": {
			Stores: map[string]string{"aggregate-1/": "old-name"}, Topics: map[string]string{"repartition-1/repartition": "moved"},
		},
	} {
		_, err := build(ids)
		var refused *IDError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "Q_1") {
			t.Errorf("a record at odds over %s: %v", name, err)
		}
	}
}
