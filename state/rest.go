package state

// Rest gives back the memory that stores keep for the next transaction, since none is near. Nothing that was written is forgotten.
func (t *Task) Rest() {
	for _, s := range t.stores {
		if s.open.len() == 0 {
			s.open = newLayer(0, 0)
		}
	}
}
