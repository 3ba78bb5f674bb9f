package wasm

import (
	"context"
	"hash/fnv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/udf/wasm/meter"
)

const benchRows = 256 // of a batch

// perEach reports the time of one of so many things that a turn of the loop does.
func perEach(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), unit)
}

// BenchmarkCall is what a row costs: a call that does next to nothing, one that is given a text and gives one back, and one that works through
// a long text, beside the same work in Go.
func BenchmarkCall(b *testing.B) {
	card, long := "4111111111111111", strings.Repeat("0123456789abcdef", 64)
	for _, c := range []struct {
		name   string
		export string
		result *types.Type
		args   []any
	}{
		{"numbers", "add", types.Bigint, []any{int64(1), int32(2)}},
		{"text", "mask", types.String, []any{card}},
		{"kilobyte", "hash", types.Bigint, []any{long}},
	} {
		b.Run(c.name, func(b *testing.B) {
			params := make([]*types.Type, len(c.args))
			args := make([]*vector.Vector, len(c.args))
			rows := make([]int32, benchRows)
			for i, a := range c.args {
				params[i] = types.String
				switch a.(type) {
				case int64:
					params[i] = types.Bigint
				case int32:
					params[i] = types.Int
				}
				args[i] = vector.New(params[i])
				for r := range rows {
					rows[r] = int32(r)
					args[i].Append(a)
				}
			}
			m := mustLoad(b, "text.wasm", def(c.export, c.result, params...))
			out, patience := vector.New(c.result), maxStopped
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				if !isText(m.returns) {
					out.I64 = append(out.I64[:0], make([]int64, benchRows)...)
				}
				if err := m.Call(args, rows, out, func(_ int, err error) { b.Error(err) }, &patience); err != nil {
					b.Fatal(err)
				}
			}
			perEach(b, benchRows, "ns/row")
		})
	}
	b.Run("kilobyte-in-go", func(b *testing.B) {
		for b.Loop() {
			h := fnv.New64a()
			_, _ = h.Write([]byte(long))
		}
		perEach(b, 1, "ns/row")
	})
}

// BenchmarkStopChecks is what it costs that a function can be stopped: the same file as it is, as the server runs it, and as the runtime
// does where it asks whether to stop at each turn of a loop, and at no call; for each turn and for each call.
func BenchmarkStopChecks(b *testing.B) {
	const depth, calls = 8, 9841 // (3^9 - 1) / 2
	for _, c := range []struct {
		name, file, export string
		args               []uint64
		n                  int
	}{
		{"turn", "text.wasm", "hash", []uint64{0, page}, page}, // of the first page of its memory, whatever is there
		{"call", "calls.wasm", "calls", []uint64{depth}, calls},
	} {
		for _, how := range []string{"free", "metered", "asking"} {
			b.Run(c.name+"/"+how, func(b *testing.B) {
				ctx, code := context.Background(), file(b, c.file)
				r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCloseOnContextDone(how == "asking"))
				defer func() { _ = r.Close(ctx) }()
				err := metered(ctx, r)
				if how == "metered" && err == nil {
					code, err = meter.Bound(code)
				}
				if err != nil {
					b.Fatal(err)
				}
				m, err := r.Instantiate(ctx, code)
				if err != nil {
					b.Fatal(err)
				}
				f := m.ExportedFunction(c.export)
				for b.Loop() {
					if _, err := f.Call(ctx, c.args...); err != nil {
						b.Fatal(err)
					}
				}
				perEach(b, c.n, "ns/"+c.name)
			})
		}
	}
}
