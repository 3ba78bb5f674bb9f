package state

// View is one store of a task as of a commit, for readers on other goroutines: pull queries. It belongs to one goroutine and
// must be closed; while it is open the durable store keeps what it sees.
type View struct {
	spec  Spec
	r     reader
	clock clock
}

// View opens a store as the last commit left it. Any goroutine may call it, also while the task runs.
func (t *Task) View(id string) (*View, error) {
	for i, spec := range t.config.Specs {
		if spec.ID == id {
			return t.view(i, spec), nil
		}
	}
	return nil, &KindError{ID: id}
}

func (t *Task) view(i int, spec Spec) *View {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := t.published.Load().stores[i]
	v := &View{spec: spec, clock: s.clock}
	v.r = reader{committed: s.committed, partition: t.stores[i].partition, empty: s.empty}
	v.r.durable()
	return v
}

// Spec describes the store.
func (v *View) Spec() Spec { return v.spec }

// KeyValue reads a [KeyValue] store.
func (v *View) KeyValue() (KeyValueReader, error) {
	return keyValueReader{&v.r}, v.want(KeyValue)
}

// Window reads a [Window] store.
func (v *View) Window() (WindowReader, error) {
	return &windowReader{reader: &v.r, clock: &v.clock}, v.want(Window)
}

// Session reads a [Session] store.
func (v *View) Session() (SessionReader, error) {
	return &sessionReader{reader: &v.r, clock: &v.clock}, v.want(Session)
}

func (v *View) want(k Kind) error {
	if v.spec.Kind != k {
		return &KindError{ID: v.spec.ID, Want: k, Have: v.spec.Kind}
	}
	return nil
}

// Close releases the view and all values that it gave.
func (v *View) Close() { v.r.release() }
