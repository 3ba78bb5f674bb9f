package wasm

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// instance is a module with a memory of its own. It belongs to one goroutine at a time.
type instance struct {
	*guard
	module api.Module
	call   api.Function
	alloc  api.Function
	memory api.Memory
	stderr *tail
	stack  []uint64 // of a call: its parameters, then its result
	used   bool     // a call has succeeded in it

	// The arguments' memory, which is the host's.
	args, capacity uint32
}

// startTimeout is how long an instance may take to begin: languages prepare their runtimes then.
const startTimeout = 2 * time.Second

func (m *Module) instantiate(ctx context.Context) (*instance, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	i := &instance{stderr: &tail{}, stack: make([]uint64, max(m.slots, 1))}
	var err error
	if i.module, err = m.runtime.InstantiateModule(ctx, m.compiled, world(i.stderr)); err != nil {
		return nil, fmt.Errorf("it does not start: %w", i.reason(err))
	}
	i.call, i.memory = i.module.ExportedFunction(m.def.Export), i.module.Memory()
	if m.alloc != "" {
		i.alloc = i.module.ExportedFunction(m.alloc)
	}
	i.guard = newGuard(i.module, m.def.Timeout)
	return i, nil
}

// close throws the instance away. The error is of closing files, of which there are none.
func (i *instance) close() { _ = i.module.Close(context.Background()) }

// reserve makes sure that the arguments' memory has n bytes. It asks for more than it needs, so that it seldom asks.
func (i *instance) reserve(n uint32) error {
	if i.capacity > 0 && n <= i.capacity { // no text at all has an address too
		return nil
	}
	n = max(minArgs, n+n/2)
	i.stack[0] = uint64(n)
	if err := i.alloc.CallWithStack(context.Background(), i.stack[:1]); err != nil {
		return err
	}
	at := uint32(i.stack[0])
	if _, ok := i.memory.Read(at, n); at == 0 || !ok {
		return fmt.Errorf("its allocator has no %d bytes for the arguments", n)
	}
	i.args, i.capacity = at, n
	return nil
}

const minArgs = 1 << 10

// errTimeout is the failure of a row that was stopped.
var errTimeout = errors.New("timeout")

// reason adds what the module said before it failed.
func (i *instance) reason(err error) error {
	if line, _, _ := strings.Cut(strings.TrimSpace(string(i.stderr.text)), "\n"); line != "" {
		return fmt.Errorf("%w: %s", reason(err), strings.ToValidUTF8(line, "?"))
	}
	return reason(err)
}

// reason shortens an error of the runtime to its first line: what follows is the module's stack.
func reason(err error) error {
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		if exit.ExitCode() == sys.ExitCodeDeadlineExceeded {
			return errTimeout
		}
		return fmt.Errorf("it ended itself with code %d", exit.ExitCode())
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	line, _, _ = strings.Cut(line, " (recovered by wazero)")
	return errors.New(strings.TrimPrefix(line, "wasm error: "))
}

// pool holds instances that serve no batch, at most as many as can run at a time.
type pool struct {
	mu   sync.Mutex
	idle []*instance
}

func (p *pool) take() *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	i := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return i
}

func (p *pool) put(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= runtime.GOMAXPROCS(0) {
		i.close()
		return
	}
	p.idle = append(p.idle, i)
}
