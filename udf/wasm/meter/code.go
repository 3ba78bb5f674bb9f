package meter

import (
	"errors"
	"fmt"
	"slices"
)

// maxStraight is how many bytes of code without calls run unmetered: they are over in a microsecond or so. Who calls them pays for them.
const maxStraight = 128

// body rewrites a function: its size, its local variables, its code.
func (m *module) body(t *transcript) {
	before := t.rest
	b := transcribe(t.take(t.u32()))
	if m.next == uint32(len(m.functions)) {
		t.refuse(errors.New("it has the code of more functions than it has"))
	}
	if t.err != nil {
		return
	}
	m.cost = cost{size: uint64(len(b.rest)), width: uint64(m.arities[m.functions[m.next]])}
	m.next++
	m.fits(b)
	m.variables(b)
	m.code(b)
	m.fits(b)
	m.compiles(b)
	code := b.end()
	if b.err != nil {
		t.refuse(b.err)
		return
	}
	t.replace(before, append(appendNumber(nil, uint32(len(code))), code...)...)
}

// variables passes over the declarations of a function's local variables.
func (m *module) variables(t *transcript) {
	for n := t.u32(); n > 0 && t.err == nil; n-- {
		m.cost.width += uint64(t.u32()) // how many, of which type
		t.byte()
	}
	if m.locals += m.cost.width; m.cost.width > maxLocals || m.locals > maxAllLocals {
		t.refuse(fmt.Errorf("it has too many local variables: a function has %d at most, and all together %d", maxLocals, maxAllLocals))
	}
}

// block is one that is open where code is read.
type block struct {
	price int    // where a loop's price is written; 0: it is no loop
	spent uint32 // before the block
}

// code meters a function; see the package.
func (m *module) code(t *transcript) {
	t.insert(t.rest) // the declarations
	entry, all := len(t.out), len(t.rest)
	t.insert(t.rest, m.check.spend...)
	metered, spent := all > maxStraight, uint32(0)
	open := []block{{}}
	for len(open) > 0 && t.err == nil {
		before := t.rest
		op, callee := m.instruction(t)
		spent += uint32(len(before) - len(t.rest))
		switch {
		case op == opLoop:
			t.insert(t.rest)
			open = append(open, block{price: len(t.out) + m.check.price, spent: spent})
			t.insert(t.rest, m.check.spend...)
			m.cost.branches += checkBranches
		case op == opBlock, op == opIf:
			open = append(open, block{})
		case op == opEnd:
			last := open[len(open)-1]
			if open = open[:len(open)-1]; last.price > 0 {
				putPrice(t.out[last.price:], spent-last.spent)
			}
		case op == opCall && callee >= m.imported, op == opCallIndirect && !m.escapes:
			metered, spent = true, spent+maxStraight
		case op == opCall, op == opCallIndirect, op == opMemoryGrow, isBulk(op):
			metered = metered || op == opCallIndirect
			t.insert(before, m.check.refuel...)
			t.insert(t.rest)
			m.cost.branches++
		}
	}
	switch {
	case t.err != nil:
		return
	case metered:
		putPrice(t.out[entry+m.check.price:], spent)
		m.cost.branches += checkBranches
	default:
		t.out = slices.Delete(t.out, entry, entry+len(m.check.spend))
	}
}
