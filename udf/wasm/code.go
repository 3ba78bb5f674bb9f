package wasm

import (
	"encoding/binary"
	"fmt"
)

// maxStraight is how many bytes of code without calls run unwatched: they are over in a microsecond or so, and a function that does
// nothing but call such ones, which has a megabyte at most, in less than a second.
const maxStraight = 128

// maxBranching bounds the sum of the squares of the functions' branches, since compiling a function takes time by the square of its own: about
// a second is the most that a module may need. One function may have 11,000.
const maxBranching = 1 << 27

// boundCode rewrites the bodies of all functions; see stoppable. Functions below imports are the host's.
func boundCode(r *reader, size int, imports uint32) []byte {
	count := r.u32()
	out, branching, locals := binary.AppendUvarint(make([]byte, 0, size+size/16), uint64(count)), uint64(0), uint64(0)
	for range count {
		body := r.take(r.u32())
		if len(body) > maxBody {
			r.refuse(fmt.Errorf("it has a function of %d bytes: a function has %d at most", len(body), maxBody))
		}
		b, before := &reader{rest: body}, locals
		for range b.u32() {
			locals += uint64(b.u32()) // how many, of which type
			b.byte()
			if b.err != nil {
				break
			}
		}
		if locals-before > maxLocals || locals > maxAllLocals {
			r.refuse(fmt.Errorf("it has too many local variables: a function has %d at most, and all together %d", maxLocals, maxAllLocals))
		}
		declared := body[:len(body)-len(b.rest)]
		code := stoppable(b, imports)
		if b.err != nil {
			r.refuse(b.err)
		}
		if branching += b.branches * b.branches; branching > maxBranching {
			r.refuse(fmt.Errorf("its functions branch too often to be compiled: one has %d branches", b.branches))
		}
		if r.err != nil {
			return nil
		}
		out = binary.AppendUvarint(out, uint64(len(declared)+len(code)))
		out = append(append(out, declared...), code...)
	}
	return append(out, r.rest...)
}

// Where a module is stopped: the runtime looks whether it is to stop at the head of each loop, and nowhere else. It cannot interrupt what it
// runs, and while it runs the whole server waits for it whenever memory is collected.
var emptyLoop = []byte{0x03, 0x40, 0x0b}

// stoppable puts empty loops where code without any could run long: at the head of a function that calls others, since calls alone can take
// forever, or is long itself; and before whatever takes long at once: what fills or copies memory, functions of the host, and calls
// of who knows whom.
func stoppable(r *reader, imports uint32) []byte {
	out := append(make([]byte, 0, len(r.rest)+len(r.rest)/16), emptyLoop...)
	watched := len(r.rest) > maxStraight
	for len(r.rest) > 0 {
		before := r.rest
		op, callee := r.instruction()
		bulk := op>>8 == pageBulk && op&0xff >= firstBulk
		switch {
		case op == opCall && callee >= imports:
			watched = true
		case op == opCall, op == opCallIndirect, op == opMemoryGrow, bulk:
			out = append(out, emptyLoop...)
			r.branches++
		}
		if bulk { // it is compiled to loops
			r.branches += 8
		}
		out = append(out, before[:len(before)-len(r.rest)]...)
	}
	if !watched {
		return out[len(emptyLoop):]
	}
	return out
}

const (
	opCall         = 0x10
	opCallIndirect = 0x11
	opMemoryGrow   = 0x40

	pageBulk  = 0xfc
	firstBulk = 8 // below are conversions of numbers
	pageSIMD  = 0xfd
)

// instruction takes one off. It returns its code, in the lower byte behind that of its page if it is of one, and whom a call calls. It knows
// the instructions of WebAssembly 2.0, and refuses others as the runtime would.
func (r *reader) instruction() (op, callee uint32) {
	op = uint32(r.byte())
	switch {
	case op == opCall:
		return op, r.u32()
	case op >= 0x02 && op <= 0x04, op == 0x0c, op == 0x0d: // block, loop, if; br, br_if
		r.branches++
		r.number()
	case op >= 0x20 && op <= 0x26, op >= 0x3f && op <= 0x42, op == 0xd0, op == 0xd2: // variables and tables; size and growth, constants; references
		r.number()
	case op == opCallIndirect, op >= 0x28 && op <= 0x3e: // loads and stores
		r.numbers(2)
	case op == 0x0e: // br_table
		n := uint64(r.u32()) + 1
		r.branches += n
		r.numbers(n)
	case op == 0x1c: // select of types
		r.take(r.u32())
	case op == 0x43: // f32.const
		r.take(4)
	case op == 0x44: // f64.const
		r.take(8)
	case op == pageBulk:
		op = op<<8 | r.bulk()
	case op == pageSIMD:
		op = op<<8 | r.simd()
	case op <= 0x01, op == 0x05, op == 0x0b, op == 0x0f, op == 0x1a, op == 0x1b, op >= 0x45 && op <= 0xc4, op == 0xd1:
	default:
		r.refuse(fmt.Errorf("it has an instruction, %#x, that is not run", op))
	}
	return op, 0
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

// number skips a number, signed or not, of up to 64 bits.
func (r *reader) number() {
	for r.byte()&0x80 != 0 {
		continue
	}
}

func (r *reader) numbers(n uint64) {
	for ; n > 0 && r.err == nil; n-- {
		r.number()
	}
}
