package simtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace/millrace/engine/cluster"
	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/task"
	"github.com/millrace/millrace/engine/topology"
)

// History is one run of a query over its input, within a bubble of package synctest.
type History struct {
	Query Query
	Seed  uint64 // of the input
	Plan  *Plan
	Exact bool // every update is emitted
	// Loose is how many processes, from the first on, write outputs and changelogs outside transactions (at_least_once).
	Loose int
	// Events are what happens to the servers beside failing requests.
	Events Events
	// Copies says that there are two processes all the time, which share the slots and keep copies of each other's state. A process that has
	// died begins again on its own disk.
	Copies bool
	// Memory is how many bytes the tasks of a process may keep for each of the things that a budget is for; 0: plenty.
	Memory int
	Defect cluster.Defect // what the servers do wrong on purpose
	Logger *slog.Logger   // nil: no log

	// Models gives a process, when it starts, its view of the models; nil: there are none.
	Models func() Models

	topo    *topology.Topology // of Query; nil: it is planned
	log     *Log
	disks   []*Disk
	servers []*server
	booted  int
	sharing sharing
	fed     atomic.Bool
}

// Events tell how often, of a hundred steps of 20 ms, something happens.
type Events struct {
	Kill      int // the process dies
	Restart   int // it ends in good order and begins again
	Zombie    int // a second process takes all slots, and the first one goes on
	Lose      int // at a start: some of the disk is gone
	Elsewhere int // at a start: the process begins on another disk, which may be old
	Move      int // a slot goes to the other process, which has a copy of its state; only with Copies
	Sleep     int // at a start: 30 hours have passed, and topics were compacted
}

// Models is what a process knows of the command log, whose commands are all of models.
type Models interface {
	// Read reads on, by as much as the process gets to in a step. It reports whether there was something.
	Read() bool
	// Known is the offset below which all was read.
	Known() int64
	// View gives a task its models.
	View() task.Models
}

// server is a process.
type server struct {
	models  Models   // nil: none
	tenancy *tenancy // nil: it owns all slots
	conn    *Conn
	service *cluster.Service
	started bool
	loose   bool
	disk    *Disk
}

// Outcome is what a history leaves.
type Outcome struct {
	Output     [][]kafka.Record            // by partition
	Changelogs map[string][][]kafka.Record // by topic and partition, compacted
	Letters    [][]kafka.Record            // by partition
	Restarts   int                         // of failed queries
}

const (
	step  = 20 * time.Millisecond
	slots = 2
)

// Run runs the history to its end: all input was processed and committed, and the last process ended in good order.
func (h *History) Run() (out Outcome, err error) {
	if h.Logger == nil {
		h.Logger = slog.New(slog.DiscardHandler)
	}
	if h.topo == nil {
		if h.topo, err = h.Query.Plan(); err != nil {
			return out, err
		}
	}
	h.log, h.disks = NewLog(), []*Disk{NewDisk(), NewDisk()}
	for _, t := range append([]string{"O", lettersTopic}, sourceTopics...) {
		if err := h.log.Create(t, h.Query.Partitions); err != nil {
			return out, err
		}
	}
	defer h.closeAll()
	var feeding sync.WaitGroup
	defer feeding.Wait()
	feeding.Go(h.feed)
	for n := 0; ; n++ {
		if n > 20_000 {
			return out, fmt.Errorf("not done after %s: %s", time.Duration(n)*step, h.state())
		}
		if n > 1000 {
			h.Plan.calm() // it must come to an end now
			h.Events = Events{}
		}
		if h.Copies {
			h.share()
		} else {
			h.happen()
			h.replace()
		}
		if err := h.tend(&out); err != nil {
			return out, err
		}
		time.Sleep(step)
		if h.fed.Load() && h.done() {
			break
		}
	}
	return out, h.finish(&out)
}

// feed produces the input in bursts.
func (h *History) feed() {
	for _, burst := range h.Query.inputs(h.Seed) {
		for _, b := range burst {
			if _, err := h.log.Produce(b); err != nil {
				panic(err) // the topics are there
			}
		}
		time.Sleep(100*time.Millisecond + 1)
	}
	h.fed.Store(true)
}

// happen lets events happen.
func (h *History) happen() {
	roll := func(percent int) bool { return percent > 0 && h.Plan.intn("events", 100) < percent }
	if len(h.servers) == 0 {
		return
	}
	last := h.servers[len(h.servers)-1]
	switch {
	case roll(h.Events.Kill):
		last.conn.Die()
	case roll(h.Events.Restart):
		last.close()
		h.servers = h.servers[:len(h.servers)-1]
	case len(h.servers) == 1 && roll(h.Events.Zombie):
		h.boot(h.other(last.disk))
	case len(h.servers) == 2 && roll(30):
		h.servers[0].conn.Die()
	}
}

func (h *History) other(d *Disk) *Disk {
	if d == h.disks[0] {
		return h.disks[1]
	}
	return h.disks[0]
}

// replace buries dead processes, and begins one if there is none.
func (h *History) replace() {
	roll := func(percent int) bool { return percent > 0 && h.Plan.intn("events", 100) < percent }
	alive := h.servers[:0]
	for _, s := range h.servers {
		if s.conn.Dead() {
			s.close()
		} else {
			alive = append(alive, s)
		}
	}
	h.servers = alive
	if len(h.servers) == 0 {
		disk := h.disks[0]
		if roll(h.Events.Elsewhere) {
			disk = h.disks[1]
		}
		if roll(h.Events.Lose) {
			disk.Lose(h.Plan)
		}
		if roll(h.Events.Sleep) {
			h.sleep()
		}
		h.boot(disk)
	}
}

// tend starts what is to run, and what failed again.
func (h *History) tend(out *Outcome) error {
	for _, s := range h.servers {
		n, err := s.tend(h)
		if err != nil {
			return err
		}
		out.Restarts += n
	}
	return nil
}

// sleep lets more time pass than deletions are kept in changelogs.
func (h *History) sleep() {
	time.Sleep(30 * time.Hour)
	h.log.Clean(cluster.SlotsTopic("sim"))
	for _, t := range h.topo.Topics {
		if t.Compact {
			h.log.Clean(t.Name)
		}
	}
}

func (h *History) boot(d *Disk) {
	h.booted++
	s := &server{conn: Connect(h.log, h.Plan), disk: d, loose: h.booted <= h.Loose}
	if h.Copies {
		s.tenancy = &tenancy{}
	}
	h.servers = append(h.servers, s)
}

// tend brings the process to where its query runs.
func (s *server) tend(h *History) (restarts int, err error) {
	ctx := context.Background()
	if s.service == nil {
		cfg := cluster.Config{
			Broker: s.conn, Service: "sim", Slots: slots, Store: mount{s.disk, s.conn}, Logger: h.Logger,
			CommitInterval: 50 * time.Millisecond, FlushInterval: 40 * time.Millisecond, Fenced: 300 * time.Millisecond,
			JanitorInterval: 200 * time.Millisecond, RestAfter: 60 * time.Millisecond, Defect: h.Defect, AtLeastOnce: s.loose,
			OperatorBytes: h.Memory, TransactionBytes: h.Memory, FlushBytes: h.Memory, InputBytes: h.Memory,
		}
		if h.Models != nil {
			s.models = h.Models()
			cfg.CommandOffset, cfg.CatchUp = s.models.Known, s.catchUp
		}
		if s.tenancy != nil {
			cfg.Ownership, cfg.StandbyInterval = s.tenancy, 30*time.Millisecond
		}
		service, err := cluster.New(cfg)
		if err != nil {
			return 0, err
		}
		if err := service.Start(ctx); err != nil {
			return 0, injected(err)
		}
		s.service = service
	}
	if !s.started {
		var view func() task.Models
		if s.models != nil {
			view = s.models.View
		}
		if err := s.service.StartQuery(ctx, h.Query.spec(h.topo, h.Exact, view)); err != nil {
			return 0, injected(err)
		}
		s.started = true
	}
	if s.models != nil && s.models.Read() {
		s.service.ModelsChanged()
	}
	st, _ := s.service.Status("q")
	if st.Err == nil {
		return 0, nil
	}
	if err := injected(st.Err); err != nil {
		return 0, fmt.Errorf("the query failed by itself: %w", err)
	}
	return 1, s.service.Restart("q")
}

// catchUp waits until the process has read the commands below an offset.
func (s *server) catchUp(ctx context.Context, offset int64) error {
	for s.models.Known() < offset {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(step):
		}
	}
	return nil
}

// injected passes over failures that were injected.
func injected(err error) error {
	if errors.Is(err, errInjected) || errors.Is(err, errDead) {
		return nil
	}
	return err
}

// close ends a process: in good order, or, if it is dead, at once.
func (s *server) close() {
	if s.service == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if s.conn.Dead() {
		cancel()
	}
	_ = s.service.Close(ctx) // AllSlots has no errors
}

// done says that everything is processed and committed.
func (h *History) done() bool {
	if !h.Copies && len(h.servers) != 1 || !h.log.Decided() {
		return false
	}
	tasks := 0
	for _, s := range h.servers {
		if s.conn.Dead() || !s.started {
			return false
		}
		st, _ := s.service.Status("q")
		if st.Err != nil {
			return false
		}
		for _, t := range st.Tasks {
			if !h.ended(t) {
				return false
			}
			tasks++
		}
	}
	for _, sub := range h.topo.Subs {
		tasks -= int(sub.Partitions)
	}
	return tasks == 0 && !h.owes() && (!h.Copies || h.copied())
}

// owes says that a task has committed that it has results yet to emit.
func (h *History) owes() bool {
	last := map[string]bool{}
	for _, records := range h.log.Committed(cluster.SlotsTopic("sim")) {
		for _, r := range records {
			var value cluster.Record
			if err := json.Unmarshal(r.Value, &value); r.Value != nil && err != nil {
				panic(err) // it was written by the service
			}
			last[string(r.Key)] = len(value.State.Owed) > 0
		}
	}
	for _, owes := range last {
		if owes {
			return true
		}
	}
	return false
}

// ended says that a task runs and has committed all its input.
func (h *History) ended(t cluster.TaskStatus) bool {
	for _, in := range t.Inputs {
		h.log.mu.Lock()
		end := h.log.topics[in.Topic][in.Partition].next
		h.log.mu.Unlock()
		if in.Committed < end {
			return false
		}
	}
	return t.State == cluster.Running
}

func (h *History) state() string {
	text := fmt.Sprintf("%d servers", len(h.servers))
	for _, s := range h.servers {
		if s.service == nil {
			text += "; a server that does not start"
			continue
		}
		st, _ := s.service.Status("q")
		text += fmt.Sprintf("; query %v, tasks", st.Err)
		for _, t := range st.Tasks {
			text += fmt.Sprintf(" %s %s %+v", t.ID, t.State, t.Inputs)
		}
	}
	return text
}

func (h *History) closeAll() {
	for _, s := range h.servers {
		s.close()
	}
	h.servers = nil
}

// finish ends the last processes in good order and looks at what there is.
func (h *History) finish(out *Outcome) error {
	h.Plan.calm()
	if h.Copies {
		time.Sleep(10 * time.Second) // a copy that could not be written is not read on at once
	}
	last := h.servers
	h.closeAll()
	time.Sleep(time.Second) // markers
	out.Output, out.Letters = h.log.Committed("O"), h.log.Committed(lettersTopic)
	out.Changelogs = map[string][][]kafka.Record{}
	for _, sub := range h.topo.Subs {
		for _, st := range sub.Stores {
			for p, records := range h.log.Committed(st.Changelog) {
				kept := compacted(records)
				out.Changelogs[st.Changelog] = append(out.Changelogs[st.Changelog], kept)
				name := fmt.Sprintf("q/%s/%s#%d", sub.ID, st.ID, p)
				for _, s := range last {
					if err := s.disk.holds(name, kept, st.Spec); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}
