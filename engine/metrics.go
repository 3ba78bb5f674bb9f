package engine

import (
	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/query"
)

// Metrics implements API.
func (e *Engine) Metrics() []Metric {
	var out []Metric
	if e.state.Load() != running {
		return out
	}
	m := e.cluster.Metrics()
	for _, c := range []struct {
		name, help string
		value      int64
	}{
		{"millrace_commits_total", "Kafka transactions committed.", m.Commits.Load()},
		{"millrace_aborts_total", "Kafka transactions aborted.", m.Aborts.Load()},
		{"millrace_fenced_total", "times a slot found that another server owns it", m.Fenced.Load()},
		{"millrace_unknown_outcomes_total", "commits of which the broker's answer was lost", m.Unknown.Load()},
		{"millrace_slot_takings_total", "times a slot was taken over", m.Takings.Load()},
		{"millrace_query_failures_total", "times a query was set to ERROR", m.Failures.Load()},
		{"millrace_records_in_total", "records read by queries", m.RecordsIn.Load()},
		{"millrace_records_out_total", "records written by queries", m.RecordsOut.Load()},
		{"millrace_changelog_records_total", "records written to changelogs", m.ChangelogRecords.Load()},
		{"millrace_state_flushes_total", "flushes of state to disk", m.Flushes.Load()},
		{"millrace_state_rebuilds_total", "times the local state could not be read and was rebuilt from Kafka while the server ran", m.Rebuilds.Load()},
		{"millrace_offsets_skipped_total", "offsets that retention removed before they were read", m.Skipped.Load()},
		{"millrace_standby_records_total", "records read from changelogs for copies of other servers' state", m.StandbyRecords.Load()},
		{"millrace_processing_log_entries_total", "entries written to the processing log", e.plog.written.Load()},
		{"millrace_processing_log_dropped_total", "entries of the processing log that were lost", e.plog.dropped.Load()},
	} {
		out = append(out, Metric{Name: c.name, Help: c.help, Value: float64(c.value)})
	}
	h := &Histogram{}
	h.Buckets, h.Count, h.Sum = m.CommitTimes.Histogram()
	out = append(out, Metric{Name: "millrace_commit_seconds", Help: "how long the transactions took that were committed", Histogram: h})
	out = append(out, Metric{Name: "millrace_slots", Help: "slots that this server owns", Value: float64(e.cluster.Owned())})
	out = append(out, Metric{Name: "millrace_push_queries", Help: "queries that run for clients", Value: float64(len(e.pushes.list()))})
	out = append(out, e.modelMetrics()...)
	waiting := int64(0)
	for _, s := range e.pushes.list() {
		waiting += s.rows.bytes.Load()
	}
	out = append(out, Metric{Name: "millrace_push_backlog_bytes", Help: "results that clients have not taken", Value: float64(waiting)})
	out = append(out, Metric{Name: "millrace_push_slow_total", Help: "push queries ended since their client did not read", Value: float64(e.pushes.slow.Load())})
	o := e.overview(e.Catalog())
	for _, id := range e.queries.IDs() {
		st := e.queries.Status(id)
		out = append(out, o.queryMetrics(id, &st)...)
		out = append(out, restoreMetrics(id, st)...)
		out = append(out, standbyMetrics(id, st.Standbys)...)
	}
	return out
}

// queryMetrics sums a query's tasks on this server.
func (o *overview) queryMetrics(id string, st *query.Status) []Metric {
	q, ok := o.e.queries.Find(id)
	if !ok {
		return nil
	}
	f := o.here(id, st).Figures
	labels := map[string]string{"query": id}
	up := 0.0
	if st.State == "RUNNING" {
		up = 1
	}
	return append(figureMetrics(id, &f), []Metric{
		{"millrace_query_running", "1 if the query is RUNNING", labels, up, nil},
		{"millrace_query_lag", "offsets between what is committed and what can be read, internal topics included", labels, float64(f.LagAll()), nil},
		{"millrace_query_committed_records_total", "offsets of source topics that the query has committed", labels, float64(committed(q, st.Tasks)), nil},
		{"millrace_query_bad_rows_total", "rows told to the processing log and left out", labels, float64(f.BadRecords), nil},
		{"millrace_query_late_rows_total", "rows left out since their window had closed", labels, float64(f.LateRecords), nil},
		{"millrace_query_state_bytes", "committed state in memory", labels, float64(f.Memory.Committed), nil},
		{Name: "millrace_query_dead_letters_total", Help: "records written to the query's dead-letter topic", Labels: labels, Value: float64(f.DeadLetters)},
		{Name: "millrace_query_restarts_total", Help: "times the query was started again after it had failed", Labels: labels, Value: float64(st.Restarts)},
	}...)
}

// committed is how many offsets of source topics a query's tasks on this server are past where it began.
func committed(q *query.Running, tasks []cluster.TaskStatus) (n int64) {
	for _, t := range tasks {
		for _, in := range t.Inputs {
			if !in.Internal {
				n += in.Committed - startOf(q, in.Topic, in.Partition)
			}
		}
	}
	return n
}

func startOf(q *query.Running, topic string, partition int32) int64 {
	offsets := q.Spec.Start[topic]
	if int(partition) >= len(offsets) {
		return 0
	}
	return offsets[partition]
}

// restoreMetrics tell what a query's tasks on this server have read back from Kafka, and what they have yet to read.
func restoreMetrics(id string, st query.Status) []Metric {
	labels := map[string]string{"query": id}
	remaining := int64(0)
	if r := restoreInfo(st.Tasks); r != nil {
		remaining = r.Remaining
	}
	return []Metric{
		{Name: "millrace_query_restored_records_total", Help: "records read from changelogs to restore state", Labels: labels, Value: float64(st.Restored.Records)},
		{Name: "millrace_query_restored_bytes_total", Help: "bytes of keys and values of these", Labels: labels, Value: float64(st.Restored.Bytes)},
		{Name: "millrace_query_restore_remaining", Help: "offsets of changelogs that restores have yet to read", Labels: labels, Value: float64(remaining)},
	}
}
