package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Limits of a module's file. Compilers' output stays far below them; compiling takes memory by the size of the largest body.
const (
	MaxBytes     = 16 << 20
	maxBody      = 1 << 20
	maxTable     = 1 << 16 // elements, all tables together
	maxFunctions = 1 << 17
)

// The sections that bound looks at.
const (
	sectionTable = 4
	sectionCode  = 10
)

// bound returns the module with bounds where the format has none: tables cannot grow beyond maxTable, and every function that may
// run long can be stopped. The runtime looks whether it is to stop at the head of a loop only, and calls alone can take forever too.
// So a function that may call another, or fill memory, begins with an empty loop.
//
// The rest of the file is left to the runtime, which validates all of it.
func bound(module []byte) ([]byte, error) {
	switch {
	case len(module) > MaxBytes:
		return nil, fmt.Errorf("it has %d bytes: a module has %d at most", len(module), MaxBytes)
	case len(module) < 8 || string(module[:4]) != "\x00asm":
		return nil, errors.New("it is no WebAssembly module")
	case !bytes.Equal(module[4:8], []byte{1, 0, 0, 0}):
		return nil, errors.New("it is no core module of WebAssembly's version 1: components are not run")
	}
	out := append(make([]byte, 0, len(module)+len(module)/64), module[:8]...)
	in := &reader{rest: module[8:]}
	for len(in.rest) > 0 && in.err == nil {
		id := in.byte()
		section := in.take(in.u32())
		if in.err != nil {
			break
		}
		r := &reader{rest: section}
		switch id {
		case sectionTable:
			section = boundTables(r)
		case sectionCode:
			section = boundCode(r, len(section))
		}
		if r.err != nil {
			return nil, r.err
		}
		out = append(out, id)
		out = binary.AppendUvarint(out, uint64(len(section)))
		out = append(out, section...)
	}
	return out, in.err
}

// boundTables gives every table a largest size.
func boundTables(r *reader) []byte {
	count := r.u32()
	out := binary.AppendUvarint(nil, uint64(count))
	left := uint32(maxTable)
	for range count {
		kind, flags, least := r.byte(), r.byte(), r.u32()
		most := left
		if flags&1 != 0 {
			most = min(most, r.u32())
		}
		switch {
		case r.err != nil:
			return nil
		case flags > 1:
			r.err = errors.New("it has a table of a kind that is not run")
		case least > left:
			r.err = fmt.Errorf("its tables have more than %d elements", maxTable)
		}
		most = max(most, least)
		left -= least
		out = append(out, kind, 1)
		out = binary.AppendUvarint(out, uint64(least))
		out = binary.AppendUvarint(out, uint64(most))
	}
	return append(out, r.rest...)
}

var emptyLoop = []byte{0x03, 0x40, 0x0b}

// mayLast says whether code has a byte of a call, a call_indirect, or what begins a memory.fill: without one, and without a loop, it is
// over soon.
func mayLast(code []byte) bool {
	return slices.ContainsFunc([]byte{0x10, 0x11, 0xfc}, func(op byte) bool { return bytes.IndexByte(code, op) >= 0 })
}

// boundCode puts an empty loop behind the locals of the functions that need one. A byte of a constant may look like a call: a loop too
// many is harmless.
func boundCode(r *reader, size int) []byte {
	count := r.u32()
	if count > maxFunctions {
		r.err = fmt.Errorf("it has %d functions: a module has %d at most", count, maxFunctions)
		return nil
	}
	out := binary.AppendUvarint(make([]byte, 0, size+size/64), uint64(count))
	for range count {
		body := r.take(r.u32())
		if len(body) > maxBody {
			r.err = fmt.Errorf("it has a function of %d bytes: a function has %d at most", len(body), maxBody)
		}
		if r.err != nil {
			return nil
		}
		b := &reader{rest: body}
		for range b.u32() {
			b.u32() // how many
			b.byte()
			if b.err != nil {
				break
			}
		}
		if r.err = b.err; r.err != nil {
			return nil
		}
		var loop []byte
		if mayLast(b.rest) {
			loop = emptyLoop
		}
		out = binary.AppendUvarint(out, uint64(len(body)+len(loop)))
		out = append(out, body[:len(body)-len(b.rest)]...)
		out = append(append(out, loop...), b.rest...)
	}
	return append(out, r.rest...)
}

// reader takes pieces off a module until one is missing.
type reader struct {
	rest []byte
	err  error
}

var errShort = errors.New("it ends in the middle")

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > math.MaxUint32 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return uint32(v)
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errShort
	}
	r.rest = nil
}
