package wasm

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/millrace/millrace/udf/wasm/meter"
)

// fuel is how many bytes of code run before the host is asked whether to go on: for ten microseconds or so, and a millisecond at the very worst, where
// each instruction waits for memory.
const fuel = 1 << 16

// metered gives a runtime what modules call that were rewritten; see package meter.
func metered(ctx context.Context, r wazero.Runtime) error {
	_, err := r.NewHostModuleBuilder(meter.Host).NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(pause), nil, i32).Export(meter.Pause).Instantiate(ctx)
	if err != nil {
		return fmt.Errorf("prepare the meter: %w", err)
	}
	return nil
}

// pause ends the call if the instance was closed meanwhile, or if there is no more time to start it; else there is fuel. Being here is
// what lets other goroutines run, and memory be collected.
func pause(ctx context.Context, m api.Module, stack []uint64) {
	if m.IsClosed() || ctx.Err() != nil {
		panic(sys.NewExitError(sys.ExitCodeDeadlineExceeded))
	}
	stack[0] = fuel
}
