package wasm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/udf/wasm/meter"
)

// What a function may ask for, and gets where it does not.
const (
	DefaultTimeout = 100 * time.Millisecond
	MinTimeout     = time.Millisecond
	MaxTimeout     = time.Second
	DefaultMemory  = 16 << 20
	MinMemory      = page
	MaxMemory      = 256 << 20

	page = 64 << 10
)

// Module is a version of a function, ready to be called. It is safe for concurrent use.
type Module struct {
	def *catalog.FunctionVersion
	code
	params  []types.Kind
	returns types.Kind
	slots   int    // of the call's stack
	alloc   string // the allocator's name; "": no parameter needs one
	idle    pool
}

// code is what a module is closed by.
type code struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

// close ends all instances. The errors are of closing files, of which there are none.
func (c code) close() {
	ctx := context.Background()
	if c.compiled != nil {
		_ = c.compiled.Close(ctx)
	}
	_ = c.runtime.Close(ctx)
}

// load compiles a module, unless the cache has its code, and shows that the function is there, by making the first instance. An error says what is wrong with
// the file.
func load(ctx context.Context, cache wazero.CompilationCache, def *catalog.FunctionVersion, file []byte) (_ *Module, err error) {
	file, err = meter.Bound(file)
	if err != nil {
		return nil, err
	}
	config := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2).
		WithMemoryLimitPages(uint32(def.Memory / page)).WithDebugInfoEnabled(false).
		WithCompilationCache(cache)
	m := &Module{def: def, returns: def.Returns.Kind}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	for _, p := range def.Params {
		m.params = append(m.params, p.Type.Kind)
	}
	defer func() {
		if p := recover(); p != nil { // what the runtime overlooks
			err = fmt.Errorf("the runtime fails on it: %v", p)
		}
		if err != nil {
			m.close()
		}
	}()
	if err := metered(ctx, m.runtime); err != nil {
		return nil, err
	}
	imports, err := surround(ctx, m.runtime)
	if err != nil {
		return nil, err
	}
	if m.compiled, err = m.runtime.CompileModule(ctx, file); err != nil {
		return nil, reason(err)
	}
	if err := m.check(imports); err != nil {
		return nil, err
	}
	first, err := m.instantiate(ctx)
	if err != nil {
		return nil, err
	}
	m.idle.put(first)
	return m, nil
}

// check compares what the module imports and exports with what it must.
func (m *Module) check(imports map[string]bool) error {
	functions := m.compiled.ImportedFunctions()
	for _, f := range functions[:len(functions)-1] { // the last one was given to it; see package meter
		if module, name, _ := f.Import(); !imports[module+"."+name] {
			return fmt.Errorf("it imports function %s of %s: a function has WASI's (%s), and nothing of it reaches out", name, module, wasi)
		}
	}
	if mem := m.compiled.ImportedMemories(); len(mem) > 0 {
		module, name, _ := mem[0].Import()
		return fmt.Errorf("it imports memory %s of %s: it must have its own", name, module)
	}
	exports := m.compiled.ExportedFunctions()
	if exports["_start"] != nil && exports["_initialize"] == nil {
		return errors.New("it is a program, since it exports _start: build it as a library, which its compiler calls a reactor or c-shared")
	}
	f := exports[m.def.Export]
	if f == nil {
		return fmt.Errorf("it exports no function %s: %s", m.def.Export, exported(exports))
	}
	params, results := m.signature()
	m.slots = max(len(params), len(results))
	if !slices.Equal(f.ParamTypes(), params) || !slices.Equal(f.ResultTypes(), results) {
		return fmt.Errorf("its function %s is %s, and SQL calls it as %s", m.def.Export, typesText(f.ParamTypes(), f.ResultTypes()), typesText(params, results))
	}
	return m.checkMemory(exports)
}

// checkMemory looks for what texts are passed in.
func (m *Module) checkMemory(exports map[string]api.FunctionDefinition) error {
	takes := slices.ContainsFunc(m.params, isText)
	if (takes || isText(m.returns)) && m.compiled.ExportedMemories()["memory"] == nil {
		return errors.New("it does not export its memory, in which a STRING or BYTES is passed")
	}
	if !takes {
		return nil
	}
	for _, name := range []string{"alloc", "malloc"} {
		if f := exports[name]; f != nil && slices.Equal(f.ParamTypes(), i32) && slices.Equal(f.ResultTypes(), i32) {
			m.alloc = name
			return nil
		}
	}
	return errors.New("it exports no function alloc or malloc from i32 to i32, which a parameter STRING or BYTES needs")
}

const maxNamed = 20

// exported names what a module has in place of what was asked for.
func exported(exports map[string]api.FunctionDefinition) string {
	names := slices.Sorted(maps.Keys(exports))
	if len(names) > maxNamed {
		names = append(names[:maxNamed], "...")
	}
	if len(names) == 0 {
		return "it exports none"
	}
	return "it exports " + strings.Join(names, ", ")
}

var i32 = []api.ValueType{api.ValueTypeI32}

// signature is what the definition is to WebAssembly.
func (m *Module) signature() (params, results []api.ValueType) {
	for _, k := range m.params {
		if params = append(params, valueType(k)); isText(k) {
			params = append(params, api.ValueTypeI32)
		}
	}
	if isText(m.returns) {
		return params, []api.ValueType{api.ValueTypeI64}
	}
	return params, []api.ValueType{valueType(m.returns)}
}

// Passable says whether a type can be that of a parameter or a result.
func Passable(t *types.Type) bool {
	switch t.Kind {
	case types.KindBoolean, types.KindInt, types.KindDate, types.KindTime, types.KindBigint, types.KindTimestamp, types.KindDouble,
		types.KindString, types.KindBytes:
		return true
	}
	return false
}

func valueType(k types.Kind) api.ValueType {
	switch k {
	case types.KindBigint, types.KindTimestamp:
		return api.ValueTypeI64
	case types.KindDouble:
		return api.ValueTypeF64
	}
	return api.ValueTypeI32
}

func isText(k types.Kind) bool { return k == types.KindString || k == types.KindBytes }

func typesText(params, results []api.ValueType) string {
	names := func(list []api.ValueType) string {
		out := make([]string, len(list))
		for i, t := range list {
			out[i] = api.ValueTypeName(t)
		}
		return "(" + strings.Join(out, ", ") + ")"
	}
	return names(params) + " -> " + names(results)
}
