package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// IDs are the names that a query's state is kept under, and the topics that are its own. They are found once, when the query is made, and stand
// in its command: a later release builds the query with these names or not at all, however it would name things today. (The ids of
// sub-topologies and of what operators remember beside their stores are the ids of plan nodes, which stand in the plan.)
type IDs struct {
	Stores map[string]string `json:"stores,omitempty"` // by node/role, the role of nodes with one store being ""
	Topics map[string]string `json:"topics,omitempty"` // by node/kind, of a changelog by store/changelog
}

// IDError says that a stored query does not have the names that this program would use for it.
type IDError struct {
	Query   string
	Missing []string // what this program keeps and the record does not name
	Unused  []string // what the record names and this program does not keep
}

func (e *IDError) Error() string {
	var parts []string
	if len(e.Missing) > 0 {
		parts = append(parts, "this program would keep "+strings.Join(e.Missing, ", ")+", which its record does not name")
	}
	if len(e.Unused) > 0 {
		parts = append(parts, "its record names "+strings.Join(e.Unused, ", ")+", which this program would not keep")
	}
	return fmt.Sprintf("query %s was made by a release that keeps other state: %s; run the release that made it, or drop the query and create it again",
		e.Query, strings.Join(parts, "; "))
}

// named is the name in the record, or without a record the derived one. What the record lacks is collected for check.
func (b *builder) named(record func(*IDs) map[string]string, key, derived string) string {
	if b.o.IDs != nil {
		name, ok := record(b.o.IDs)[key]
		if !ok {
			b.missing = append(b.missing, key)
		} else {
			derived = name
		}
	}
	record(&b.topo.IDs)[key] = derived
	return derived
}

func storeNames(i *IDs) map[string]string { return i.Stores }
func topicNames(i *IDs) map[string]string { return i.Topics }

// checkNames compares the record with what was built.
func (b *builder) checkNames() error {
	if b.o.IDs == nil {
		return nil
	}
	var unused []string
	for _, names := range []func(*IDs) map[string]string{storeNames, topicNames} {
		for _, key := range slices.Sorted(maps.Keys(names(b.o.IDs))) {
			if _, ok := names(&b.topo.IDs)[key]; !ok {
				unused = append(unused, key)
			}
		}
	}
	if len(b.missing)+len(unused) == 0 {
		return nil
	}
	return &IDError{Query: b.o.Query, Missing: b.missing, Unused: unused}
}
