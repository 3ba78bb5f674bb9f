package cluster

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/badger"
)

// fleet is the servers of a service that share its slots by the group.
type fleet struct {
	*rig
	query func() QuerySpec
	dirs  map[string]string
}

// server is one of them.
type server struct {
	*Service
	db *badger.DB
}

const fleetPartitions = 12

// wide is a counting query over so many partitions.
func (r *rig) wide() QuerySpec {
	spec := r.counting("q", nil)
	spec.Topology.Subs[0].Partitions, spec.Topology.Topics[0].Partitions = fleetPartitions, fleetPartitions
	spec.Topology.Subs[0].Inputs = []topology.Input{{Topic: r.name("wide")}}
	spec.Start = map[string][]int64{r.name("wide"): make([]int64, fleetPartitions)}
	task := spec.NewTask
	spec.NewTask = func(sub *topology.SubTopology, p int32, stores state.Stores) (Task, error) {
		t, err := task(sub, p, stores)
		if err == nil {
			t.(*fake).in = r.name("wide")
		}
		return t, err
	}
	return spec
}

func (f *fleet) up(name string, session time.Duration) *server {
	f.Helper()
	if f.dirs[name] == "" {
		f.dirs[name] = f.TempDir()
	}
	f.dir = f.dirs[name]
	s, db := f.boot(func(c *Config) {
		c.Slots, c.StandbyInterval = 32, 50*time.Millisecond
		c.Ownership = GroupOwnership{
			Kafka: f.client, Service: f.service, InstanceID: name, Leaving: name != "a", SessionTimeout: session, Standbys: 1,
			Report: func(err error) { f.Logf("membership: %v", err) },
		}
	})
	f.ok(s.StartQuery(f.Context(), f.query()))
	return &server{s, db}
}

// has counts the tasks that run on a server.
func (s *server) has() (n int) {
	st, _ := s.Status("q")
	for _, t := range st.Tasks {
		if t.State == Running {
			n++
		}
	}
	return n
}

// share waits until all tasks run, evenly, and each has one copy at its end.
func (f *fleet) share(servers ...*server) {
	f.Helper()
	f.await(strconv.Itoa(len(servers))+" servers to share the work", func() bool {
		total, copies, least := 0, 0, fleetPartitions
		for _, s := range servers {
			n := s.has()
			total, least = total+n, min(least, n)
			for _, t := range s.standbys.statuses("q") {
				if t.Stores[0].Lag() == 0 {
					copies++
				}
			}
		}
		return total == fleetPartitions && least == fleetPartitions/len(servers) && copies == fleetPartitions*min(len(servers)-1, 1)
	})
}

// TestScale: a service goes from one server to three, loses one by a kill, and goes back to one, under load; every record counts once. Where so
// little state is lacking as here the group looks for equal parts and not for copies: TestStandbyTakesOver is about those.
func TestScale(t *testing.T) {
	onBrokers(t, func(r *rig) {
		r.topic("wide", fleetPartitions)
		f := &fleet{rig: r, query: r.wide, dirs: map[string]string{}}
		stop := r.load("wide", fleetPartitions)
		const session = 6 * time.Second
		a := f.up("a", session)
		f.share(a)
		b, c := f.up("b", 20*time.Second), f.up("c", 20*time.Second) // which no slow machine takes for dead
		f.share(a, b, c)
		began := time.Now()
		a.kill()
		r.ok(a.db.Close())
		r.await("the others to take over", func() bool { return b.has()+c.has() == fleetPartitions })
		r.Logf("the tasks of a server that was killed run again after %s, of which the group waits %s", time.Since(began), session)
		f.share(b, c)
		r.close(b.Service, b.db)
		f.share(c)
		n := stop()
		r.await("everything to be committed", func() bool { return r.caughtUp(c.Service, "q", fleetPartitions) })
		r.close(c.Service, c.db)
		r.counted(n, fleetPartitions)
	})
}

// load writes numbered records, each partition's with a key of its own, until it is stopped, and then says how many.
func (r *rig) load(topic string, partitions int) (stop func() int) {
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan int, 1)
	go func() {
		p := r.client.NewProducer(kafka.ProducerConfig{})
		defer p.Close()
		n := 0
		for ; ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
			to := n % partitions
			rec := kafka.Record{Timestamp: int64(n), Key: []byte("p" + strconv.Itoa(to)), Value: []byte(strconv.Itoa(n))}
			err := p.Produce(r.Context(), kafka.ProduceBatch{Topic: r.name(topic), Partition: int32(to), Records: []kafka.Record{rec}})
			if err != nil {
				r.Errorf("load: %v", err)
				break
			}
			n++
		}
		done <- n
	}()
	r.Cleanup(cancel)
	return func() int { cancel(); return <-done }
}

// counted checks the output of a counting query over the first n records of a load: each once and in order.
func (r *rig) counted(n, partitions int) {
	r.Helper()
	total := 0
	for key, values := range r.read(r.name("out"), 3) {
		p, err := strconv.Atoi(key[1:])
		r.ok(err)
		for i, v := range values {
			if want := fmt.Sprintf("%d=%d", p+i*partitions, i+1); v != want {
				r.Fatalf("%s: %s where %s was due", key, v, want)
			}
		}
		total += len(values)
	}
	if total != n {
		r.Fatalf("%d outputs of %d inputs", total, n)
	}
}
