package chaos

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// fault is a kind of failure.
type fault struct {
	name   string
	weight int
	able   func(*storm) bool // nil: always
	do     func(*storm, context.Context, *node)
}

func hasProxy(s *storm) bool { return len(s.proxies) > 0 }
func hasCtl(s *storm) bool   { return s.ctl != "" }

// faults are all kinds. The first run of a storm goes through all of them once.
var faults = []fault{
	{"server killed", 6, nil, func(s *storm, ctx context.Context, n *node) {
		n.server.Kill()
		s.idle(1000)
		n.up(ctx)
	}},
	{"server restarted", 4, nil, func(s *storm, ctx context.Context, n *node) {
		n.server.Stop()
		n.up(ctx)
	}},
	{"both servers killed", 2, nil, func(s *storm, ctx context.Context, _ *node) {
		for _, n := range s.servers {
			n.server.Kill()
		}
		for _, n := range s.servers {
			n.up(ctx)
		}
	}},
	{"connections cut", 8, hasProxy, func(s *storm, _ context.Context, _ *node) {
		for _, p := range s.proxies {
			p.Cut(time.Duration(s.rng.IntN(1500)) * time.Millisecond)
		}
	}},
	{"connections delayed", 5, hasProxy, func(s *storm, _ context.Context, _ *node) {
		for _, p := range s.proxies {
			p.Delay(time.Duration(20+s.rng.IntN(400))*time.Millisecond, 3*time.Second)
		}
	}},
	{"server frozen", 1, nil, func(s *storm, _ context.Context, n *node) {
		// Long enough for the other server to take its slots, and for the broker to abort its transactions.
		n.server.Freeze()
		time.Sleep(time.Duration(11+s.rng.IntN(6)) * time.Second)
		n.server.Thaw()
	}},
	{"broker killed", 1, hasCtl, func(s *storm, _ context.Context, _ *node) {
		s.control("kill", "1")
		s.idle(3000)
		s.control("start", "1")
	}},
	{"store deleted", 3, nil, func(s *storm, ctx context.Context, n *node) {
		n.server.Kill()
		if err := os.RemoveAll(filepath.Join(n.data, "state")); err != nil {
			s.t.Fatal(err)
		}
		n.up(ctx)
	}},
	{"store corrupted", 4, nil, func(s *storm, ctx context.Context, n *node) {
		if s.rng.IntN(2) == 0 {
			n.server.Kill()
		} else {
			n.server.Stop()
		}
		s.corrupt(filepath.Join(n.data, "state"))
		n.up(ctx)
	}},
	{"records refused", 6, nil, func(s *storm, _ context.Context, _ *node) {
		// A limit that hardly a batch of records meets makes transactions abort until it is lifted. It must let the
		// markers of 78 bytes pass: a broker that cannot write one keeps the transaction undecided until it is restarted.
		name := []string{"totals", "counts", "sessions", "regions"}[s.rng.IntN(4)]
		for _, limit := range []string{"90", "1000000"} {
			if err := s.c.AlterConfigs(s.w.Topic(name), map[string]string{"max.message.bytes": limit}); err != nil {
				s.t.Logf("limit of %s: %v", name, err)
			}
			time.Sleep(150 * time.Millisecond)
		}
	}},
}

// idle waits up to so many milliseconds.
func (s *storm) idle(millis int) { time.Sleep(time.Duration(s.rng.IntN(millis)) * time.Millisecond) }

// fault lets the n-th thing go wrong.
func (s *storm) fault(ctx context.Context, n int) {
	var able []fault
	total := 0
	for _, f := range faults {
		if f.able == nil || f.able(s) {
			able = append(able, f)
			total += f.weight
		}
	}
	f := able[n%len(able)]
	if n >= len(able) {
		at := s.rng.IntN(total)
		for _, f = range able {
			if at -= f.weight; at < 0 {
				break
			}
		}
	}
	node := s.servers[s.rng.IntN(len(s.servers))]
	began := time.Now()
	f.do(s, ctx, node)
	s.counts[f.name]++
	s.t.Logf("fault %d: %s (%s, %s)", n+1, f.name, node.name, time.Since(began).Round(time.Millisecond))
}

// control has brokers killed and started.
func (s *storm) control(args ...string) {
	s.t.Helper()
	if out, err := exec.Command(s.ctl, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s %s: %v\n%s", s.ctl, strings.Join(args, " "), err, out)
	}
}

// corrupt overwrites a piece of one of the store's files, or cuts it off.
func (s *storm) corrupt(dir string) {
	var files []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Base(path) != "LOCK" {
			if info, err := d.Info(); err == nil && info.Size() > 0 {
				files = append(files, path)
			}
		}
		return nil
	})
	if len(files) == 0 {
		return
	}
	path := files[s.rng.IntN(len(files))]
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	at := s.rng.IntN(min(len(text), 1<<20)) // value logs are mapped large, and empty behind
	if s.rng.IntN(3) == 0 {
		text = text[:at]
	} else {
		for i := at; i < min(at+64, len(text)); i++ {
			text[i] ^= byte(1 + s.rng.IntN(255))
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("corrupted %s (%d bytes) at %d", filepath.Base(path), len(text), at)
}
