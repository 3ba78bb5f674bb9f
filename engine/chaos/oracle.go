package chaos

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace/millrace/engine/kafka"
)

// Result is what the queries' outputs are, or ought to be, in a form that can be compared.
type Result struct {
	Big    map[string]int // filtered rows, with how often each is there
	Joined map[string]int
	Counts map[string]string // by user and window start: count and sum
}

// Expected computes the outputs from the committed input.
func (w Workload) Expected(ctx context.Context, c *kafka.Client) (Result, error) {
	regions := map[string]string{}
	err := w.read(ctx, c, "users", func(r *kafka.Record) error {
		var v struct{ Region string }
		err := json.Unmarshal(r.Value, &v)
		regions[string(r.Key)] = v.Region
		return err
	})
	if err != nil {
		return Result{}, err
	}
	out := Result{map[string]int{}, map[string]int{}, map[string]string{}}
	n, sum := map[string]int64{}, map[string]int64{}
	err = w.read(ctx, c, "events", func(r *kafka.Record) error {
		var v event
		if err := json.Unmarshal(r.Value, &v); err != nil {
			return err
		}
		if v.Amount%3 == 0 {
			out.Big[fmt.Sprint(string(r.Key), v.User, v.Amount, r.Timestamp)]++
		}
		if region, ok := regions[v.User]; ok {
			out.Joined[fmt.Sprint(string(r.Key), v.User, v.Amount, region, r.Timestamp)]++
		}
		window := fmt.Sprint(v.User, "@", r.Timestamp/WindowMillis*WindowMillis)
		n[window]++
		sum[window] += v.Amount
		return nil
	})
	for k := range n {
		out.Counts[k] = fmt.Sprint(n[k], "/", sum[k])
	}
	return out, err
}

// Actual reads the outputs back, committed records only. A count that does not grow from one record of its window to the next is an
// error: something was counted twice and taken back, or written out of order.
func (w Workload) Actual(ctx context.Context, c *kafka.Client) (Result, error) {
	out := Result{map[string]int{}, map[string]int{}, map[string]string{}}
	err := w.read(ctx, c, "big", func(r *kafka.Record) error {
		var v event
		err := json.Unmarshal(r.Value, &v)
		out.Big[fmt.Sprint(string(r.Key), v.User, v.Amount, r.Timestamp)]++
		return err
	})
	if err != nil {
		return out, err
	}
	err = w.read(ctx, c, "joined", func(r *kafka.Record) error {
		var v struct {
			ID     string
			Amount int64
			Region string
		}
		err := json.Unmarshal(r.Value, &v)
		out.Joined[fmt.Sprint(v.ID, string(r.Key), v.Amount, v.Region, r.Timestamp)]++
		return err
	})
	if err != nil {
		return out, err
	}
	last := map[string]int64{}
	return out, w.read(ctx, c, "counts", func(r *kafka.Record) error {
		var v struct{ N, Total int64 }
		if err := json.Unmarshal(r.Value, &v); err != nil {
			return err
		}
		if len(r.Key) < 8 {
			return fmt.Errorf("key %q has no window", r.Key)
		}
		cut := len(r.Key) - 8
		window := fmt.Sprint(string(r.Key[:cut]), "@", int64(binary.BigEndian.Uint64(r.Key[cut:])))
		if v.N <= last[window] {
			return fmt.Errorf("%s went from %d to %d", window, last[window], v.N)
		}
		last[window] = v.N
		out.Counts[window] = fmt.Sprint(v.N, "/", v.Total)
		return nil
	})
}

func (w Workload) read(ctx context.Context, c *kafka.Client, name string, f func(*kafka.Record) error) error {
	topic := w.Topic(name)
	info, err := c.DescribeTopic(topic)
	if err != nil {
		return err
	}
	r := c.NewReader()
	defer r.Close()
	for p := range info.Partitions {
		for b, err := range r.All(ctx, topic, p) {
			if err != nil {
				return err
			}
			for i := range b.Records {
				if err := f(&b.Records[i]); err != nil {
					return fmt.Errorf("%s partition %d offset %d: %w", topic, p, b.Records[i].Offset, err)
				}
			}
		}
	}
	return nil
}

// Differences lists what one result has and the other has not, at most a few of each kind.
func Differences(want, got Result) []string {
	var out []string
	out = append(out, differ("filter", want.Big, got.Big)...)
	out = append(out, differ("join", want.Joined, got.Joined)...)
	return append(out, differ("count", want.Counts, got.Counts)...)
}

func differ[V comparable](kind string, want, got map[string]V) []string {
	var out []string
	total := 0
	note := func(k string) {
		if total++; total <= 5 {
			out = append(out, fmt.Sprintf("%s: %s: want %v, got %v", kind, k, want[k], got[k]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if want[k] != got[k] {
			note(k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			note(k)
		}
	}
	if total > 5 {
		out = append(out, fmt.Sprintf("%s: %d differences in all", kind, total))
	}
	return out
}
