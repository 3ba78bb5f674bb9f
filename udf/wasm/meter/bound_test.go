package meter

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// TestHugeDeclarations: numbers in a file that promise more than the file has.
func TestHugeDeclarations(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	section := func(id byte, body ...byte) []byte {
		return append([]byte{0, 'a', 's', 'm', 1, 0, 0, 0, id, byte(len(body))}, body...)
	}
	for name, b := range map[string][]byte{
		"section":   append([]byte{0, 'a', 's', 'm', 1, 0, 0, 0, 1}, huge...),
		"tables":    section(sectionTable, huge...),
		"table":     section(sectionTable, append([]byte{1, 0x70, 0}, huge...)...),
		"functions": section(sectionCode, huge...),
		"body":      section(sectionCode, append([]byte{1}, huge...)...),
		"locals":    section(sectionCode, append([]byte{1, 7, 1}, append(huge, 0)...)...),
		"exports":   section(sectionExport, huge...),
		"export":    section(sectionExport, append([]byte{1}, huge...)...),
		"types":     section(sectionType, huge...),
		"params":    section(sectionType, append([]byte{1, 0x60}, huge...)...),
		"results":   section(sectionType, append([]byte{1, 0x60, 0}, huge...)...),
		"record":    section(sectionType, 1, 0x5f, 0),
		"globals":   section(sectionGlobal, huge...),
		"declared":  section(sectionFunction, huge...),
		"segments":  section(sectionElement, huge...),
		"elements":  section(sectionElement, append([]byte{1, 0, 0x41, 0, 0x0b}, huge...)...),
		"passive":   section(sectionElement, append([]byte{1, 5, 0x70}, huge...)...),
		"offset":    section(sectionElement, 1, 0, 0x41, 0),
		"data":      section(sectionData, huge...),
		"datum":     section(sectionData, append([]byte{1, 0, 0x41, 0, 0x0b}, huge...)...),
		"memory":    section(sectionData, append([]byte{1, 2, 0, 0x41, 0, 0x0b}, huge...)...),
	} {
		if _, err := Bound(b); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	names := section(sectionCustom, append([]byte{4, 'n', 'a', 'm', 'e', 1}, huge...)...)
	want, err := Bound(names[:8])
	if got, failed := Bound(names); err != nil || failed != nil || !bytes.Equal(got, want) {
		t.Errorf("names are kept: %x, %v, want %x, %v", got, failed, want, err)
	}
}

// header is a module with one type, () -> (), and one function of it, of which the code is still to come.
func header() []byte {
	return []byte{0, 'a', 's', 'm', 1, 0, 0, 0, sectionType, 4, 1, 0x60, 0, 0, sectionFunction, 2, 1, 0}
}

// withSection is a file with a section more.
func withSection(file []byte, id byte, body ...byte) []byte {
	return append(appendNumber(append(bytes.Clone(file), id), uint32(len(body))), body...)
}

// TestListsAreBounded: files may not be long lists of what the runtime keeps more of than the file has bytes.
func TestListsAreBounded(t *testing.T) {
	list := func(begin []byte, n int, each ...byte) []byte {
		return append(binary.AppendUvarint(begin, uint64(n)), bytes.Repeat(each, n)...)
	}
	for name, of := range map[string]func(n int) []byte{
		"functions": func(n int) []byte { return withSection(header()[:14], sectionFunction, list(nil, n, 0)...) },
		"exports":   func(n int) []byte { return withSection(header(), sectionExport, list(nil, n, 1, 'f', 0, 0)...) },
		"elements":  func(n int) []byte { return withSection(header(), sectionElement, list([]byte{1, 1, 0}, n, 0)...) },
		"segments":  func(n int) []byte { return withSection(header(), sectionData, list(nil, n, 1, 0)...) },
	} {
		if _, err := Bound(of(maxEntries)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Bound(of(maxEntries + 1)); err == nil || !strings.Contains(err.Error(), "131072") {
			t.Errorf("%s: %v", name, err)
		}
	}
	two := append(list([]byte{2, 1, 0}, maxEntries, 0), 1, 0, 1, 0)
	if _, err := Bound(withSection(header(), sectionElement, two...)); err == nil || !strings.Contains(err.Error(), "more than 131072 elements") {
		t.Errorf("two lists of elements: %v", err)
	}
	locals := func(n uint64) []byte {
		code := append(binary.AppendUvarint([]byte{1}, n), typeI32, opEnd) // one group of them
		return withSection(header(), sectionCode, append([]byte{1, byte(len(code))}, code...)...)
	}
	if _, err := Bound(locals(maxLocals)); err != nil {
		t.Error(err)
	}
	if _, err := Bound(locals(maxLocals + 1)); err == nil || !strings.Contains(err.Error(), "local variables") {
		t.Error(err)
	}
}

// TestNothingReachesTheMeter: a module cannot speak of what it is given, by numbers that mean nothing in its file.
func TestNothingReachesTheMeter(t *testing.T) {
	global := withSection(header(), sectionGlobal, 1, typeI32, 1, opI32Const, 0, opEnd)
	code := func(code ...byte) []byte {
		return append([]byte{1, byte(len(code) + 2), 0}, append(code, opEnd)...)
	}
	for name, file := range map[string][]byte{
		"fuel is read":     withSection(global, sectionCode, code(opGlobalGet, 1, 0x1a)...),
		"fuel is written":  withSection(global, sectionCode, code(opI32Const, 0, opGlobalSet, 1)...),
		"fuel is exported": withSection(global, sectionExport, 1, 1, 'g', 3, 1),
		"fuel begins with": withSection(header(), sectionGlobal, 1, typeI32, 0, opGlobalGet, 0, opEnd),
		"type of a block":  withSection(header(), sectionCode, code(opBlock, 1, opEnd, 0x1a)...),
		"type of a callee": withSection(header(), sectionCode, code(opI32Const, 0, opCallIndirect, 1, 0)...),
		"type of a member": withSection(header()[:14], sectionFunction, 1, 1),
		"type of imports":  withSection(header()[:14], sectionImport, 1, 1, 'm', 1, 'f', 0, 1),
		"call":             withSection(header(), sectionCode, code(opCall, 1)...),
		"call of -1":       withSection(header(), sectionCode, code(opCall, 0xff, 0xff, 0xff, 0xff, 0x0f)...),
		"reference":        withSection(header(), sectionCode, code(opRefFunc, 1, 0x1a)...),
		"function":         withSection(header(), sectionExport, 1, 1, 'f', 0, 1),
		"start":            withSection(header(), sectionStart, 1),
		"element":          withSection(header(), sectionElement, 1, 1, 0, 1, 1),
	} {
		if _, err := Bound(file); err == nil || !strings.Contains(err.Error(), "it speaks of ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestSections: each is there once, in its place.
func TestSections(t *testing.T) {
	for name, file := range map[string][]byte{
		"twice":    withSection(header(), sectionFunction, 1, 0),
		"late":     withSection(header(), sectionType, 0),
		"unknown":  withSection(header(), 13, 0),
		"empty":    withSection(header(), sectionMemory),
		"too long": withSection(header(), sectionMemory, 0, 0),
	} {
		if _, err := Bound(file); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	if _, err := Bound(withSection(withSection(header(), sectionCount, 0), sectionCode, 1, 2, 0, opEnd)); err != nil {
		t.Errorf("the number of data is behind the code's place: %v", err)
	}
}

// FuzzBound: whatever the file, rewriting ends, and does not make more of it than there may be.
func FuzzBound(f *testing.F) {
	f.Add(withSection(header(), sectionCode, 1, 7, 0, opLoop, noResult, 0x0c, 0, opEnd, opEnd))
	f.Fuzz(func(t *testing.T, file []byte) {
		if out, err := Bound(file); err == nil && len(out) > 100+16*len(file) {
			t.Errorf("%d bytes became %d", len(file), len(out))
		}
	})
}
