package chaos

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// fault is a kind of failure.
type fault struct {
	name   string
	weight int
	able   func(*storm) bool // nil: always
	do     func(*storm, context.Context, *node)
}

func hasProxy(s *storm) bool   { return len(s.proxies) > 0 }
func hasBrokers(s *storm) bool { return s.brokers.able() }

// faults are all kinds. A storm prefers those that it has not had yet, and else takes them by weight.
var faults = []fault{
	{"server killed", 6, nil, func(s *storm, ctx context.Context, n *node) {
		n.server.Kill()
		s.idle(1000)
		n.up(ctx)
	}},
	{"server killed while it starts", 4, nil, func(s *storm, ctx context.Context, n *node) {
		n.server.Kill()
		if err := n.launch(); err != nil {
			s.t.Fatal(err)
		}
		s.idle(1500)
		n.server.Kill()
		n.up(ctx)
	}},
	{"server killed while it stops", 3, nil, func(s *storm, ctx context.Context, n *node) {
		_ = n.server.End(time.Duration(s.rng.IntN(300)) * time.Millisecond) // it is killed if that was not enough
		n.up(ctx)
	}},
	{"server restarted in good order", 4, nil, func(_ *storm, ctx context.Context, n *node) {
		n.server.Stop()
		n.up(ctx)
	}},
	{"all servers killed", 2, nil, func(s *storm, ctx context.Context, _ *node) {
		for _, n := range s.alive() {
			n.await()
			n.server.Kill()
		}
		for _, n := range s.alive() {
			n.up(ctx)
		}
	}},
	{"server comes or goes", 3, nil, func(s *storm, ctx context.Context, _ *node) {
		// Slots move to the last server, and away from it.
		n := s.servers[len(s.servers)-1]
		if n.away {
			n.up(ctx)
			return
		}
		n.await()
		n.server.Stop()
		n.away = true
	}},
	{"server replaced by a new one", 2, nil, func(s *storm, ctx context.Context, n *node) {
		n.server.Kill()
		s.remove(n.data)
		n.up(ctx)
	}},
	{"server frozen", 2, nil, func(s *storm, _ context.Context, n *node) {
		// Long enough for other servers to take its slots, and for the broker to abort its transactions.
		n.server.Freeze()
		time.Sleep(s.eviction())
		n.server.Thaw()
	}},
	{"server parted from all brokers", 2, hasProxy, func(s *storm, _ context.Context, n *node) {
		total := s.eviction()
		for _, p := range s.proxies {
			p.Part(n.instance(), total)
		}
		time.Sleep(total)
	}},
	{"server parted from one broker", 3, hasProxy, func(s *storm, _ context.Context, n *node) {
		s.proxies[s.rng.IntN(len(s.proxies))].Part(n.instance(), time.Duration(1+s.rng.IntN(12))*time.Second)
	}},
	{"connections cut", 6, hasProxy, func(s *storm, _ context.Context, _ *node) {
		for _, p := range s.proxies {
			p.Cut(0)
		}
	}},
	{"connections refused", 4, hasProxy, func(s *storm, _ context.Context, _ *node) {
		for _, p := range s.proxies {
			p.Cut(time.Duration(s.rng.IntN(3000)) * time.Millisecond)
		}
	}},
	{"connections delayed", 5, hasProxy, func(s *storm, _ context.Context, _ *node) {
		for _, p := range s.proxies {
			p.Delay(time.Duration(20+s.rng.IntN(400))*time.Millisecond, 3*time.Second)
		}
	}},
	{"broker killed and restarted", 3, hasBrokers, func(s *storm, _ context.Context, _ *node) {
		s.brokers.fault("kill", time.Duration(s.rng.IntN(3000))*time.Millisecond, "start")
	}},
	{"broker restarted in good order", 1, hasBrokers, func(s *storm, _ context.Context, _ *node) {
		s.brokers.fault("stop", 0, "start")
	}},
	{"broker frozen", 3, hasBrokers, func(s *storm, _ context.Context, _ *node) {
		s.brokers.fault("freeze", time.Duration(1000+s.rng.IntN(7000))*time.Millisecond, "thaw")
	}},
	{"store deleted", 3, nil, func(s *storm, ctx context.Context, n *node) {
		n.server.Kill()
		s.remove(filepath.Join(n.data, "state"))
		n.up(ctx)
	}},
	{"store corrupted", 5, nil, func(s *storm, ctx context.Context, n *node) {
		if s.rng.IntN(2) == 0 {
			n.server.Kill()
		} else {
			n.server.Stop()
		}
		s.corrupt(filepath.Join(n.data, "state"))
		n.up(ctx)
	}},
	{"records refused", 4, nil, func(s *storm, ctx context.Context, _ *node) {
		// A limit that hardly a batch of records meets makes transactions abort until it is lifted. It must let the
		// markers of 78 bytes pass: a broker that cannot write one keeps the transaction undecided until it is restarted.
		topic := s.w.Topic([]string{"totals", "counts", "sessions", "regions", "chained"}[s.rng.IntN(5)])
		for _, limit := range []string{"90", "1000000"} {
			s.persist(ctx, "limit of "+topic, func(context.Context) error {
				return s.c.AlterConfigs(topic, map[string]string{"max.message.bytes": limit})
			})
			time.Sleep(150 * time.Millisecond)
		}
	}},
	{"queries paused", 3, nil, func(s *storm, ctx context.Context, n *node) {
		for _, sql := range []string{"PAUSE ALL;", "RESUME ALL;"} {
			s.persist(ctx, sql, func(ctx context.Context) error { return n.api.Execute(ctx, sql, nil) })
			s.idle(1500)
		}
	}},
}

// idle waits up to so many milliseconds.
func (s *storm) idle(millis int) { time.Sleep(time.Duration(s.rng.IntN(millis)) * time.Millisecond) }

// eviction is a time after which the group has given a silent server's slots to others; their session is ten seconds.
func (s *storm) eviction() time.Duration { return time.Duration(11+s.rng.IntN(6)) * time.Second }

func (s *storm) remove(dir string) {
	if err := os.RemoveAll(dir); err != nil {
		s.t.Fatal(err)
	}
}

// persist tries something until it succeeds, since other faults may be in its way.
func (s *storm) persist(ctx context.Context, what string, do func(context.Context) error) {
	s.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		attempt, cancel := context.WithTimeout(ctx, 30*time.Second)
		err := do(attempt)
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: %v", what, err)
		}
	}
}

// fault lets the next thing go wrong.
func (s *storm) fault(ctx context.Context) {
	var able, missing []fault
	for _, f := range faults {
		if f.able != nil && !f.able(s) {
			continue
		}
		able = append(able, f)
		if s.counts[f.name] == 0 {
			missing = append(missing, f)
		}
	}
	if len(missing) > 0 {
		able = missing
	}
	f := s.choose(able)
	alive := s.alive()
	n := alive[s.rng.IntN(len(alive))]
	n.await()
	began := time.Now()
	f.do(s, ctx, n)
	s.done++
	s.counts[f.name]++
	s.t.Logf("fault %d: %s (%s, %s)", s.done, f.name, n.name, time.Since(began).Round(time.Millisecond))
}

// choose picks a kind of fault by weight.
func (s *storm) choose(list []fault) fault {
	total := 0
	for _, f := range list {
		total += f.weight
	}
	at := s.rng.IntN(total)
	for _, f := range list {
		if at -= f.weight; at < 0 {
			return f
		}
	}
	panic("the weights do not add up")
}
