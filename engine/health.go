package engine

import (
	"context"
	"time"

	"github.com/millrace/millrace/engine/kafka"
)

// Info implements API.
func (e *Engine) Info() Info {
	status := "RUNNING"
	switch {
	case e.state.Load() != running:
		status = "ERROR"
	case !e.Health().Healthy:
		status = "DEGRADED"
	}
	return Info{Version: Version, ClusterID: e.clusterID, ServiceID: e.opts.Service, Status: status}
}

// healthTimeout bounds the questions to the brokers.
const healthTimeout = 2 * time.Second

// Health implements API.
func (e *Engine) Health() Health {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	up := e.state.Load() == running
	_, err := e.kafka.Offset(ctx, e.internalTopic("commands"), 0, kafka.Latest)
	h := Health{Checks: map[string]bool{
		"metastore":     up,
		"kafka":         err == nil,
		"commandRunner": up && e.commands.Err() == nil,
		"disk":          e.guard.Check() == nil && (e.cluster == nil || !e.cluster.Unwritable()),
	}}
	h.Healthy = true
	for _, ok := range h.Checks {
		h.Healthy = h.Healthy && ok
	}
	return h
}

// CommandStatus implements API.
func (e *Engine) CommandStatus(id string) (CommandStatus, bool) {
	v, ok := e.statuses.Load(id)
	if !ok {
		return CommandStatus{}, false
	}
	return v.(CommandStatus), true
}

// CommandStatuses implements API.
func (e *Engine) CommandStatuses() map[string]string {
	out := map[string]string{}
	e.statuses.Range(func(id, st any) bool {
		out[id.(string)] = st.(CommandStatus).Status
		return true
	})
	return out
}
