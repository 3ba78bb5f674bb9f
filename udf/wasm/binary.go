package wasm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Limits of a module's file. Compilers' output stays far below them; compiling takes memory by the size of the largest body.
const (
	MaxBytes     = 16 << 20
	maxBody      = 1 << 20
	maxTable     = 1 << 16 // elements, all tables together
	maxLocals    = 50_000  // of a function: compiling takes memory by them
	maxAllLocals = 1 << 22 // all functions together
)

// bound returns the module with bounds where the format has none: tables cannot grow beyond maxTable, and every function that may
// run long can be stopped (see stoppable). Names and other notes of compilers are left out. What says how many of something follow is checked
// before the runtime makes room for them.
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
	in, imports := &reader{rest: module[8:]}, uint32(0)
	for len(in.rest) > 0 && in.err == nil {
		id := in.byte()
		section := in.take(in.u32())
		if in.err != nil {
			break
		}
		if id == sectionCustom {
			continue
		}
		counts := &reader{rest: section}
		if checkCounts(id, counts); counts.err != nil {
			return nil, counts.err
		}
		r := &reader{rest: section}
		switch id {
		case sectionImport:
			imports += importedFunctions(r)
		case sectionTable:
			section = boundTables(r)
		case sectionCode:
			section = boundCode(r, len(section), imports)
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

// importedFunctions counts them: the module's own functions are numbered behind them.
func importedFunctions(r *reader) uint32 {
	n := uint32(0)
	for range r.u32() {
		r.take(r.u32()) // module
		r.take(r.u32()) // name
		switch r.byte() {
		case 0: // function, of a type
			n++
			r.u32()
		case 1: // table, of a kind
			r.byte()
			r.limits()
		case 2: // memory
			r.limits()
		case 3: // global: type, and whether it changes
			r.take(2)
		default:
			r.refuse(errors.New("it has an import of a kind that is not run"))
		}
		if r.err != nil {
			break
		}
	}
	return n
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

// reader takes pieces off a module until one is missing.
type reader struct {
	rest     []byte
	err      error
	branches uint64 // among the instructions that were taken
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

// limits skips a smallest size, and a largest if there is one.
func (r *reader) limits() {
	flags := r.byte()
	if r.u32(); flags&1 != 0 {
		r.u32()
	}
}

func (r *reader) fail() { r.refuse(errShort) }

// refuse ends the reading. The first reason counts.
func (r *reader) refuse(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}
