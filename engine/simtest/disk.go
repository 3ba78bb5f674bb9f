package simtest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/millrace/millrace/engine/kafka"
	"github.com/millrace/millrace/state"
)

// Disk is a server's durable state. It outlives the processes that use it.
type Disk struct {
	mu      sync.Mutex
	shelves map[string]*shelf
}

// shelf is one partition of a store. Its rows are replaced, never changed, so that a snapshot is the slice.
type shelf struct {
	name     string
	rows     []row
	position state.Position
	placed   bool
}

type row struct{ key, value []byte }

// NewDisk is an empty disk.
func NewDisk() *Disk { return &Disk{shelves: map[string]*shelf{}} }

// Lose forgets stores as a broken file does: one with its position, or all.
func (d *Disk) Lose(plan *Plan) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := slices.Sorted(maps.Keys(d.shelves))
	if len(names) == 0 {
		return
	}
	if n := plan.intn("lose", len(names)+1); n < len(names) {
		delete(d.shelves, names[n])
		return
	}
	clear(d.shelves)
}

// mount gives a process the disk. It implements [cluster.Store].
type mount struct {
	*Disk
	c *Conn
}

// Partition implements [state.Durable].
func (m mount) Partition(store string, partition int32) (state.Partition, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := fmt.Sprintf("%s#%d", store, partition)
	if m.shelves[name] == nil {
		m.shelves[name] = &shelf{name: name}
	}
	return part{m, name}, nil
}

// Flush implements [state.Durable].
func (m mount) Flush(ctx context.Context, items []state.FlushItem) error {
	// Between the entries' sync and the positions lies a second point: DieAfter of the first is that.
	who := items[0].Partition.(part).name
	way, err := m.c.request(ctx, "flush", who, Lost, Torn, Told, DieBefore, DieTorn, DieAfter)
	if err != nil {
		return fmt.Errorf("flush: %w", errInjected)
	}
	m.mu.Lock()
	for _, it := range items {
		m.put(it, way == Torn || way == DieTorn)
	}
	m.mu.Unlock()
	switch way {
	case Torn, Told:
		return fmt.Errorf("flush: %w", errInjected)
	case DieTorn, DieAfter:
		m.c.Die()
		return errDead
	}
	way, err = m.c.request(ctx, "position", who, Lost, Told, DieBefore, DieAfter)
	if err != nil {
		return fmt.Errorf("write positions: %w", errInjected)
	}
	m.mu.Lock()
	for _, it := range items {
		s := m.at(it.Partition.(part).name)
		s.position, s.placed = it.Position, true
	}
	m.mu.Unlock()
	if err := m.c.after("position", way); err != nil {
		return fmt.Errorf("write positions: %w", errInjected)
	}
	return nil
}

func (d *Disk) at(name string) *shelf {
	if d.shelves[name] == nil {
		d.shelves[name] = &shelf{name: name}
	}
	return d.shelves[name]
}

// put writes entries, or about half of them.
func (m mount) put(it state.FlushItem, torn bool) {
	s := m.at(it.Partition.(part).name)
	rows := slices.Clone(s.rows)
	for key, value := range it.Entries {
		if torn && m.c.plan.intn(m.c.who("torn", s.name), 2) == 0 {
			continue
		}
		i, ok := find(rows, key)
		switch {
		case ok && value == nil:
			rows = slices.Delete(rows, i, i+1)
		case ok:
			rows[i] = row{clone(key), clone(value)}
		case value != nil:
			rows = slices.Insert(rows, i, row{clone(key), clone(value)})
		}
	}
	s.rows = rows
}

func find(rows []row, key []byte) (int, bool) {
	return slices.BinarySearchFunc(rows, key, func(r row, k []byte) int { return bytes.Compare(r.key, k) })
}

// Drop implements [cluster.Store].
func (m mount) Drop(string) error { return nil }

// Stores implements [cluster.Store].
func (m mount) Stores() []string { return nil }

// Sweep implements [cluster.Store].
func (m mount) Sweep() (bool, error) { return false, nil }

// DiskBytes implements [cluster.Store].
func (m mount) DiskBytes(of []state.StorePartition) []int64 { return make([]int64, len(of)) }

// Reset implements [cluster.Store].
func (m mount) Reset() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.shelves)
	return nil
}

// part implements [state.Partition].
type part struct {
	m    mount
	name string
}

func (p part) Snapshot() state.Snapshot {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	return snapshot{p.m.at(p.name).rows}
}

func (p part) Position() (state.Position, bool, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	s := p.m.at(p.name)
	return s.position, s.placed, nil
}

func (p part) Clear(ctx context.Context) error {
	if err := p.m.c.plain(ctx, "clear", p.name); err != nil {
		return err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	p.m.shelves[p.name] = &shelf{name: p.name}
	return nil
}

// snapshot implements [state.Snapshot].
type snapshot struct{ rows []row }

func (s snapshot) Close() {}

func (s snapshot) Get(key, dst []byte) ([]byte, bool, error) {
	i, ok := find(s.rows, key)
	if !ok {
		return dst, false, nil
	}
	return append(dst, s.rows[i].value...), true, nil
}

func (s snapshot) Iterate(from []byte) (state.Iterator, bool, error) {
	i, _ := find(s.rows, from)
	return &iterator{s.rows[i:]}, i < len(s.rows), nil
}

// iterator implements [state.Iterator].
type iterator struct{ rows []row }

func (it *iterator) Key() []byte            { return it.rows[0].key }
func (it *iterator) Value() ([]byte, error) { return it.rows[0].value, nil }
func (it *iterator) Close()                 {}

func (it *iterator) Next() (bool, error) {
	it.rows = it.rows[1:]
	return len(it.rows) > 0, nil
}

// holds says whether a store on disk is what its changelog says. Entries that a store derives from others are in no changelog.
func (d *Disk) holds(name string, records []kafka.Record, spec state.Spec) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	want := map[string]string{}
	for _, r := range records {
		want[string(r.Key)] = string(r.Value)
		if derived := spec.Derive(r.Key); derived != nil {
			want[string(derived)] = ""
		}
	}
	for _, r := range d.at(name).rows {
		if v, ok := want[string(r.key)]; !ok || v != string(r.value) {
			return fmt.Errorf("store %s has %q = %q, its changelog has %q (%v)", name, r.key, r.value, v, ok)
		}
		delete(want, string(r.key))
	}
	if len(want) > 0 {
		return fmt.Errorf("store %s lacks %q", name, want)
	}
	return nil
}
