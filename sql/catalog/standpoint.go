package catalog

// Definitions returns the catalog as it is now, and the offset of the command log below which all commands are in it.
type Definitions func() (*Catalog, int64)

// Since finds the offset of the last command below an offset that changed the definition with a name; false if there is no such
// definition any more.
type Since func(cat *Catalog, name string, below int64) (offset int64, ok bool)

// Standpoint is where in the command log a task stands with definitions of one kind, such as models: what the commands below its offset
// made is used, until the task, having committed a later offset, moves on. So a row meets the definitions that were committed before it,
// however often it is read again. A Standpoint belongs to one goroutine.
type Standpoint struct {
	now     Definitions
	since   Since
	start   int64 // where the query began
	at      int64
	follows map[string]bool
	kept    map[string]int64
}

// StandAt returns the standpoint of a query that was created at an offset.
func StandAt(start int64, now Definitions, since Since) Standpoint {
	return Standpoint{now: now, since: since, start: start, at: start, follows: map[string]bool{}}
}

// Catalog is the one as it is now. What stands in it for the standpoint is found by [Standpoint.At].
func (s *Standpoint) Catalog() *Catalog {
	cat, _ := s.now()
	return cat
}

// Keep sets earlier offsets for what is used of definitions on rows that may be taken back.
func (s *Standpoint) Keep(kept map[string]int64) { s.kept = kept }

// Fixed is the offset whose definition is used on rows that may be taken back, however far the task has moved: where the query was created, unless
// the name has an earlier one.
func (s *Standpoint) Fixed(name string) int64 {
	if at, ok := s.kept[name]; ok {
		return at
	}
	return s.start
}

// At is the offset that the task stands at.
func (s *Standpoint) At() int64 { return s.at }

// Depend says that the task uses a definition as the standpoint has it.
func (s *Standpoint) Depend(name string) { s.follows[name] = true }

// Latest is the offset that the task should move to: behind the last command that changed a definition which it uses. It is 0 if it uses
// none.
func (s *Standpoint) Latest() int64 {
	if len(s.follows) == 0 {
		return 0
	}
	cat, applied := s.now()
	latest := s.start
	for name := range s.follows {
		if since, ok := s.since(cat, name, applied); ok && since < applied {
			latest = max(latest, since+1)
		}
	}
	return latest
}

// Behind says whether there is a definition that the task does not use yet.
func (s *Standpoint) Behind() bool { return s.Latest() > s.at }

// Move goes to an offset that was committed, on or back, and says whether that is another one. 0 is what tasks committed before
// definitions had versions.
func (s *Standpoint) Move(offset int64) (moved bool) {
	at := max(offset, s.start)
	moved = at != s.at
	s.at = at
	return moved
}
