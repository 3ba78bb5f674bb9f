package operator

import "github.com/millrace/millrace/engine/record"

// Output collects the records that a task writes. Their bytes live in its arena until Reset.
type Output struct {
	Records []record.Out
	arena   []byte
}

// Reset forgets the records, whose bytes are then used again.
func (o *Output) Reset() {
	clear(o.Records)
	o.Records, o.arena = o.Records[:0], o.arena[:0]
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
	return c.arena[mark:len(c.arena):len(c.arena)]
}

// drain passes the kept records on, in the order of each key's first change.
func (c *coalescer) drain(to *Output) {
	for i := range c.records {
		if !c.records[i].gone {
			to.Records = append(to.Records, c.records[i].Out)
		}
	}
	c.reset()
}

func (c *coalescer) reset() {
	clear(c.index)
	clear(c.records)
	c.records, c.arena = c.records[:0], nil
}
