package wasm

import (
	"fmt"
)

// The sections of a module.
const (
	sectionCustom  = 0
	sectionType    = 1
	sectionImport  = 2
	sectionTable   = 4
	sectionExport  = 7
	sectionStart   = 8
	sectionElement = 9
	sectionCode    = 10
	sectionData    = 11
	sectionCount   = 12 // of data
)

// maxEntries is how many things of a kind a module may have. The runtime makes room for as many as the file says that there are, before it has
// read one of them: a hundred bytes could ask for all memory.
const maxEntries = 1 << 17

// entries takes the number of things that a section, or a list in it, has.
func (r *reader) entries() uint32 {
	n := r.u32()
	if n > maxEntries || uint64(n) > uint64(len(r.rest)) { // each takes a byte at least
		r.refuse(fmt.Errorf("it says that it has %d things of one kind, in %d bytes: a module has %d at most", n, len(r.rest), maxEntries))
		return 0
	}
	return n
}

// checkCounts reads a section as far as it says how much of something there is. What it is made of the runtime validates.
func checkCounts(id byte, r *reader) {
	if id == sectionStart || id == sectionCount {
		return // a number and no list
	}
	n := r.entries()
	left := uint32(maxEntries) // of the elements of all tables together
	for ; n > 0 && r.err == nil; n-- {
		switch id {
		case sectionType:
			checkType(r)
		case sectionExport:
			r.take(r.u32()) // name
			r.byte()
			r.number()
		case sectionElement:
			left = checkElements(r, left)
		case sectionData:
			checkData(r)
		default:
			return
		}
	}
}

// checkType passes over a function's type.
func checkType(r *reader) {
	if form := r.byte(); form != 0x60 && r.err == nil {
		r.refuse(fmt.Errorf("it has a type, %#x, that is not run", form))
	}
	r.take(r.entries()) // parameters: in WebAssembly 2.0 each is one byte
	r.take(r.entries()) // results
}

// checkElements passes over what a table begins with, of which there may be so many yet.
func checkElements(r *reader, left uint32) uint32 {
	flags := r.u32()
	if flags&1 == 0 { // it goes to a table
		if flags&2 != 0 {
			r.u32()
		}
		checkConstant(r)
	}
	if flags&3 != 0 {
		r.byte() // of which kind they are
	}
	n := r.entries()
	if n > left {
		r.refuse(fmt.Errorf("its tables begin with more than %d elements", maxEntries))
	}
	for range n {
		if flags&4 != 0 {
			checkConstant(r)
		} else {
			r.number()
		}
		if r.err != nil {
			return 0
		}
	}
	return left - n
}

// checkData passes over what memory begins with.
func checkData(r *reader) {
	flags := r.u32()
	if flags&2 != 0 {
		r.u32() // which memory
	}
	if flags&1 == 0 {
		checkConstant(r)
	}
	r.take(r.u32())
}

// checkConstant passes over an expression.
func checkConstant(r *reader) {
	const end = 0x0b
	for r.err == nil {
		if op, _ := r.instruction(); op == end {
			return
		}
	}
}
