package kafka

import (
	"cmp"
	"maps"
	"slices"
)

// SlotLoad is what a member knows of a slot: how many tasks belong to it, and how much of their state is on this member.
type SlotLoad struct {
	Tasks int
	// State is the sum of the changelog positions that the state here has reached. Of two members the one with the larger sum lacks less.
	State int64
}

// Standbys are the slots of other members of whose state a member keeps copies.
type Standbys struct {
	Slots []int32
	// Moving are those of them that the group wants to give to this member as soon as its copy is about as good as the owner's, with what the
	// owner's State was.
	Moving map[int32]int64
}

// warmLag is how far, in offsets, a copy may be behind the owner's state when a slot is moved to it without need.
const warmLag = 10_000

// contender is a member among which slots are shared.
type contender struct {
	id       string
	owned    map[int32]int32 // the generation in which it had the slot
	load     map[int32]SlotLoad
	standbys int // copies that it wants of each slot
}

// allotment is who has what.
type allotment struct {
	owner    map[int32]string
	standbys map[string]*Standbys
}

// allot shares slots among members, each of which computes the same from the same: sticky first, then to whoever has most of the state, then evenly.
//
// A slot stays with its owner. One without an owner goes to the member that has most of its state. Then slots move from those that have most to
// those that have least; where copies are wanted, a slot with state moves only to a member whose copy is good: until then it is told to make
// one. Slots that have tasks are spread apart from those that have none, so that work is even and not only numbers.
func allot(slots []int32, members []contender) allotment {
	a := allotter{members: members, owner: map[int32]string{}, moving: map[int32]string{}}
	slices.SortFunc(a.members, func(x, y contender) int { return cmp.Compare(x.id, y.id) })
	out := allotment{owner: a.owner, standbys: map[string]*Standbys{}}
	if len(members) == 0 {
		return out
	}
	for _, m := range members {
		out.standbys[m.id] = &Standbys{Moving: map[int32]int64{}}
		a.standbys = max(a.standbys, m.standbys)
	}
	a.standbys = min(a.standbys, len(members)-1)
	var busy, idle []int32
	for _, s := range slices.Sorted(slices.Values(slots)) {
		if a.tasks(s) > 0 {
			busy = append(busy, s)
		} else {
			idle = append(idle, s)
		}
	}
	for _, class := range [][]int32{busy, idle} {
		a.lost = a.share(class) || a.lost
		a.balance(class)
	}
	a.copies(slices.Concat(busy, idle), out.standbys)
	for slot, to := range a.moving {
		out.standbys[to].Moving[slot] = a.state(a.owner[slot], slot)
		if !slices.Contains(out.standbys[to].Slots, slot) {
			out.standbys[to].Slots = append(out.standbys[to].Slots, slot)
		}
	}
	// A slot that its former owner may still have is given in the next round, when that one has let it go.
	for slot, to := range a.owner {
		for _, m := range members {
			if _, held := m.owned[slot]; held && m.id != to {
				delete(a.owner, slot)
				out.standbys[to].Slots = append(out.standbys[to].Slots, slot) // its copy must not grow old meanwhile
				break
			}
		}
	}
	return out
}

type allotter struct {
	members  []contender
	standbys int
	lost     bool // slots have no owner, and others have
	owner    map[int32]string
	moving   map[int32]string // slots that are to move when the copy is good
}

func (a *allotter) tasks(slot int32) (n int) {
	for _, m := range a.members {
		n = max(n, m.load[slot].Tasks)
	}
	return n
}

func (a *allotter) state(member string, slot int32) int64 {
	for _, m := range a.members {
		if m.id == member {
			return m.load[slot].State
		}
	}
	return 0
}

// share allots the slots of a class to who has them or may have them at once. It says whether others go on that have some while one that had
// some is lost.
func (a *allotter) share(class []int32) (lost bool) {
	has := map[string]int{}
	var free []int32
	for _, s := range class {
		if id := a.claimant(s); id != "" {
			a.owner[s] = id
			has[id]++
		} else {
			free = append(free, s)
		}
	}
	for _, s := range free {
		most := a.most(s)
		best := slices.MinFunc(a.members, func(x, y contender) int {
			return cmp.Or(cmp.Compare(lack(x, s, most), lack(y, s, most)), cmp.Compare(has[x.id], has[y.id]),
				cmp.Compare(a.total(x.id), a.total(y.id)), cmp.Compare(x.id, y.id))
		})
		a.owner[s] = best.id
		has[best.id]++
	}
	return 0 < len(free) && len(free) < len(class)
}

func (a *allotter) total(member string) (n int) {
	for _, id := range a.owner {
		if id == member {
			n++
		}
	}
	return n
}

// claimant is the member that had the slot last; "" if nobody says so.
func (a *allotter) claimant(slot int32) string {
	best, at := "", int32(-2)
	for _, m := range a.members {
		if generation, ok := m.owned[slot]; ok && generation > at {
			best, at = m.id, generation
		}
	}
	return best
}

// balance moves slots of a class from those who have most to those who have least, until they differ by one.
func (a *allotter) balance(class []int32) {
	has := map[string]int{}
	for _, s := range class {
		has[a.owner[s]]++
	}
	for {
		by := func(x, y contender) int {
			return cmp.Or(cmp.Compare(has[x.id], has[y.id]), cmp.Compare(a.total(x.id), a.total(y.id)), cmp.Compare(x.id, y.id))
		}
		from, to := slices.MaxFunc(a.members, by), slices.MinFunc(a.members, by)
		if has[from.id]-has[to.id] < 2 {
			return
		}
		slot := a.pick(class, from.id, to)
		has[from.id]--
		has[to.id]++
		if a.warm(slot, to) {
			a.owner[slot] = to.id
		} else {
			a.moving[slot] = to.id // it counts as moved, or others would be asked to move instead
		}
	}
}

// pick chooses a slot to be moved: the one of which the new owner lacks least; without state the one farthest from those that it has, so that
// slots in a row, in which the partitions of a query lie, are spread.
func (a *allotter) pick(class []int32, from string, to contender) int32 {
	best, lacks, farthest := int32(-1), int64(0), -1
	for i, s := range class {
		if a.owner[s] != from || a.moving[s] != "" {
			continue
		}
		if state := to.load[s].State; state > 0 {
			if lack := a.state(from, s) - state; farthest >= 0 || best < 0 || lack < lacks {
				best, lacks, farthest = s, lack, -1
			}
			continue
		}
		if best >= 0 && farthest < 0 {
			continue // there is one with state
		}
		if d := a.distance(class, i, to.id); d > farthest {
			best, farthest = s, d
		}
	}
	return best
}

// distance is how many slots of a class, which is a circle, lie between one of them and the nearest of a member.
func (a *allotter) distance(class []int32, i int, member string) int {
	n := len(class)
	for d := 1; d <= n/2; d++ {
		for _, s := range []int32{class[(i+d)%n], class[(i-d+n)%n]} {
			if a.owner[s] == member || a.moving[s] == member {
				return d
			}
		}
	}
	return n
}

// warm says that a slot may go to a member at once. Where copies are kept no slot moves while others have lost their owner: a member begins with
// what it is given when it has handed over what it gives up, and those who wait are to wait for nothing else.
func (a *allotter) warm(slot int32, to contender) bool {
	return a.standbys == 0 || !a.lost && lack(to, slot, a.most(slot)) == 0
}

// most is the best state of a slot that there is.
func (a *allotter) most(slot int32) (state int64) {
	for _, m := range a.members {
		state = max(state, m.load[slot].State)
	}
	return state
}

// lack is what a member would have to read to have the best state of a slot; a little is nothing.
func lack(m contender, slot int32, most int64) int64 {
	return max(most-m.load[slot].State-warmLag, 0)
}

// copies says who keeps copies of each slot: as many as are wanted, never its owner, those first who have most of its state already. Then copies
// move until the slots of one owner are copied by all others in equal parts: they take them over when it dies.
func (a *allotter) copies(slots []int32, to map[string]*Standbys) {
	if a.standbys == 0 {
		return
	}
	of := map[string][]int32{}
	for _, s := range slots {
		of[a.owner[s]] = append(of[a.owner[s]], s)
	}
	for _, owner := range slices.Sorted(maps.Keys(of)) {
		others := slices.DeleteFunc(slices.Clone(a.members), func(m contender) bool { return m.id == owner })
		has := map[string][]int32{}
		fewest := func(x, y contender) int {
			return cmp.Or(cmp.Compare(len(has[x.id]), len(has[y.id])), cmp.Compare(len(to[x.id].Slots), len(to[y.id].Slots)), cmp.Compare(x.id, y.id))
		}
		for _, s := range of[owner] {
			slices.SortFunc(others, func(x, y contender) int {
				return cmp.Or(cmp.Compare(y.load[s].State, x.load[s].State), fewest(x, y))
			})
			for _, m := range others[:a.standbys] {
				has[m.id] = append(has[m.id], s)
			}
		}
		for {
			from, least := slices.MaxFunc(others, fewest), slices.MinFunc(others, fewest)
			if len(has[from.id])-len(has[least.id]) < 2 {
				break
			}
			// From has more than least, so that one of them least has not.
			i := slices.IndexFunc(has[from.id], func(s int32) bool { return !slices.Contains(has[least.id], s) })
			has[least.id] = append(has[least.id], has[from.id][i])
			has[from.id] = slices.Delete(has[from.id], i, i+1)
		}
		for id, list := range has {
			to[id].Slots = append(to[id].Slots, list...)
		}
	}
}

// warmed says that the copies of all slots that wait to move here are good enough.
func (s Standbys) warmed(load map[int32]SlotLoad) bool {
	for slot, state := range s.Moving {
		if load[slot].State+warmLag < state {
			return false
		}
	}
	return len(s.Moving) > 0
}
