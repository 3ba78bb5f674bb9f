package testdriver

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/operator"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/udf/builtin"
)

// script is the state of one file under testdata. Commands:
//
//	sql                 statements, one a line; sources read and write keys as JSON unless they say otherwise
//	in topic=T          records, one a line: KEY @TIME VALUE, where KEY and VALUE may be null and hold no blanks but in VALUE
//	run [coalesce]      runs the queries and prints what they wrote, then the processing log
//	topology query=ID   prints the pieces of a query with their topics and stores
type script struct {
	statements []string
	inputs     []Record
	log        []string
	last       *Driver
}

// Log implements operator.Log.
func (s *script) Log(e operator.Entry) {
	line := fmt.Sprintf("log: %s at %s, offset %d: %s", e.Kind, e.Node, e.Offset, e.Message)
	if e.Err != nil {
		line += ": " + e.Err.Error()
	}
	s.log = append(s.log, line)
}

func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &script{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "sql":
				return s.sql(d.Input)
			case "in":
				var topic string
				d.ScanArgs(t, "topic", &topic)
				return s.in(topic, d.Input)
			case "run":
				return s.run(t, d.HasArg("coalesce"))
			case "topology":
				var id string
				d.ScanArgs(t, "query", &id)
				return s.topology(t, id)
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func (s *script) sql(text string) string {
	d := New(Options{Functions: builtin.Registry()})
	for _, old := range s.statements {
		if err := d.Execute(old); err != nil {
			return err.Error()
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if err := d.Execute(line); err != nil {
			var e *ast.Error
			if errors.As(err, &e) {
				return e.Code + ": " + e.Message
			}
			return err.Error()
		}
		s.statements = append(s.statements, line)
	}
	s.last = d
	return ""
}

func (s *script) in(topic, text string) string {
	for _, line := range strings.Split(text, "\n") {
		key, rest, ok := strings.Cut(line, " @")
		at, value, ok2 := strings.Cut(rest, " ")
		if !ok || !ok2 {
			return "cannot read " + line
		}
		r := Record{Topic: topic}
		var err error
		if r.Timestamp, err = strconv.ParseInt(at, 10, 64); err != nil {
			return err.Error()
		}
		if key != "null" {
			r.Key = []byte(key)
		}
		if value != "null" {
			r.Value = []byte(value)
		}
		s.inputs = append(s.inputs, r)
	}
	return ""
}

// run runs all statements and inputs so far from the beginning, and forgets the inputs.
func (s *script) run(t *testing.T, coalesce bool) string {
	s.log = nil
	d := New(Options{Functions: builtin.Registry(), Coalesce: coalesce, Log: s})
	for _, text := range s.statements {
		if err := d.Execute(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range s.inputs {
		d.Input(r)
	}
	s.inputs = nil
	if err := d.Run(); err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, src := range d.Catalog().Sources() {
		if src.Query == "" {
			continue
		}
		for _, r := range d.Outputs(src.Topic) {
			fmt.Fprintf(&b, "%s: %s @%d %s\n", src.Topic, key(t, r, src), r.Timestamp, orNull(r.Value))
		}
	}
	for _, line := range s.log {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// key shows a record's key and window.
func key(t *testing.T, r Record, src *catalog.Source) string {
	if src.Window == nil || r.Key == nil {
		return orNull(r.Key)
	}
	inner, start, end, err := format.SplitWindow(r.Key, *src.Window)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s[%d,%d]", inner, start, end)
}

func orNull(b []byte) string {
	if b == nil {
		return "null"
	}
	return string(b)
}

func (s *script) topology(t *testing.T, id string) string {
	q, ok := s.last.Catalog().Query(id)
	if !ok {
		return "there is no query " + id
	}
	topo, err := topology.Build(q.Plan, topology.Options{Service: "svc", Query: q.ID, Partitions: func(topic string) (int32, error) {
		return s.partitions(topic), nil
	}})
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, sub := range topo.Subs {
		fmt.Fprintf(&b, "%s: %d tasks", sub.ID, sub.Partitions)
		if sub.Output != "" {
			fmt.Fprintf(&b, " -> %s (%d)", sub.Output, sub.OutputPartitions)
		}
		b.WriteString("\n")
		for _, in := range sub.Inputs {
			fmt.Fprintf(&b, "  reads %s%s\n", in.Topic, nodes(in.Nodes))
		}
		for _, st := range sub.Stores {
			fmt.Fprintf(&b, "  keeps %s (%s, %d ms)\n", st.ID, st.Kind, st.Retention.Millis)
		}
	}
	for _, tp := range topo.Topics {
		fmt.Fprintf(&b, "topic %s: %d partitions, compact %v\n", tp.Name, tp.Partitions, tp.Compact)
	}
	return b.String()
}

func nodes(ns []plan.Node) string {
	if len(ns) > 1 {
		return fmt.Sprintf(" (%d sources)", len(ns))
	}
	return ""
}

// partitions is the number that a topic's name ends in, or 1.
func (s *script) partitions(topic string) int32 {
	n, err := strconv.Atoi(topic[len(topic)-1:])
	if err != nil {
		return 1
	}
	return int32(n)
}
