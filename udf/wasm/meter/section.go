package meter

import (
	"errors"
	"fmt"
	"math"
)

// What a module is given: an import.
const (
	Host  = "millrace"
	Pause = "pause"
)

// module is what the sections that were read say of a module.
type module struct {
	arities   []uint32 // of types: parameters and results
	functions []uint32 // their types: imported ones, then the module's own
	imported  uint32
	globals   uint32
	// escapes says that a function of the host can be called through a table.
	escapes bool

	check             check
	next              uint32 // the function of which the code is next
	cost              cost   // of the function that is read
	compiling, locals uint64 // of all functions so far
}

// section rewrites one. One that is not there is empty.
func (m *module) section(id byte, t *transcript) {
	switch absent := len(t.rest) == 0; {
	case id == sectionType:
		m.list(t, absent, m.funcType, 0x60, 0, 1, typeI32)
	case id == sectionImport:
		m.list(t, absent, m.imports, m.pause()...)
		m.imported = uint32(len(m.functions))
		m.next = m.imported
	case id == sectionGlobal:
		m.list(t, absent, m.global, typeI32, 1, opI32Const, 0, opEnd)
	case absent:
	case id == sectionFunction:
		m.list(t, false, m.declare)
	case id == sectionTable:
		left := uint32(maxTable)
		m.list(t, false, func(t *transcript) { left = table(t, left) })
	case id == sectionMemory:
		m.list(t, false, func(t *transcript) { t.limits() })
	case id == sectionExport:
		m.list(t, false, m.export)
	case id == sectionStart:
		m.function(t)
	case id == sectionElement:
		left := uint32(maxEntries)
		m.list(t, false, func(t *transcript) { left = m.elements(t, left) })
	case id == sectionCount:
		t.u32()
	case id == sectionCode:
		m.check = newCheck(m.imported, m.globals)
		m.list(t, false, m.body)
	case id == sectionData:
		m.list(t, false, m.data)
	}
}

// list rewrites a list of things, and adds one if there are bytes for it.
func (m *module) list(t *transcript, absent bool, each func(*transcript), added ...byte) {
	before, n := t.rest, uint32(0)
	if !absent {
		n = t.entries()
	}
	if len(added) > 0 {
		t.replace(before, appendNumber(nil, n+1)...)
	}
	for i := uint32(0); i < n && t.err == nil; i++ {
		each(t)
	}
	t.insert(t.rest, added...)
}

// pause is the import of Pause, a function without parameters that returns fuel.
func (m *module) pause() []byte {
	out := append(appendNumber(nil, uint32(len(Host))), Host...)
	out = append(appendNumber(out, uint32(len(Pause))), Pause...)
	return appendNumber(append(out, 0), uint32(len(m.arities)))
}

// funcType passes over a function's type.
func (m *module) funcType(t *transcript) {
	if form := t.byte(); form != 0x60 && t.err == nil {
		t.refuse(fmt.Errorf("it has a type, %#x, that is not run", form))
	}
	m.arities = append(m.arities, arity(t)+arity(t))
}

// arity passes over a function's parameters or its results: in WebAssembly 2.0 each is one byte.
func arity(t *transcript) uint32 {
	n := t.u32()
	if n > maxArity {
		t.refuse(fmt.Errorf("it has a type with %d parameters or results: a function has %d at most", n, maxArity))
	}
	t.take(n)
	return n
}

// declare takes the type of a function.
func (m *module) declare(t *transcript) { m.functions = append(m.functions, m.typeIndex(t)) }

func (m *module) typeIndex(t *transcript) uint32 { return t.index(uint32(len(m.arities)), "type") }

// imports counts functions and globals: the module's own are numbered behind them.
func (m *module) imports(t *transcript) {
	t.take(t.u32()) // module
	t.take(t.u32()) // name
	switch t.byte() {
	case 0:
		m.declare(t)
	case 1: // table, of a kind
		t.byte()
		t.limits()
	case 2: // memory
		t.limits()
	case 3: // type, and whether it changes
		m.globals++
		t.take(2)
	default:
		t.refuse(errors.New("it has an import of a kind that is not run"))
	}
}

// table gives one a largest size. So many elements all that follow may have together.
func table(t *transcript, left uint32) uint32 {
	before := t.rest
	kind, flags, least := t.byte(), t.byte(), t.u32()
	most := uint32(math.MaxUint32)
	if flags&1 != 0 {
		most = t.u32()
	}
	switch {
	case most < least:
		t.refuse(fmt.Errorf("it has a table of %d elements at least and %d at most", least, most))
	case flags > 1:
		t.refuse(errors.New("it has a table of a kind that is not run"))
	case least > left:
		t.refuse(fmt.Errorf("its tables have more than %d elements", maxTable))
	}
	t.replace(before, appendNumber(appendNumber([]byte{kind, 1}, least), min(most, left))...)
	return left - least
}

func (m *module) global(t *transcript) {
	t.take(2) // type, and whether it changes
	m.constant(t)
	m.globals++
}

func (m *module) export(t *transcript) {
	t.take(t.u32()) // name
	switch t.byte() {
	case 0:
		m.refer(t) // the code may take a reference to it
	case 3:
		t.index(m.globals, "global")
	default:
		t.number()
	}
}

// function takes the number of a function, and writes what it is now.
func (m *module) function(t *transcript) uint32 {
	before := t.rest
	f := t.index(uint32(len(m.functions)), "function")
	if f >= m.imported {
		t.replace(before, appendNumber(nil, f+1)...)
	}
	return f
}

// refer is function for one that may be called through a table then.
func (m *module) refer(t *transcript) {
	if m.function(t) < m.imported {
		m.escapes = true
	}
}

// elements passes over what a table begins with, of which there may be so many yet.
func (m *module) elements(t *transcript, left uint32) uint32 {
	flags := t.u32()
	if flags&1 == 0 { // it goes to a table
		if flags&2 != 0 {
			t.u32()
		}
		m.constant(t)
	}
	if flags&3 != 0 {
		t.byte() // of which kind they are
	}
	n := t.entries()
	if n > left {
		t.refuse(fmt.Errorf("its tables begin with more than %d elements", maxEntries))
		return 0
	}
	for i := uint32(0); i < n && t.err == nil; i++ {
		if flags&4 != 0 {
			m.constant(t)
		} else {
			m.refer(t)
		}
	}
	return left - n
}

// data passes over what memory begins with.
func (m *module) data(t *transcript) {
	flags := t.u32()
	if flags&2 != 0 {
		t.u32() // which memory
	}
	if flags&1 == 0 {
		m.constant(t)
	}
	t.take(t.u32())
}

// constant rewrites an expression.
func (m *module) constant(t *transcript) {
	for t.err == nil {
		if op, _ := m.instruction(t); op == opEnd {
			return
		}
	}
}
