package engine

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
)

// where takes from a session where a pull query may be answered.
func (t *tablePull) where(s *session) {
	t.standby = strings.EqualFold(t.e.setting(s.props, standbyReads), "true")
	t.alone = strings.EqualFold(t.e.setting(s.props, skipForwarding), "true")
	t.maxLag, _ = strconv.ParseInt(t.e.setting(s.props, standbyLag), 10, 64) // checked when it was set
}

// standbyReplicas is how many copies of each slot's state other servers keep.
func (e *Engine) standbyReplicas() int {
	n, _ := strconv.Atoi(e.property(standbyReplicas)) // checked
	return n
}

// sessionTimeout is how long the group waits for a server that has fallen silent.
func (e *Engine) sessionTimeout() time.Duration {
	ms, _ := strconv.ParseInt(e.property(sessionTimeout), 10, 64) // checked
	return time.Duration(ms) * time.Millisecond
}

// catchUp waits until the commands below offset were applied, and those that are in the log now. It does not read the log itself: the log's turn may be
// waiting for the very slot that asks.
func (e *Engine) catchUp(ctx context.Context, offset int64) error {
	if e.broker == nil { // else nobody else writes
		end, err := e.kafka.Offset(ctx, e.internalTopic("commands"), 0, kafka.LastStable)
		if err != nil {
			return err
		}
		e.commands.Hurry()
		err = await(ctx, func() bool { at, stopped := e.commands.Reached(); return at >= end || stopped })
		if err != nil {
			return err
		}
	}
	return e.awaitApplied(ctx, offset)
}

// await looks every few milliseconds whether something is so.
func await(ctx context.Context, so func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// standbyMetrics tell of the copies that are kept here of a query's state on other servers.
func standbyMetrics(id string, standbys []cluster.TaskStatus) []Metric {
	lags := map[string]int64{}
	var names []string
	for _, t := range standbys {
		for _, st := range t.Stores {
			if _, ok := lags[st.ID]; !ok {
				names = append(names, st.ID)
			}
			lags[st.ID] += st.Lag()
		}
	}
	out := []Metric{{
		Name: "millrace_query_standby_tasks", Help: "tasks of other servers of whose state a copy is kept here", Labels: map[string]string{"query": id},
		Value: float64(len(standbys)),
	}}
	for _, name := range names {
		out = append(out, Metric{
			Name: "millrace_query_standby_lag", Help: "offsets of the changelog that the copies kept here of a store lack",
			Labels: map[string]string{"query": id, "store": name}, Value: float64(lags[name]),
		})
	}
	return out
}
