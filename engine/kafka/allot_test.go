package kafka

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// group is a group as its members see it, without a broker: rounds of joining, as cooperative rebalancing has them.
type group struct {
	t       *testing.T
	slots   []int32
	busy    int32 // the first slots have tasks
	end     map[int32]int64
	members map[string]*contender
	copies  map[string][]int32
	rounds  int32
}

func newGroup(t *testing.T, slots, busy, standbys int, names ...string) *group {
	g := &group{t: t, busy: int32(busy), end: map[int32]int64{}, members: map[string]*contender{}, copies: map[string][]int32{}}
	for s := range int32(slots) {
		g.slots = append(g.slots, s)
	}
	for _, name := range names {
		g.join(name, standbys)
	}
	return g
}

func (g *group) join(name string, standbys int) {
	g.members[name] = &contender{id: name, standbys: standbys, owned: map[int32]int32{}, load: map[int32]SlotLoad{}}
	g.copies[name] = nil
}

func (g *group) die(name string) {
	delete(g.members, name)
	delete(g.copies, name)
}

// work moves the state of all slots on; owners and copies have it.
func (g *group) work(n int64) {
	for s := range g.busy {
		g.end[s] += n
	}
	for name, m := range g.members {
		for s := range g.busy {
			l := SlotLoad{Tasks: 1, State: m.load[s].State}
			if _, owns := m.owned[s]; owns || slices.Contains(g.copies[name], s) {
				l.State = g.end[s]
			}
			m.load[s] = l
		}
	}
}

// round shares the slots once, and says whether anybody gave one up.
func (g *group) round() (again bool) {
	g.rounds++
	var list []contender
	for _, name := range slices.Sorted(maps.Keys(g.members)) {
		list = append(list, *g.members[name])
	}
	a, owners := allot(g.slots, list), map[int32]string{}
	for name, m := range g.members {
		for s := range m.owned {
			if a.owner[s] != name {
				delete(m.owned, s)
				again = true
			}
		}
		for s, to := range a.owner {
			if to == name {
				m.owned[s] = g.rounds
			}
		}
		for s := range m.owned {
			if owners[s] != "" {
				g.t.Errorf("slot %d belongs to %s and %s", s, owners[s], name)
			}
			owners[s] = name
		}
		g.copies[name] = a.standbys[name].Slots
	}
	return again
}

// settle shares the slots until nothing moves, and checks what must hold then.
func (g *group) settle(standbys int) {
	g.t.Helper()
	g.work(1)
	for n := 0; g.round() || n < 2; n++ {
		g.work(1)
		if n > 20 {
			g.t.Fatal("the slots do not come to rest")
		}
	}
	g.work(1)
	owned, work, copied := map[string]int{}, map[string]int{}, map[int32]int{}
	total := 0
	for name, m := range g.members {
		owned[name], work[name] = len(m.owned), 0
		total += len(m.owned)
		for s := range m.owned {
			if s < g.busy {
				work[name]++
			}
		}
		for _, s := range g.copies[name] {
			copied[s]++
			if _, owns := m.owned[s]; owns {
				g.t.Errorf("%s keeps a copy of slot %d, which it has", name, s)
			}
		}
	}
	if total != len(g.slots) {
		g.t.Errorf("%d of %d slots have an owner", total, len(g.slots))
	}
	g.even("slots with tasks", work, 1)
	g.even("slots", owned, 2)
	for _, s := range g.slots {
		if want := min(standbys, len(g.members)-1); copied[s] != want {
			g.t.Errorf("there are %d copies of slot %d, want %d", copied[s], s, want)
		}
	}
	counts := map[string]int{}
	for name, list := range g.copies {
		counts[name] = len(list)
	}
	g.even("copies", counts, len(g.members))
}

func (g *group) even(what string, counts map[string]int, by int) {
	g.t.Helper()
	list := slices.Sorted(maps.Values(counts))
	if list[len(list)-1]-list[0] > by {
		g.t.Errorf("%s are not even: %v", what, counts)
	}
}

func (g *group) has(name string) []int32 { return slices.Sorted(maps.Keys(g.members[name].owned)) }

// TestAllot: members come, die and return at random. Everything ends up even, and never has two owners.
func TestAllot(t *testing.T) {
	for standbys := range 3 {
		for seed := range uint64(30) {
			rng := rand.New(rand.NewPCG(seed, 1))
			slots := 1 + rng.IntN(40)
			g := newGroup(t, slots, rng.IntN(slots+1), standbys, "a")
			for range 12 {
				switch name := string(rune('a' + rng.IntN(5))); {
				case g.members[name] == nil:
					g.join(name, standbys)
				case len(g.members) > 1:
					g.die(name)
				}
				g.settle(standbys)
			}
			if t.Failed() {
				t.Fatalf("%d copies, seed %d", standbys, seed)
			}
		}
	}
}

// TestStandbysTakeOver: the slots of a member that dies go to those that have copies, in equal parts, in one round; the others' stay.
func TestStandbysTakeOver(t *testing.T) {
	g := newGroup(t, 12, 12, 1, "a", "b", "c")
	g.settle(1)
	g.work(1_000_000)
	lost, b, c := g.has("a"), g.has("b"), g.has("c")
	copies := map[string][]int32{"b": g.copies["b"], "c": g.copies["c"]}
	g.die("a")
	g.round()
	for name, before := range map[string][]int32{"b": b, "c": c} {
		now := g.has(name)
		if len(now) != 6 {
			t.Errorf("%s has %v", name, now)
		}
		for _, s := range before {
			if !slices.Contains(now, s) {
				t.Errorf("%s lost slot %d", name, s)
			}
		}
		for _, s := range lost {
			if slices.Contains(now, s) && !slices.Contains(copies[name], s) {
				t.Errorf("%s got slot %d, of which it had no copy: %v", name, s, copies)
			}
		}
	}
}

// TestLossMovesNothingElse: where copies are kept, the round in which slots have lost their owner takes none from those that live, however
// uneven that is: it would keep them from beginning with what they are given. Rounds that follow even it out.
func TestLossMovesNothingElse(t *testing.T) {
	moved := false
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 2))
		slots := 8 + rng.IntN(30)
		g := newGroup(t, slots, 1+rng.IntN(slots), 1, "a", "b", "c", "d")
		g.settle(1)
		g.work(1_000_000)
		before := map[string][]int32{}
		dead := string(rune('a' + rng.IntN(4)))
		for name := range g.members {
			before[name] = g.has(name)
		}
		g.die(dead)
		delete(before, dead)
		g.round()
		for name, had := range before {
			for _, s := range had {
				if !slices.Contains(g.has(name), s) {
					t.Errorf("seed %d: %s gives slot %d up while those of %s wait", seed, name, s, dead)
				}
			}
			before[name] = g.has(name)
		}
		g.settle(1)
		for name, had := range before {
			moved = moved || !slices.Equal(had, g.has(name))
		}
	}
	if !moved {
		t.Error("it was never uneven")
	}
}

// TestMovesWhenWarm: a new member gets slots with state only when its copies are good; without copies at once.
func TestMovesWhenWarm(t *testing.T) {
	for standbys := range 2 {
		t.Run(fmt.Sprint(standbys), func(t *testing.T) {
			g := newGroup(t, 12, 8, standbys, "a", "b")
			g.settle(standbys)
			g.work(1_000_000)
			g.join("c", standbys)
			for g.round() {
			}
			busy := func() (n int) {
				for _, s := range g.has("c") {
					if s < g.busy {
						n++
					}
				}
				return n
			}
			if n := busy(); n != 2*(1-standbys) {
				t.Errorf("the new member has %d slots with state at once", n)
			}
			g.settle(standbys)
			if n := busy(); n != 2 {
				t.Errorf("the new member has %d slots with state when it has copies", n)
			}
		})
	}
}

// TestRowIsSpread: slots in a row, in which the partitions of one query lie, are spread over members that came before the query.
func TestRowIsSpread(t *testing.T) {
	g := newGroup(t, 32, 0, 0, "a")
	g.settle(0)
	for _, name := range []string{"b", "c"} {
		g.join(name, 0)
		g.settle(0)
	}
	for first := range int32(32) {
		n := map[string]int{}
		for i := range int32(12) {
			for name := range g.members {
				if _, ok := g.members[name].owned[(first+i)%32]; ok {
					n[name]++
				}
			}
		}
		if most := slices.Max(slices.Collect(maps.Values(n))); most > 6 {
			t.Errorf("of twelve slots from %d one member has %d", first, most)
		}
	}
}
