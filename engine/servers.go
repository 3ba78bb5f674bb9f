package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/directory"
	"github.com/millrace/millrace/engine/pull"
)

// openDirectory makes this server known to the others. Beside the embedded broker there are none.
func (e *Engine) openDirectory(ctx context.Context) error {
	if e.broker != nil {
		return nil
	}
	e.peers = pull.NewClient()
	var err error
	e.directory, err = directory.Open(ctx, directory.Config{
		Kafka: e.kafka, Topic: e.internalTopic("servers"), Instance: e.instance, URL: e.opts.Advertise, Logger: e.log,
		Slots: e.cluster.Taken, Standbys: e.cluster.StandbySlots, Queries: e.queriesHere,
	})
	return err
}

// queriesHere tells how the queries are doing that have tasks on this server, or failed here.
func (e *Engine) queriesHere() map[string]directory.Query {
	o, out := overview{e: e}, map[string]directory.Query{}
	for _, id := range e.queries.IDs() {
		if st := e.queries.Status(id); len(st.Tasks)+len(st.Standbys) > 0 || st.Error != "" {
			q := o.here(id, &st)
			for i := range st.Standbys {
				q.Standbys = append(q.Standbys, taskOf(&st.Standbys[i]))
			}
			out[id] = q
		}
	}
	return out
}

func taskOf(t *cluster.TaskStatus) directory.Task {
	d := directory.Task{Sub: t.ID.Sub, Partition: t.ID.Partition}
	for _, in := range t.Inputs {
		d.Inputs = append(d.Inputs, directory.Position{Name: in.Topic, At: in.Committed, End: in.End})
	}
	for _, st := range t.Stores {
		d.Stores = append(d.Stores, directory.Position{Name: st.ID, At: st.At, End: st.End})
	}
	slices.SortFunc(d.Stores, func(a, b directory.Position) int { return cmp.Compare(a.Name, b.Name) })
	return d
}

// Servers implements API.
func (e *Engine) Servers() []directory.Server {
	self := directory.Server{
		Instance: e.instance, URL: e.opts.Advertise, Slots: e.cluster.Taken(), Standbys: e.cluster.StandbySlots(), Seen: time.Now(), Alive: true,
		Queries: e.queriesHere(),
	}
	if e.directory == nil {
		return []directory.Server{self}
	}
	return append([]directory.Server{self}, e.directory.Servers()...)
}
