package wasm

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/assemblyscript"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

const (
	wasi = wasi_snapshot_preview1.ModuleName
	env  = "env"
)

// surround gives a runtime what modules may import: WASI, and what AssemblyScript's library asks for. It returns the names.
func surround(ctx context.Context, r wazero.Runtime) (map[string]bool, error) {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return nil, fmt.Errorf("prepare the imports: %w", err)
	}
	if _, err := assemblyscript.Instantiate(ctx, r); err != nil {
		return nil, fmt.Errorf("prepare the imports: %w", err)
	}
	names := map[string]bool{}
	for _, module := range []string{wasi, env} {
		for name := range r.Module(module).ExportedFunctionDefinitions() {
			names[module+"."+name] = true
		}
	}
	return names, nil
}

// world is what an instance sees of the world: nothing that two instances could tell apart. Standard output is dropped; what is written
// to standard error ends in reasons of failures.
func world(stderr *tail) wazero.ModuleConfig {
	return wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").WithStderr(stderr).WithRandSource(noRandom{}).
		WithWalltime(func() (int64, int32) { return 946684800, 0 }, sys.ClockResolution(1)). // 2000-01-01
		WithNanotime(func() int64 { return 1 }, sys.ClockResolution(1))
}

// noRandom is a source of the same bytes for everybody. They are not all zero, which some libraries take for a failure.
type noRandom struct{}

func (noRandom) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)*167 + 13
	}
	return len(p), nil
}

// tail keeps the beginning of what was written to it last, as far as it matters to a reason.
type tail struct{ text []byte }

const maxTail = 256

func (t *tail) Write(p []byte) (int, error) {
	if room := maxTail - len(t.text); room > 0 {
		t.text = append(t.text, p[:min(room, len(p))]...)
	}
	return len(p), nil
}
