package wasm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

var tests = wazero.NewCompilationCache()

// def is a version of a function that has all the time there may be.
func def(export string, returns *types.Type, params ...*types.Type) *catalog.FunctionVersion {
	d := &catalog.FunctionVersion{Name: strings.ToUpper(export), Export: export, Returns: returns, Timeout: MaxTimeout, Memory: 4 << 20}
	for i, t := range params {
		d.Params = append(d.Params, types.Field{Name: fmt.Sprintf("P%d", i), Type: t})
	}
	return d
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustLoad(t testing.TB, name string, d *catalog.FunctionVersion) *Module {
	t.Helper()
	m, err := load(context.Background(), tests, d, file(t, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m
}

// results evaluates rows and prints each result, NULL, or its failure.
func results(t testing.TB, m *Module, rows ...[]any) []string {
	t.Helper()
	args := make([]*vector.Vector, len(m.def.Params))
	for p, f := range m.def.Params {
		args[p] = vector.New(f.Type)
		for _, r := range rows {
			args[p].Append(r[p])
		}
	}
	out := vector.New(m.def.Returns)
	sel := make([]int32, len(rows))
	for i := range rows {
		sel[i] = int32(i)
		if !isText(m.returns) {
			out.AppendNull()
		}
	}
	out.Nulls = nil
	list := make([]string, len(rows))
	patience := maxStopped
	err := m.Call(args, sel, out, func(row int, err error) {
		out.Nulls = out.Nulls.Set(row)
		list[row] = err.Error()
	}, &patience)
	if err != nil {
		t.Fatal(err)
	}
	if isText(m.returns) {
		out.PadTo(len(rows))
	}
	for i := range rows {
		if list[i] == "" {
			list[i] = types.Text(out.Value(i), m.def.Returns)
		}
	}
	return list
}

func same(t testing.TB, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n\t%.1000s\nwant\n\t%.1000s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
