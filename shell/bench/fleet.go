package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/engine/child"
)

const ownedSlots = "millrace_slots"

// fleet is all servers of one service.
type fleet []*server

// fleet starts the servers of a new service. Whoever starts one calls stop.
func (r *rig) fleet(ctx context.Context, size int, flags ...string) (fleet, error) {
	first, err := r.start(ctx, flags...)
	if err != nil {
		return nil, err
	}
	f := fleet{first}
	for len(f) < size {
		s, err := r.join(ctx, len(f)+1, flags...)
		if err != nil {
			r.stop(f...)
			return nil, err
		}
		f = append(f, s)
	}
	return f, f.settle(ctx)
}

// settle waits until the servers have shared all slots evenly among them.
func (f fleet) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var shares []float64
	for {
		shares = shares[:0]
		for _, s := range f {
			m, err := s.api.Scrape(ctx)
			if err != nil {
				return fmt.Errorf("wait for the slots to be shared, now %v: %w", shares, err)
			}
			n, _ := m.Sum(ownedSlots) // none yet: 0
			shares = append(shares, n)
		}
		low, high := slices.Min(shares), slices.Max(shares)
		if low > 0 && high-low <= 1 {
			return nil
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the slots to be shared, now %v: %w", shares, err)
		}
	}
}

// usage adds up what the servers have used.
func (f fleet) usage(ctx context.Context) (usage, error) {
	sum := usage{metrics: child.Scrape{}}
	for _, s := range f {
		u, err := s.usage(ctx)
		if err != nil {
			return usage{}, err
		}
		sum.cpu += u.cpu
		for series, v := range u.metrics {
			sum.metrics[series] += v
		}
	}
	sum.at = time.Now()
	return sum, nil
}

// peak adds up the servers' peak memory, bytes.
func (f fleet) peak() (sum int64, err error) {
	for _, s := range f {
		n, err := s.Memory("VmHWM")
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}
