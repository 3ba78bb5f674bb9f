package engine

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/directory"
)

// described finds a query in SHOW QUERIES EXTENDED.
func described(t *testing.T, e *Engine, id string) QueryDescription {
	t.Helper()
	for _, d := range execute(t, e, "SHOW QUERIES EXTENDED;")[0].Body.(QueryDescriptionList).QueryDescriptions {
		if d.ID == id {
			return d
		}
	}
	t.Fatalf("there is no query %s", id)
	return QueryDescription{}
}

// until repeats a look at a query until it is right.
func until(t *testing.T, look func() QueryDescription, right func(d QueryDescription) bool) QueryDescription {
	t.Helper()
	for deadline := time.Now().Add(enough); ; time.Sleep(20 * time.Millisecond) {
		d := look()
		if right(d) {
			return d
		}
		if time.Now().After(deadline) {
			t.Fatalf("the query is still %+v with %+v", d.Figures, d.Servers)
		}
	}
}

// TestFiguresOfAQuery: records, lag and times are told exactly, and a start begins anew.
func TestFiguresOfAQuery(t *testing.T) {
	dir := t.TempDir()
	e, end := openTest(t, dir)
	execute(t, e, `CREATE STREAM s (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='s', PARTITIONS=2, VALUE_FORMAT='JSON');
		CREATE STREAM big AS SELECT * FROM s WHERE v > 1;
		CREATE TABLE n AS SELECT v, COUNT(*) AS n FROM s GROUP BY v;`)
	began := time.Now().UnixMilli() // old records do not survive a start of the broker
	for i := range 6 {
		execute(t, e, fmt.Sprintf("INSERT INTO s (k, v, ROWTIME) VALUES ('%d', %d, %d);", i, i%3, began+int64(i)))
	}
	ids := e.queries.IDs()
	d := until(t, func() QueryDescription { return described(t, e, ids[0]) }, func(d QueryDescription) bool { return d.Figures.RecordsIn == 6 })
	f := d.Figures
	if f.RecordsOut != 2 || f.Tasks != 2 || f.LagAll() != 0 || f.BadRecords != 0 || f.LastCommit == 0 || f.DiskBytes != 0 {
		t.Errorf("the figures are %+v", f)
	}
	if f.StreamTime == nil || *f.StreamTime != began+5 || f.Watermark == nil || *f.Watermark < began || *f.Watermark > began+5 {
		t.Errorf("the times are %v and %v", f.Watermark, f.StreamTime)
	}
	if f.RecordsInPerSecond <= 0 || f.RecordsOutPerSecond <= 0 || f.RecordsOutPerSecond >= f.RecordsInPerSecond {
		t.Errorf("the rates are %v and %v", f.RecordsInPerSecond, f.RecordsOutPerSecond)
	}
	if len(d.Servers) != 1 || d.Servers[0].State != "RUNNING" || !maps.Equal(d.HostStatus, map[string]string{d.Servers[0].Host: "RUNNING"}) {
		t.Errorf("it runs on %+v, %v", d.Servers, d.HostStatus)
	}
	// What is repartitioned is read twice, and counts once.
	d = until(t, func() QueryDescription { return described(t, e, ids[1]) }, func(d QueryDescription) bool {
		return d.Figures.RecordsIn == 6 && d.Figures.LagAll() == 0 && d.Figures.RecordsOut >= 3
	})
	if d.Figures.Memory.Committed == 0 || d.Figures.Memory.Operators == 0 || d.Figures.Memory.Total() < d.Figures.Memory.Committed+d.Figures.Memory.Operators {
		t.Errorf("the memory is %+v", d.Figures.Memory)
	}
	end()
	e, _ = openTest(t, dir)
	d = until(t, func() QueryDescription { return described(t, e, ids[1]) }, func(d QueryDescription) bool { return d.Figures.DiskBytes > 0 })
	if d.Figures.RecordsIn != 0 || d.Figures.RecordsOut != 0 || d.Figures.LastCommit != 0 {
		t.Errorf("after a start the figures are %+v", d.Figures)
	}
	d = until(t, func() QueryDescription { return described(t, e, ids[1]) }, func(d QueryDescription) bool { return d.State == "RUNNING" })
	if d.Figures.Memory.Operators != 0 || d.Figures.Memory.Open != 0 {
		t.Errorf("a query that did nothing holds %+v", d.Figures.Memory)
	}
}

// TestFiguresOfTwoServers: each of them tells what both have.
func TestFiguresOfTwoServers(t *testing.T) {
	broker := testBroker(t)
	one, two := openServer(t, broker, t.TempDir()), openServer(t, broker, t.TempDir())
	execute(t, one.Engine, `CREATE STREAM s (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='s', PARTITIONS=8, VALUE_FORMAT='JSON');
		CREATE STREAM big AS SELECT * FROM s WHERE v > 1;`)
	spread(t, one, two)
	for i := range 16 {
		execute(t, one.Engine, fmt.Sprintf("INSERT INTO s (k, v) VALUES ('%d', 2);", i))
	}
	id := one.queries.IDs()[0]
	for _, s := range []*testServer{one, two} {
		d := until(t, func() QueryDescription { return described(t, s.Engine, id) }, func(d QueryDescription) bool {
			return d.Figures.RecordsIn == 16 && d.Figures.Tasks == 8 && d.Figures.LagAll() == 0
		})
		if d.Figures.RecordsOut != 16 || len(d.Servers) != 2 || len(d.HostStatus) != 2 || d.Servers[0].Host != (&directory.Server{URL: s.opts.Advertise}).Host() {
			t.Errorf("the query is on %+v, %v, with %+v", d.Servers, d.HostStatus, d.Figures)
		}
		waitFor(t, "the query to run on both servers", func() bool { // one may be silent for a moment while the machine is slow
			q := execute(t, s.Engine, "SHOW QUERIES;")[0].Body.(Queries).Queries[0]
			return maps.Equal(q.StatusCount, map[string]int{"RUNNING": 2}) && q.State == "RUNNING"
		})
	}
}

func TestWorst(t *testing.T) {
	for want, states := range map[string][]string{
		"RUNNING": {"RUNNING", "RUNNING"}, "RESTORING": {"RUNNING", "RESTORING"}, "PAUSED": {"RESTORING", "PAUSED"}, "ERROR": {"PAUSED", "ERROR", "RUNNING"},
	} {
		slices.Sort(states)
		if got := worst(states); got != want {
			t.Errorf("%v together are %s, want %s", states, got, want)
		}
	}
}
