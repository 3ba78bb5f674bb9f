package task

import (
	"context"
	"sync"

	"github.com/millrace/millrace/udf/model"
)

// ErrInterrupted is wrapped by errors of a task that was interrupted: it is to be taken back to its last commit, and has not failed.
var ErrInterrupted = model.ErrInterrupted

// Interrupt ends what a query's tasks ask of others, such as model servers, when the query is to stop or to pause: nobody waits for an answer
// then. It is safe for concurrent use. A nil Interrupt never interrupts.
type Interrupt struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelFunc
}

// NewInterrupt returns one that lets tasks run.
func NewInterrupt() *Interrupt {
	i := &Interrupt{}
	i.ctx, i.cancel = context.WithCancel(context.Background())
	return i
}

// Context ends when tasks are interrupted.
func (i *Interrupt) Context() context.Context {
	if i == nil {
		return context.Background()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ctx
}

// Set interrupts the tasks, those too that ask later, or lets them run again.
func (i *Interrupt) Set(on bool) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if on {
		i.cancel()
	} else if i.ctx.Err() != nil {
		i.ctx, i.cancel = context.WithCancel(context.Background())
	}
}
