package engine

import (
	"cmp"
	"iter"
	"math"
	"slices"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/directory"
	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/sql/catalog"
)

// QueryOnServer tells how a query is doing on one server of the service. ksqlDB has nothing like it, and its clients pass over it.
type QueryOnServer struct {
	Host    string            `json:"host"` // host:port of what it advertises, or the server's id
	State   string            `json:"state"`
	Error   string            `json:"error,omitempty"`
	Figures directory.Figures `json:"figures"`
}

// taskFigures are those of one task, but for what is counted by query.
func taskFigures(t *cluster.TaskStatus) directory.Figures {
	in := &t.Figures
	f := directory.Figures{
		Tasks: 1, RecordsInPerSecond: perSecond(in.InRate), RecordsOutPerSecond: perSecond(in.OutRate),
		BadRecords: t.Counts.BadRows, LateRecords: t.Counts.LateRows, DeadLetters: t.Counts.DeadLetters, Lag: map[string]int64{},
		Memory: directory.Memory{
			Open: int64(in.Memory.Open), Committed: int64(in.Memory.Committed),
			Operators: int64(in.Memory.Operators), Waiting: int64(in.Memory.Waiting),
		},
	}
	for _, i := range t.Inputs {
		f.Lag[i.Topic] += i.Lag()
	}
	if in.StreamTime > math.MinInt64 && t.State != cluster.Restoring {
		f.Watermark, f.StreamTime = &in.StreamTime, &in.StreamTime
	}
	if !in.LastCommit.IsZero() {
		f.LastCommit = in.LastCommit.UnixMilli()
	}
	return f
}

// perSecond keeps two digits: a rate that fades ends at 0, and what other servers were told stays as it is.
func perSecond(rate float64) float64 { return math.Round(rate*100) / 100 }

// overview is what one statement, or one look at the metrics, sees of the queries on all servers.
type overview struct {
	e      *Engine
	cat    *catalog.Catalog
	others []directory.Server
	disk   map[string]int64 // nil: not asked yet
}

func (e *Engine) overview(cat *catalog.Catalog) *overview {
	o := &overview{e: e, cat: cat}
	if e.directory != nil {
		o.others = e.directory.Servers()
	}
	return o
}

// here is a query on this server.
func (o *overview) here(id string, st *query.Status) directory.Query {
	if o.disk == nil {
		o.disk = o.e.cluster.DiskBytes()
	}
	q := directory.Query{State: st.State, Error: st.Error, Figures: directory.Figures{
		RecordsIn: st.RecordsIn, RecordsOut: st.RecordsOut, Lag: map[string]int64{},
	}}
	if running, ok := o.e.queries.Find(id); ok {
		q.Figures.DiskBytes = o.disk[running.Topology.Query]
	}
	for i := range st.Tasks {
		q.Tasks = append(q.Tasks, taskOf(&st.Tasks[i]))
		q.Figures.Add(taskFigures(&st.Tasks[i]))
	}
	slices.SortFunc(q.Tasks, func(a, b directory.Task) int {
		return cmp.Or(cmp.Compare(a.Sub, b.Sub), cmp.Compare(a.Partition, b.Partition))
	})
	return q
}

// elsewhere gives what the other servers say of a query, which is some seconds old. Those that are silent are left out: others take their tasks
// over.
func (o *overview) elsewhere(id string) iter.Seq2[*directory.Server, *directory.Query] {
	return func(yield func(*directory.Server, *directory.Query) bool) {
		for i := range o.others {
			s := &o.others[i]
			q, ok := s.Queries[id]
			if ok && s.Alive && q.State != "" && !yield(s, &q) { // an earlier release says no state
				return
			}
		}
	}
}

// states are those of a query on this server, if it has a part of it there, and on the others.
func (o *overview) states(id string, st *query.Status) []string {
	var states []string
	if len(st.Tasks) > 0 || st.Error != "" {
		states = append(states, st.State)
	}
	for _, q := range o.elsewhere(id) {
		states = append(states, q.State)
	}
	if len(states) == 0 {
		states = append(states, st.State)
	}
	return states
}

// servers are those that have tasks of a query, or on which it failed: this one first.
func (o *overview) servers(id string, st *query.Status) []QueryOnServer {
	var list []QueryOnServer
	add := func(s *directory.Server, q *directory.Query) {
		list = append(list, QueryOnServer{Host: s.Host(), State: q.State, Error: q.Error, Figures: q.Figures})
	}
	if len(st.Tasks) > 0 || st.Error != "" {
		self, q := directory.Server{Instance: o.e.instance, URL: o.e.opts.Advertise}, o.here(id, st)
		add(&self, &q)
	}
	for s, q := range o.elsewhere(id) {
		add(s, q)
	}
	return list
}

// worst is the state of a query that has these states on its servers, as with ksqlDB.
func worst(states []string) string {
	for _, s := range []string{"ERROR", "UNRESPONSIVE", "PAUSED", "RESTORING"} {
		if slices.Contains(states, s) {
			return s
		}
	}
	return "RUNNING"
}

// distribute fills in how the query is doing on its servers.
func (d *QueryDescription) distribute(on []QueryOnServer) {
	d.Servers, d.Figures = on, &directory.Figures{Lag: map[string]int64{}}
	for _, s := range on {
		d.HostStatus[s.Host] = statusName(s.State)
		d.Figures.Add(s.Figures)
		if s.Error != "" && !slices.Contains(d.QueryErrors, s.Error) {
			d.QueryErrors = append(d.QueryErrors, s.Error)
		}
	}
}

// figureMetrics are a query's figures on this server.
func figureMetrics(id string, f *directory.Figures) []Metric {
	sample := func(name, help string, v float64, extra ...string) Metric {
		labels := map[string]string{"query": id}
		for i := 0; i+1 < len(extra); i += 2 {
			labels[extra[i]] = extra[i+1]
		}
		return Metric{Name: name, Help: help, Labels: labels, Value: v}
	}
	out := []Metric{
		sample("millrace_query_records_in_total", "records of sources that the query's commits have passed", float64(f.RecordsIn)),
		sample("millrace_query_records_out_total", "records that the query has written to its sink", float64(f.RecordsOut)),
		sample("millrace_query_disk_bytes", "about what the query's stores take in the files of the local store", float64(f.DiskBytes)),
	}
	for _, part := range []struct {
		name  string
		bytes int64
	}{{"open", f.Memory.Open}, {"committed", f.Memory.Committed}, {"operators", f.Memory.Operators}, {"waiting", f.Memory.Waiting}} {
		out = append(out, sample("millrace_query_memory_bytes", "memory of the query, by what it is for", float64(part.bytes), "part", part.name))
	}
	for topic, lag := range f.Lag {
		out = append(out, sample("millrace_query_input_lag", "offsets of an input between what is committed and what can be read", float64(lag), "topic", topic))
	}
	if f.Watermark != nil {
		out = append(out, sample("millrace_query_watermark_seconds", "event time of the task that is the furthest behind", float64(*f.Watermark)/1000))
	}
	if f.LastCommit > 0 {
		out = append(out, sample("millrace_query_last_commit_seconds", "when a task of the query has last committed", float64(f.LastCommit)/1000))
	}
	return out
}
