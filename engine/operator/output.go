package operator

import "github.com/millrace/millrace/engine/record"

// Output collects the records that a task writes. Their bytes live in its arena until Reset.
type Output struct {
	Records []record.Out
	arena   []byte
	held    int // bytes of the updates that wait in coalescers
}

// recordBytes is about what a record takes beside its key and value.
const recordBytes = 128

// Bytes is about the memory that the next commit's records take, those included that are held back.
func (o *Output) Bytes() int { return len(o.arena) + o.held + recordBytes*len(o.Records) }

// Add takes a record whose bytes are not the output's own.
func (o *Output) Add(r record.Out) {
	r.Key, r.Value = o.own(r.Key), o.own(r.Value)
	o.Records = append(o.Records, r)
}

// own copies bytes into the arena; nil stays nil.
func (o *Output) own(b []byte) []byte {
	if b == nil {
		return nil
	}
	mark := len(o.arena)
	o.arena = append(o.arena, b...)
	return o.since(mark)
}

// Reset forgets the records, whose bytes are then used again.
func (o *Output) Reset() {
	clear(o.Records)
	o.Records, o.arena = o.Records[:0], o.arena[:0]
}

// Rest gives back the memory that is kept for more records, if there are none.
func (o *Output) Rest() {
	if len(o.Records) == 0 && o.held == 0 {
		o.Records, o.arena = nil, nil
	}
}

// since is what was appended to the arena from the mark on, capped so that nobody can grow into what follows. It is never nil, which
// would be null: a text or message may be empty.
func (o *Output) since(mark int) []byte {
	if mark == len(o.arena) {
		return []byte{}
	}
	return o.arena[mark:len(o.arena):len(o.arena)]
}

// coalescer keeps, per key, the last record of a commit. A key that was inserted and deleted within it leaves nothing.
type coalescer struct {
	out     *Output
	index   map[string]int
	records []pending
	arena   []byte // of the records' bytes; given away when they are drained
}

type pending struct {
	record.Out
	inserted bool // the first change of the key in this commit was an insert
	gone     bool
}

// add takes a record and copies its bytes; inserted says that the key is new.
func (c *coalescer) add(r record.Out, inserted bool) {
	r.Key, r.Value, r.PartitionKey = c.copy(r.Key), c.copy(r.Value), c.copy(r.PartitionKey)
	if c.index == nil {
		c.index = map[string]int{}
	}
	at, ok := c.index[string(r.Key)]
	if !ok {
		c.out.held += recordBytes
		c.index[string(r.Key)] = len(c.records)
		c.records = append(c.records, pending{Out: r, inserted: inserted, gone: inserted && r.Value == nil})
		return
	}
	p := &c.records[at]
	p.Out, p.gone = r, p.inserted && r.Value == nil
}

func (c *coalescer) copy(b []byte) []byte {
	if len(b) == 0 {
		return b // nil is null, empty is not
	}
	mark := len(c.arena)
	c.arena = append(c.arena, b...)
	c.out.held += len(b)
	return c.arena[mark:len(c.arena):len(c.arena)]
}

// drain passes the kept records on, in the order of each key's first change.
func (c *coalescer) drain() {
	for i := range c.records {
		if !c.records[i].gone {
			c.out.Records = append(c.out.Records, c.records[i].Out)
		}
	}
	c.reset()
}

func (c *coalescer) reset() {
	c.out.held -= len(c.arena) + recordBytes*len(c.records)
	clear(c.index)
	clear(c.records)
	c.records, c.arena = c.records[:0], nil
}
