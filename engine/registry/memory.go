package registry

import (
	"fmt"
	"slices"
	"sync"
)

// Memory is a registry in memory. The zero value is empty.
type Memory struct {
	mu       sync.Mutex
	schemas  map[int]Schema
	ids      map[string]int   // by text
	subjects map[string][]int // versions
	last     int
}

// ByID implements Registry.
func (m *Memory) ByID(id int) (Schema, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.schemas[id]; ok {
		return s, nil
	}
	return Schema{}, fmt.Errorf("schema %d: %w", id, ErrNotFound)
}

// Latest implements Registry.
func (m *Memory) Latest(subject string) (int, Schema, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	versions := m.subjects[subject]
	if len(versions) == 0 {
		return 0, Schema{}, fmt.Errorf("subject %s: %w", subject, ErrNotFound)
	}
	id := versions[len(versions)-1]
	return id, m.schemas[id], nil
}

// Has implements Registry.
func (m *Memory) Has(subject string, id int) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.schemas[id]
	return ok && (subject == "" || slices.Contains(m.subjects[subject], id)), nil
}

// Register implements Registry.
func (m *Memory) Register(subject string, s Schema) (int, error) { return m.Put(subject, s, 0), nil }

// Put registers a schema under a number of the caller's choice; 0: under the next one, or the one that it has.
func (m *Memory) Put(subject string, s Schema, id int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.schemas == nil {
		m.schemas, m.ids, m.subjects = map[int]Schema{}, map[string]int{}, map[string][]int{}
	}
	if id == 0 {
		id = m.ids[s.text()]
	}
	if id == 0 {
		for m.last++; ; m.last++ {
			if _, taken := m.schemas[m.last]; !taken {
				break
			}
		}
		id = m.last
	}
	m.schemas[id], m.ids[s.text()] = s, id
	for _, v := range m.subjects[subject] {
		if v == id {
			return id
		}
	}
	m.subjects[subject] = append(m.subjects[subject], id)
	return id
}
