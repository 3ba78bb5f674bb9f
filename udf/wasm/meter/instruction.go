package meter

import "fmt"

// Instructions, and what else the code is made of. Those behind a byte of their page have numbers of their own there.
const (
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opEnd          = 0x0b
	opCall         = 0x10
	opCallIndirect = 0x11
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI32LtS       = 0x48
	opI32Sub       = 0x6b
	opRefFunc      = 0xd2

	pageBulk  = 0xfc
	firstBulk = 8 // below are conversions of numbers
	pageSIMD  = 0xfd

	typeI32  = 0x7f
	noResult = 0x40 // of a block
)

// instruction rewrites one. It returns its code, in the lower byte behind that of its page if it is of one, and whom a call calls, by
// the number that the file has, and adds to the function's cost. It knows the instructions of WebAssembly 2.0, and refuses others as the
// runtime would.
func (m *module) instruction(t *transcript) (op, callee uint32) {
	op = uint32(t.byte())
	switch {
	case op == opCall:
		if callee = m.function(t); t.err == nil {
			m.cost.size += uint64(m.arities[m.functions[callee]])
		}
		return op, callee
	case op == opRefFunc:
		m.refer(t)
	case op == opGlobalGet, op == opGlobalSet:
		t.index(m.globals, "global")
	case op >= opBlock && op <= opIf:
		m.cost.branches++
		m.blockType(t)
	case op == 0x0c, op == 0x0d: // br, br_if
		m.cost.branches++
		t.number()
	case op == opCallIndirect:
		if typ := m.typeIndex(t); t.err == nil {
			m.cost.size += uint64(m.arities[typ])
		}
		t.number()
	case op >= 0x20 && op <= 0x26, op >= 0x3f && op <= 0x42, op == 0xd0: // variables and tables; size and growth, constants; null
		t.number()
	case op >= 0x28 && op <= 0x3e: // loads and stores
		t.numbers(2)
	case op == 0x0e: // br_table
		n := uint64(t.u32()) + 1
		m.cost.branches += n
		t.numbers(n)
	case op == 0x1c: // select of types
		t.take(t.u32())
	case op == 0x43: // f32.const
		t.take(4)
	case op == 0x44: // f64.const
		t.take(8)
	case op == pageBulk:
		if op = op<<8 | t.bulk(); isBulk(op) {
			m.cost.branches += bulkBranches
		}
	case op == pageSIMD:
		op = op<<8 | t.simd()
	case op <= 0x01, op == 0x05, op == opEnd, op == 0x0f, op == 0x1a, op == 0x1b, op >= 0x45 && op <= 0xc4, op == 0xd1:
	default:
		t.refuse(fmt.Errorf("it has an instruction, %#x, that is not run", op))
	}
	return op, 0
}

// blockType takes the type of a block off: one byte that is negative as a number, or the number of a type.
func (m *module) blockType(t *transcript) {
	if len(t.rest) > 0 && t.rest[0]&0xc0 == 0x40 {
		t.byte()
		return
	}
	if typ := m.typeIndex(t); t.err == nil {
		m.cost.width = max(m.cost.width, uint64(m.arities[typ]))
	}
}

// bulk takes the rest of an instruction that converts with saturation, or of one on memory or tables as a whole.
func (r *reader) bulk() uint32 {
	op := r.u32()
	switch op {
	case 0, 1, 2, 3, 4, 5, 6, 7:
	case 9, 11, 13, 15, 16, 17:
		r.number()
	case 8, 10, 12, 14:
		r.numbers(2)
	default:
		r.refuse(fmt.Errorf("it has an instruction, 0xfc %#x, that is not run", op))
	}
	return op & 0xff
}

// simd takes the rest of an instruction on vectors.
func (r *reader) simd() uint32 {
	op := r.u32()
	switch {
	case op <= 11, op == 92, op == 93: // loads and stores
		r.numbers(2)
	case op == 12, op == 13: // a constant, a shuffle
		r.take(16)
	case op >= 21 && op <= 34: // lanes
		r.take(1)
	case op >= 84 && op <= 91: // loads and stores of lanes
		r.numbers(2)
		r.take(1)
	case op > 0xff:
		r.refuse(fmt.Errorf("it has an instruction, 0xfd %#x, that is not run", op))
	}
	return op & 0xff
}

func isBulk(op uint32) bool { return op>>8 == pageBulk && op&0xff >= firstBulk }
