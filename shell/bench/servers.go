package bench

import (
	"context"
	"fmt"
)

// spreadPartitions are enough for each of three servers to have four.
const spreadPartitions = 12

// spread are the queries measured on several servers: without a topic between, and with one.
var spread = append(queries[:2:2], query{
	"count behind a repartition topic",
	`CREATE TABLE bench WITH (KAFKA_TOPIC='%s') AS SELECT bidder, COUNT(*) AS bids FROM bids WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY bidder EMIT CHANGES;`,
})

// Servers runs each query in services of one server, two and three over the same bids, and prints what being many costs: they have the
// same processors, so that nothing is gained.
func Servers(ctx context.Context, o Options, records, rounds int) error {
	if records < 1 || rounds < 1 {
		return fmt.Errorf("measure servers: %d rounds of %d records: both must be positive", rounds, records)
	}
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	topic, err := r.load(ctx, records, spreadPartitions)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "%d records in %d partitions, the best of %d rounds\n", records, spreadPartitions, rounds)
	fmt.Fprintf(o.Out, "%8s %14s %14s %16s %12s %16s\n", "servers", "records/s", "per CPU-second", "times one server", "transactions", "peak memory, MB")
	for _, q := range spread {
		fmt.Fprintln(o.Out, q.name)
		if err := r.compareSizes(ctx, q, topic, records, rounds); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
	}
	return nil
}

// compareSizes takes the sizes in turn, so that what else the machine does falls on all alike.
func (r *rig) compareSizes(ctx context.Context, q query, topic string, records, rounds int) error {
	var best [3]consumption
	for range rounds {
		for i := range best {
			c, err := r.spread(ctx, q, topic, records, i+1)
			if err != nil {
				return fmt.Errorf("%d servers: %w", i+1, err)
			}
			if c.perCPU() > best[i].perCPU() || best[i].records == 0 {
				best[i] = c
			}
		}
	}
	for i, c := range best {
		fmt.Fprintf(r.Out, "%8d %14.0f %14.0f %16.2f %12.0f %16d\n", i+1, c.records/c.wall.Seconds(), c.perCPU(), c.perCPU()/best[0].perCPU(), c.commits, c.peak>>20)
	}
	return nil
}

// spread runs a query to the end of its input in a fresh service of so many servers.
func (r *rig) spread(ctx context.Context, q query, topic string, records, size int) (consumption, error) {
	f, err := r.fleet(ctx, size)
	if err != nil {
		return consumption{}, err
	}
	defer r.stop(f...)
	m := q.over(topic)
	m.name = fmt.Sprintf("%s, %d servers", q.name, size)
	return r.consumeBy(ctx, f, m, records, 0)
}
