package wasm

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/millrace/millrace/udf/wasm/meter"
)

// twins run modules twice: as the file is, and rewritten.
type twins struct{ plain, metered wazero.Runtime }

// newTwins has rewritten modules pause whenever they have spent so much: the less, the more often.
func newTwins(t testing.TB, fuel uint64) *twins {
	t.Helper()
	ctx := context.Background()
	w := &twins{plain: wazero.NewRuntime(ctx), metered: wazero.NewRuntime(ctx)}
	t.Cleanup(func() { _, _ = w.plain.Close(ctx), w.metered.Close(ctx) })
	_, err := w.metered.NewHostModuleBuilder(meter.Host).NewFunctionBuilder().WithFunc(func() uint32 { return uint32(fuel) }).
		Export(meter.Pause).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []wazero.Runtime{w.plain, w.metered} {
		if _, err := surround(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// twin is one module, as both are.
type twin struct{ plain, metered api.Module }

// start makes both. They must both be refused, or none; nil: they are.
func (w *twins) start(t testing.TB, file []byte) *twin {
	t.Helper()
	ctx, config := context.Background(), world(&tail{})
	begin := func(r wazero.Runtime, file []byte) (api.Module, error) {
		compiled, err := r.CompileModule(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("compile: %w", err)
		}
		return r.InstantiateModule(ctx, compiled, config)
	}
	plain, err := begin(w.plain, file)
	rewritten, refused := meter.Bound(file)
	var metered api.Module
	if refused == nil {
		metered, refused = begin(w.metered, rewritten)
	}
	notes := err != nil && strings.Contains(err.Error(), "section custom") // which are left out
	if (err == nil) != (refused == nil) && !notes {
		t.Errorf("the file as it is: %v; rewritten: %v", err, refused)
	}
	if err != nil || refused != nil {
		return nil
	}
	return &twin{plain, metered}
}

// call calls an export of both, which must do the same. It returns the results.
func (w *twin) call(t testing.TB, export string, args ...uint64) ([]uint64, error) {
	t.Helper()
	f, g := w.plain.ExportedFunction(export), w.metered.ExportedFunction(export)
	if f == nil || g == nil {
		t.Errorf("%s is not there", export)
		return nil, nil
	}
	want, err := f.Call(context.Background(), args...)
	got, failed := g.Call(context.Background(), args...)
	if fmt.Sprint(got) != fmt.Sprint(want) || (err == nil) != (failed == nil) || err != nil && reason(err).Error() != reason(failed).Error() {
		t.Errorf("%s%x: got %x, %v, want %x, %v", export, args, got, failed, want, err)
	}
	return want, err
}

// callAll calls all exports but some with a few small numbers.
func (w *twin) callAll(t testing.TB, but ...string) {
	t.Helper()
	exports := w.plain.ExportedFunctionDefinitions()
	for _, name := range slices.Sorted(maps.Keys(exports)) {
		for n := uint64(0); n < 4 && !slices.Contains(but, name); n++ {
			args := make([]uint64, len(exports[name].ParamTypes()))
			for i := range args {
				args[i] = 3 * n
			}
			_, _ = w.call(t, name, args...)
		}
	}
}

// end closes both. What they leave behind must be the same.
func (w *twin) end(t testing.TB) {
	t.Helper()
	if a, b := w.plain.Memory(), w.metered.Memory(); !reflect.ValueOf(a).IsNil() { // a nil pointer where there is no memory
		want, _ := a.Read(0, a.Size())
		if got, _ := b.Read(0, b.Size()); !bytes.Equal(got, want) {
			t.Errorf("memory of %d bytes differs from memory of %d", len(got), len(want))
		}
	}
	ctx := context.Background()
	_, _ = w.plain.Close(ctx), w.metered.Close(ctx)
}
