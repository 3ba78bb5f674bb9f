package engine

import (
	"context"
	"sync"
	"time"

	"github.com/millrace/millrace/udf/model"
)

// modelRoom bounds the memory of models that come in, whose files are read whole: all that come at one time are together no larger than
// the largest that there may be. The zero value is ready. It is safe for concurrent use.
type modelRoom struct {
	mu    sync.Mutex
	taken int64
	freed chan struct{} // closed when room is given back; nil: nobody waits
}

// modelPatience is how long a model waits for those that come in before it.
const modelPatience = 10 * time.Second

// take waits for room for n bytes. Whoever gets it calls release.
func (r *modelRoom) take(ctx context.Context, n int64) (release func(), err error) {
	full := time.NewTimer(modelPatience)
	defer full.Stop()
	for {
		r.mu.Lock()
		if r.taken+n <= model.DefaultMaxBytes {
			r.taken += n
			r.mu.Unlock()
			return func() { r.give(n) }, nil
		}
		if r.freed == nil {
			r.freed = make(chan struct{})
		}
		freed := r.freed
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-full.C:
			return nil, &StatementError{Code: CodeTooManyRequests, Rule: "model.busy", Message: "this server is reading other models: try again"}
		case <-freed:
		}
	}
}

func (r *modelRoom) give(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken -= n
	if r.freed != nil {
		close(r.freed)
		r.freed = nil
	}
}
