package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/directory"
	"github.com/millrace/millrace/engine/pull"
	"github.com/millrace/millrace/engine/query"
	"github.com/millrace/millrace/sql/vector"
)

// pullPatience is how long a pull query waits for partitions that start, move or are restored. It is longer than the group waits for a server that
// does not answer any more.
const pullPatience = 15 * time.Second

// While it waits, a query looks again after firstLook, and twice as late each time, at most after lastLook; at once when the directory
// has news.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 200 * time.Millisecond
)

// errLost ends a question to a server that gives no sign of life any more.
var errLost = errors.New("the server has fallen silent")

// route reads the partitions of a table where they are: those here from the stores, those elsewhere from their servers, all servers at the same
// time. What has moved meanwhile is looked for again.
type route struct {
	t       *tablePull
	request *pull.Request
	take    func(*vector.Batch) error // what the rows of all servers end in

	mu      sync.Mutex
	pending []int32
	why     map[int32]error // why a partition is pending still
	silent  map[int32]bool  // partitions whose owner did not answer when it was asked
	failed  error           // what ends the query
}

func newRoute(t *tablePull, req *pull.Request) *route {
	r := &route{t: t, request: req, take: t.take, pending: t.partitions(), why: map[int32]error{}, silent: map[int32]bool{}}
	t.take = r.hand
	return r
}

func (r *route) run(ctx context.Context) error {
	began, look := time.Now(), firstLook
	for len(r.pending) > 0 {
		changed, left := r.news(), len(r.pending)
		if err := r.round(ctx); err != nil {
			return err
		}
		if len(r.pending) == 0 {
			break
		}
		if r.t.alone {
			return r.gaveUp()
		}
		if len(r.pending) < left {
			began, look = time.Now(), firstLook
		}
		if time.Since(began) > r.t.e.patience {
			return r.gaveUp()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-time.After(look):
			look = min(2*look, lastLook)
		}
	}
	return nil
}

// news is closed when the directory changes; nil where there is none.
func (r *route) news() <-chan struct{} {
	if r.t.e.directory == nil {
		return nil
	}
	return r.t.e.directory.Changed()
}

// round asks for all that is pending, once.
func (r *route) round(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	here, there, copies := r.owners()
	var wg sync.WaitGroup
	for _, q := range there {
		wg.Go(func() { r.end(r.ask(ctx, q.server, q.partitions), cancel) })
	}
	r.end(r.read(ctx, here, r.t.partition), cancel)
	r.end(r.read(ctx, copies, r.t.copied), cancel)
	wg.Wait()
	return r.failed
}

// end ends the round at an error.
func (r *route) end(err error, cancel context.CancelCauseFunc) {
	if err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
	cancel(r.failed)
}

// question is what one server is asked for.
type question struct {
	server     directory.Server
	partitions []int32
}

// owners says which of the pending partitions are read here, of which copies are read here, and who is asked for the others.
func (r *route) owners() (here []int32, there map[string]*question, copies []int32) {
	e := r.t.e
	if e.directory == nil {
		return slices.Clone(r.pending), nil, nil
	}
	mine := e.cluster.Taken()
	there = map[string]*question{}
	for _, p := range r.pending {
		slot := e.slotOf(r.t.running, r.t.sub.ID, p)
		if slices.Contains(mine, slot) {
			here = append(here, p)
			continue
		}
		s, ok := e.directory.Owner(slot)
		if !ok || r.silent[p] || r.t.alone {
			if other, mine := r.substitute(slot, p); mine {
				copies = append(copies, p)
				continue
			} else if other.URL != "" {
				s, ok = other, true
			}
		}
		switch {
		case r.t.alone:
			r.why[p] = errors.New("this server does not run it, and " + skipForwarding + " keeps others from being asked")
		case !ok:
			r.why[p] = errors.New("no server has taken it over yet")
		case s.URL == "":
			r.why[p] = fmt.Errorf("it is on server %s, which says no address at which other servers can ask it: start it with --advertise", s.Instance)
		default:
			if there[s.Instance] == nil {
				there[s.Instance] = &question{server: s}
			}
			there[s.Instance].partitions = append(there[s.Instance].partitions, p)
		}
	}
	return here, there, copies
}

// substitute finds who keeps a copy of a partition's state, where one will do: this server, or another.
func (r *route) substitute(slot, partition int32) (other directory.Server, mine bool) {
	if !r.t.standby {
		return other, false
	}
	if slices.Contains(r.t.e.cluster.StandbySlots(), slot) {
		return other, true
	}
	if !r.t.alone {
		other, _ = r.t.e.directory.Standby(directory.Copy{Slot: slot, Query: r.t.q.Query, Sub: r.t.sub.ID, Partition: partition}, r.t.maxLag)
	}
	return other, false
}

func (e *Engine) slotOf(q *query.Running, sub string, partition int32) int32 {
	return cluster.SlotOf(cluster.TaskID{Query: q.Topology.Query, Sub: sub, Partition: partition}, int32(e.opts.Slots))
}

// read reads partitions from the stores here.
func (r *route) read(ctx context.Context, partitions []int32, partition func(context.Context, int32) error) error {
	for _, p := range partitions {
		err := partition(ctx, p)
		var behind *cluster.BehindError
		switch {
		case errors.Is(err, cluster.ErrNotHere):
			r.wait(p, errors.New("this server starts or restores it"))
		case errors.As(err, &behind):
			r.wait(p, err)
		case err != nil:
			r.t.e.cluster.Distrust(err)
			return err
		default:
			r.done(p)
		}
	}
	return nil
}

// ask reads partitions from another server. What it does not answer for now stays pending.
func (r *route) ask(ctx context.Context, s directory.Server, partitions []int32) error {
	e := r.t.e
	alive, stop := e.whileAlive(ctx, s.Instance)
	defer stop()
	req := *r.request
	req.Partitions = partitions
	a, err := e.peers.Ask(alive, s.URL, &req, r.t.types(), r.hand)
	for _, p := range a.Done {
		r.done(p)
	}
	for _, p := range a.Moved {
		r.wait(p, fmt.Errorf("server %s does not run it, restores it, or has a copy that is too far behind", s.URL))
	}
	var refused *pull.RefusedError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case r.failure() != nil:
		return r.failure()
	case errors.As(err, &refused) && refused.Status != http.StatusServiceUnavailable, errors.Is(err, pull.ErrBroken):
		return &StatementError{
			Code: CodeServerError, Text: r.request.SQL, Err: err,
			Message: fmt.Sprintf("server %s, which has partitions of %s, fails: %v", s.URL, r.t.q.Source.Name, err),
		}
	}
	if cause := context.Cause(alive); cause != nil {
		err = cause
	}
	for _, p := range partitions {
		if !slices.Contains(a.Done, p) {
			r.wait(p, fmt.Errorf("server %s does not answer: %w", s.URL, err))
		}
	}
	return nil
}

// whileAlive ends a context when another server falls silent. Call stop when it is not needed any more.
func (e *Engine) whileAlive(ctx context.Context, instance string) (alive context.Context, stop func()) {
	alive, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for e.directory.Alive(instance) {
			select {
			case <-alive.Done():
				return
			case <-tick.C:
			}
		}
		cancel(errLost)
	})
	return alive, func() { cancel(context.Canceled); wg.Wait() }
}

// gaveUp is the error when patience has ended.
func (r *route) gaveUp() error {
	e, name := r.t.e, r.t.q.Source.Name
	if st := e.queries.Status(r.t.q.Query); st.Error != "" {
		return fmt.Errorf("query %s, which keeps %s, is in error: %s", r.t.q.Query, name, st.Error)
	}
	p := slices.Min(r.pending)
	return &StatementError{
		Code: CodeNotReady, Text: r.request.SQL, Err: r.why[p],
		Message: fmt.Sprintf("partition %d of %s is moving: %v", p, name, r.why[p]),
	}
}

// hand passes rows on, of one server at a time.
func (r *route) hand(b *vector.Batch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = r.take(b) // that the limit was reached, for instance: no more rows then
	}
	return r.failed
}

func (r *route) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *route) done(p int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = slices.DeleteFunc(r.pending, func(x int32) bool { return x == p })
}

// wait says why a partition is pending still. The next round asks for a copy, where one will do, and the one after that for the owner again.
func (r *route) wait(p int32, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.why[p], r.silent[p] = why, !r.silent[p]
}
