package bench

import (
	"context"
	"fmt"
	"slices"
)

// Guarantee runs each query under both guarantees in turn, so that what else the machine does falls on both alike, and compares how
// many records the server takes per second of its CPU time.
func Guarantee(ctx context.Context, o Options, records, pairs int) error {
	if records < 1 || pairs < 1 {
		return fmt.Errorf("measure guarantees: %d pairs of %d records: both must be positive", pairs, records)
	}
	r, err := openRig(ctx, o)
	if err != nil {
		return err
	}
	defer r.close()
	topic, err := r.load(ctx, records, bidPartitions)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "exactly_once_v2 / at_least_once, records per CPU-second of the server, %d records, commits every 100 ms\n", records)
	var lines []string
	for _, q := range queries {
		line, err := r.compare(ctx, q, topic, records, pairs)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		lines = append(lines, line)
	}
	fmt.Fprintln(o.Out)
	for _, l := range lines {
		fmt.Fprintln(o.Out, l)
	}
	return nil
}

// compare prints the pairs of one query and returns a line that sums them up.
func (r *rig) compare(ctx context.Context, q query, topic string, records, pairs int) (string, error) {
	fmt.Fprintf(r.Out, "\n%-8s %6s %14s %14s %20s %14s\n", q.name, "ratio", "exactly once", "at least once", "transactions", "seconds")
	ratios := make([]float64, 0, pairs)
	for range pairs {
		var c [2]consumption
		for i, guarantee := range []string{"exactly_once_v2", "at_least_once"} {
			var err error
			if c[i], err = r.consume(ctx, q, topic, records, records/10, guarantee); err != nil {
				return "", fmt.Errorf("%s: %w", guarantee, err)
			}
		}
		ratios = append(ratios, c[0].perCPU()/c[1].perCPU())
		fmt.Fprintf(r.Out, "%-8s %6.3f %14.0f %14.0f %9.0f / %8.0f %6.1f / %5.1f\n", "", ratios[len(ratios)-1], c[0].perCPU(), c[1].perCPU(),
			c[0].commits, c[1].commits, c[0].wall.Seconds(), c[1].wall.Seconds())
	}
	slices.Sort(ratios)
	return fmt.Sprintf("%s: median ratio %.3f of %d pairs, quartiles %.3f to %.3f, all %.3f to %.3f", q.name,
		quantile(ratios, 0.5), pairs, quantile(ratios, 0.25), quantile(ratios, 0.75), ratios[0], ratios[pairs-1]), nil
}
