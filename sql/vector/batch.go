package vector

// Op says what a row does to the table it belongs to. Streams hold inserts alone.
type Op uint8

// The operations. A changed row is UpdateBefore followed at once by UpdateAfter, where the reader of the batch asked
// for old values; otherwise UpdateAfter alone. Delete carries the old values where asked for, else the key alone.
const (
	Insert Op = iota
	UpdateBefore
	UpdateAfter
	Delete
)

// Header is one header of a Kafka record.
type Header struct {
	Key   string
	Value []byte // nil: null
}

// Batch is a run of rows in order. It belongs to the receiver until the call that passed it returns; the receiver may
// change Sel and nothing else.
type Batch struct {
	N    int       // rows held by the vectors
	Sel  []int32   // the rows that count, ascending; nil: all N
	Cols []*Vector // one a column of the plan node that produced the batch
	Time []int64   // row timestamps, ms since the epoch; len N
	Ops  []Op      // len N; nil: all Insert

	// NullKey and NullValue mark rows whose Kafka record had a null key or value; their key or value
	// columns are NULL. A row in NullValue of a table is a tombstone and has Op Delete.
	NullKey, NullValue Bitmap

	// Where the rows come from, for ROWPARTITION, ROWOFFSET and the processing log. Offset is nil behind operators
	// that make rows of their own (aggregates, joins).
	Partition int32
	Offset    []int64

	Headers [][]Header // len N, or nil where no row has headers
}

// Rows is the number of selected rows.
func (b *Batch) Rows() int {
	if b.Sel != nil {
		return len(b.Sel)
	}
	return b.N
}

// Row maps the i-th selected row to its row number.
func (b *Batch) Row(i int) int {
	if b.Sel != nil {
		return int(b.Sel[i])
	}
	return i
}

// Op of a row number.
func (b *Batch) Op(row int) Op {
	if b.Ops == nil {
		return Insert
	}
	return b.Ops[row]
}

// Each calls f for every selected row number in order.
func (b *Batch) Each(f func(row int)) {
	if b.Sel == nil {
		for r := range b.N {
			f(r)
		}
		return
	}
	for _, r := range b.Sel {
		f(int(r))
	}
}
