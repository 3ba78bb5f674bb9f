package meter

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits of a module's file. Compilers' output stays far below them. What compiling takes has limits too; see cost.
const (
	MaxBytes     = 16 << 20
	maxTable     = 1 << 16 // elements, all tables together
	maxArity     = 1000    // parameters of a function, or its results
	maxLocals    = 50_000  // of a function: compiling takes memory by them
	maxAllLocals = 1 << 22 // all functions together

	// maxEntries is how many things of a kind a module may have. The runtime makes room for as many as the file says that there are, before it
	// has read one of them: a hundred bytes could ask for all memory.
	maxEntries = 1 << 17
)

// The sections of a module.
const (
	sectionCustom   = 0
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionTable    = 4
	sectionMemory   = 5
	sectionGlobal   = 6
	sectionExport   = 7
	sectionStart    = 8
	sectionElement  = 9
	sectionCode     = 10
	sectionData     = 11
	sectionCount    = 12 // of data
)

// order is how sections follow one another.
var order = []byte{
	sectionType, sectionImport, sectionFunction, sectionTable, sectionMemory, sectionGlobal, sectionExport, sectionStart, sectionElement, sectionCount,
	sectionCode, sectionData,
}

// Bound returns the module with bounds where the format has none: whatever runs long calls Pause now and then (see the package), and
// tables cannot grow beyond maxTable. Names and other notes of compilers are left out. What says how many of something follow is checked before
// room is made for them, here and in the runtime.
//
// The rest of the file is left to the runtime, which validates all of it.
func Bound(file []byte) ([]byte, error) {
	switch {
	case len(file) > MaxBytes:
		return nil, fmt.Errorf("it has %d bytes: a module has %d at most", len(file), MaxBytes)
	case len(file) < 8 || string(file[:4]) != "\x00asm":
		return nil, errors.New("it is no WebAssembly module")
	case !bytes.Equal(file[4:8], []byte{1, 0, 0, 0}):
		return nil, errors.New("it is no core module of WebAssembly's version 1: components are not run")
	}
	sections, err := split(file[8:])
	if err != nil {
		return nil, err
	}
	m, out := &module{}, append(make([]byte, 0, len(file)+len(file)/8), file[:8]...)
	for _, id := range order {
		t := transcribe(sections[id])
		m.section(id, t)
		body := t.end()
		if t.err != nil {
			return nil, t.err
		}
		if len(body) > 0 {
			out = append(appendNumber(append(out, id), uint32(len(body))), body...)
		}
	}
	return out, nil
}

// split takes the sections apart, and leaves out those that are notes.
func split(file []byte) (*[sectionCount + 1][]byte, error) {
	sections := &[sectionCount + 1][]byte{}
	r, left := &reader{rest: file}, order
	for len(r.rest) > 0 {
		id := r.byte()
		body := r.take(r.u32())
		if r.err != nil {
			return nil, r.err
		}
		if id == sectionCustom {
			continue
		}
		at := bytes.IndexByte(left, id)
		if at < 0 {
			return nil, fmt.Errorf("it has a section, %d, that is not run, or not in this place", id)
		}
		left = left[at+1:]
		if sections[id] = body; len(body) == 0 {
			return nil, errShort
		}
	}
	return sections, nil
}
