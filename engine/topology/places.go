package topology

import (
	"slices"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// samePositions: a task finds its positions by query, sub-topology and partition, and by topic in them.
func samePositions(old, next *Topology) error {
	if len(old.Subs) != len(next.Subs) {
		return fail("replace.not-allowed.steps", "it is cut into %d parts by internal topics, and the old query into %d", len(next.Subs), len(old.Subs))
	}
	for i, s := range old.Subs {
		t := next.Subs[i]
		same := s.ID == t.ID && s.Partitions == t.Partitions && slices.EqualFunc(s.Inputs, t.Inputs, func(a, b Input) bool { return a.Topic == b.Topic })
		if !same {
			return fail("replace.not-allowed.steps", "the part %s of it has the place of the part %s, which reads other topics", t.ID, s.ID)
		}
	}
	return nil
}

// sameStores: a store is found by its name, and its bytes are read by the columns of its node. What the sides of joins hold was compared
// with the steps. Both have the same stores: the new one was built with the old one's names.
func sameStores(old, next *Topology) error {
	was, is := old.storesByID(), next.storesByID()
	for _, id := range old.Stores() {
		a, b := was[id], is[id]
		if a.Spec != b.Spec || a.Size != b.Size || a.Changelog != b.Changelog {
			return fail("replace.not-allowed.stored", "it keeps %s in another way, or for another time", id)
		}
		if x, y := nodeOf(old, a.Node), nodeOf(next, b.Node); old.ownRows(a) && !sameColumns(x, y) {
			return fail("replace.not-allowed.stored", "%s holds the columns %s, and it needs %s", id,
				columnNames(x, columnExprs(x)), columnNames(y, columnExprs(y)))
		}
	}
	return nil
}

func (t *Topology) storesByID() map[string]*Store {
	stores := map[string]*Store{}
	for _, s := range t.Subs {
		for i := range s.Stores {
			stores[s.Stores[i].ID] = &s.Stores[i]
		}
	}
	return stores
}

// ownRows says whether a store holds the rows that its node gives, not those of one of the node's inputs.
func (t *Topology) ownRows(st *Store) bool {
	for _, s := range t.Subs {
		if id, ok := s.StoreID(st.Node, ""); ok && id == st.ID {
			return true
		}
	}
	return false
}

// nodeOf finds a node of the plan; stores have the ids of nodes.
func nodeOf(t *Topology, id string) (found plan.Node) {
	plan.Walk(t.Root, func(n plan.Node) bool {
		if plan.IDOf(n) == id {
			found = n
		}
		return true
	})
	return found
}

// sameColumns compares the form of rows: roles and types in order, and where they come from.
func sameColumns(x, y plan.Node) bool {
	alike := func(a, b plan.OutColumn) bool { return a.Role == b.Role && types.Equal(a.Type, b.Type) }
	return slices.EqualFunc(x.Columns(), y.Columns(), alike) && sameExprs(x, y, columnExprs(x), columnExprs(y))
}

// sameRepartitions: rows of the old query are under way in repartition topics when the new one takes over.
func sameRepartitions(old, next *Topology) error {
	for _, s := range old.Subs {
		x, ok := s.Root.(*plan.Repartition)
		if !ok {
			continue
		}
		y, ok := nodeOf(next, x.ID).(*plan.Repartition)
		if !ok || !x.KeyFormat.Same(y.KeyFormat) || !sameColumns(x, y) {
			return fail("replace.not-allowed.stored", "rows under way in topic %s hold the columns %s, and it needs others", s.Output,
				columnNames(x, columnExprs(x)))
		}
	}
	return nil
}
