package wasm

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// guard stops a call that takes too long, by closing its instance. A timer ticks as often as the time that a row may take, while a batch
// is served: what runs at two ticks in a row is stopped. So a row has its time once at least and twice at most, and a call
// costs two atomic operations instead of a timer or a goroutine.
type guard struct {
	module  api.Module
	timeout time.Duration
	timer   *time.Timer
	// call is the number of the call in progress; 0: none; stopped: it was stopped.
	call atomic.Int64
	seen atomic.Int64 // at the last tick
	busy atomic.Bool  // a batch is served
	next int64        // the number of the last call; the caller's
}

const stopped = -1

func newGuard(m api.Module, timeout time.Duration) *guard {
	g := &guard{module: m, timeout: timeout}
	g.timer = time.AfterFunc(time.Hour, g.tick)
	g.timer.Stop()
	return g
}

// watch starts the ticks of a batch, rest ends them.
func (g *guard) watch() {
	g.busy.Store(true)
	g.timer.Reset(g.timeout)
}

func (g *guard) rest() {
	g.busy.Store(false)
	g.timer.Stop()
}

// begin says that a call begins.
func (g *guard) begin() {
	g.next++
	g.call.Store(g.next)
}

// end says that the call has ended. It is false if the call was stopped: whatever it returned comes too late.
func (g *guard) end() bool { return g.call.CompareAndSwap(g.next, 0) }

func (g *guard) tick() {
	call := g.call.Load()
	if call == stopped || !g.busy.Load() {
		return
	}
	if call != 0 && call == g.seen.Swap(call) && g.call.CompareAndSwap(call, stopped) {
		// The error is of closing files, of which there are none.
		_ = g.module.CloseWithExitCode(context.Background(), sys.ExitCodeDeadlineExceeded)
		return
	}
	g.timer.Reset(g.timeout)
}
