package cluster

import (
	"iter"
	"strconv"

	"github.com/millrace/millrace/engine/topology"
)

// TaskID names a task: partition of a sub-topology of a query's incarnation.
type TaskID struct {
	Query     string // incarnation
	Sub       string // sub-topology
	Partition int32
}

// String is the key of the task's slots record.
func (id TaskID) String() string {
	return id.Query + "/" + id.Sub + "/" + strconv.Itoa(int(id.Partition))
}

// SlotOf gives the slot that a task belongs to. Partitions of a sub-topology lie in slots one after the other, so that they spread.
// It is the same in all releases: the slots topic depends on it.
func SlotOf(id TaskID, slots int32) int32 {
	h := fnv1a(fnv1a(fnv1a(fnvBasis, id.Query), "/"), id.Sub)
	return int32((uint64(h) + uint64(id.Partition)) % uint64(slots))
}

// fnvBasis and fnv1a are the hash FNV-1a of 32 bits, of strings as they are: it is asked for every task whenever a query changes.
const fnvBasis = 2166136261

func fnv1a(h uint32, s string) uint32 {
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// tasks gives all tasks of a query, wherever they run.
func (q *query) tasks() iter.Seq2[TaskID, *topology.SubTopology] {
	return func(yield func(TaskID, *topology.SubTopology) bool) {
		for _, sub := range q.Topology.Subs {
			for p := range sub.Partitions {
				if !yield(TaskID{q.Topology.Query, sub.ID, p}, sub) {
					return
				}
			}
		}
	}
}

// partitionsIn gives the partitions of a sub-topology whose tasks belong to a slot.
func partitionsIn(slot, slots int32, query string, sub *topology.SubTopology) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		first := SlotOf(TaskID{Query: query, Sub: sub.ID}, slots)
		for p := (slot - first + slots) % slots; p < sub.Partitions; p += slots {
			if !yield(p) {
				return
			}
		}
	}
}
