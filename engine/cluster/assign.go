package cluster

import (
	"hash/fnv"
	"strconv"
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
	h := fnv.New32a()
	_, _ = h.Write([]byte(id.Query + "/" + id.Sub)) // never fails
	return int32((uint64(h.Sum32()) + uint64(id.Partition)) % uint64(slots))
}
