package engine

import "fmt"

const (
	defaultMemory = 1 << 30
	leastMemory   = 64 << 20
)

// budget is how a server's memory is shared. The parts are what is counted, and make up nine sixteenths of it. The rest is for what is not: code and
// catalogs, models, the copies that a commit makes on its way to Kafka, records that were fetched and not taken yet, garbage.
type budget struct {
	state        int // of queries, committed and not on disk yet
	inputs       int // records that wait in tasks, as for the other side of a join
	transactions int // what is changed and written between two commits
	tables       int // of the store on disk, which flushes fill
	operators    int // groups that aggregations keep at hand
}

// share splits a budget of so many bytes.
func share(bytes int64) (budget, error) {
	if bytes < leastMemory {
		return budget{}, fmt.Errorf("engine: %d bytes of memory: a server needs %d", bytes, leastMemory)
	}
	n := int(bytes)
	return budget{state: n / 4, inputs: n / 8, transactions: n / 16, tables: n / 16, operators: n / 16}, nil
}
