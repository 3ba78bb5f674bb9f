package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/sys"

	"github.com/millrace/millrace/sql/types"
)

// TestStoppable: where empty loops are put, and where none is needed.
func TestStoppable(t *testing.T) {
	const imports = 2
	join := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	// The code of a function without its end.
	for name, c := range map[string]struct{ code, want []byte }{
		"arithmetic": {[]byte{0x20, 0, 0x41, 0x90, 0x22, 0x6a}, []byte{0x20, 0, 0x41, 0x90, 0x22, 0x6a}}, // a constant that looks like a call
		"call":       {[]byte{0x10, 2}, join(emptyLoop, []byte{0x10, 2})},
		"call host":  {[]byte{0x41, 0, 0x10, 1}, join([]byte{0x41, 0}, emptyLoop, []byte{0x10, 1})},
		"whoever":    {[]byte{0x11, 0, 0}, join(emptyLoop, []byte{0x11, 0, 0})},
		"fill":       {[]byte{0xfc, 0x8b, 0, 0}, join(emptyLoop, []byte{0xfc, 0x8b, 0, 0})}, // its number is written longer than need be
		"truncate":   {[]byte{0xfc, 7}, []byte{0xfc, 7}},
		"grow":       {[]byte{0x40, 0}, join(emptyLoop, []byte{0x40, 0})},
		"branches":   {[]byte{0x0e, 2, 0, 1, 0x10, 0x01}, []byte{0x0e, 2, 0, 1, 0x10, 0x01}},
		"constants":  {[]byte{0x43, 0x10, 0x11, 0xfc, 0x0b, 0x44, 0x10, 0, 0, 0, 0, 0, 0, 0}, []byte{0x43, 0x10, 0x11, 0xfc, 0x0b, 0x44, 0x10, 0, 0, 0, 0, 0, 0, 0}},
		"vector":     {join([]byte{0xfd, 12}, bytes.Repeat([]byte{0x10}, 16)), join([]byte{0xfd, 12}, bytes.Repeat([]byte{0x10}, 16))},
		"long":       {bytes.Repeat([]byte{1}, maxStraight), join(emptyLoop, bytes.Repeat([]byte{1}, maxStraight))},
	} {
		r := &reader{rest: append(c.code, 0x0b)}
		if got := stoppable(r, imports); r.err != nil || !bytes.Equal(got, append(c.want, 0x0b)) {
			t.Errorf("%s: got % x, %v, want % x 0b", name, got, r.err, c.want)
		}
	}
	for _, code := range [][]byte{{0x06}, {0x12, 0}, {0xfc, 18}, {0xfd, 0x80, 2}, {0xfe, 0}, {0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f}, {0x41, 0x80}} {
		r := &reader{rest: code}
		if stoppable(r, imports); r.err == nil {
			t.Errorf("% x is taken", code)
		}
	}
}

// TestStraightCodeIsStopped: code without a loop, of a few instructions that take long, or of many.
func TestStraightCodeIsStopped(t *testing.T) {
	whole := binary.AppendUvarint([]byte{0x41, 0, 0x41, 7, 0x41}, 8<<20) // from 0, the byte 7, 8 MiB
	fill := append(bytes.Clone(whole), 0xfc, 0x0b, 0)
	random := append(binary.AppendUvarint([]byte{0x41, 0, 0x41}, 8<<20), 0x10, 0, 0x1a)
	// 8,192 square roots, of which the last is stored: nothing of it may be left out.
	roots := slices.Concat([]byte{0x41, 0, 0x44, 0, 0, 0, 0, 0, 0, 0, 0x40}, bytes.Repeat([]byte{0x9f}, 1<<13), []byte{0x39, 3, 0})
	for name, code := range map[string][]byte{
		"memory":   bytes.Repeat(fill, 500),
		"host":     bytes.Repeat(random, 500),
		"function": bytes.Repeat([]byte{0x10, 2}, 1<<14),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := def("f", types.Int)
			d.Timeout, d.Memory = MinTimeout, 16<<20
			m, err := load(context.Background(), tests, d, straight(append(code, 0x00), roots))
			if err != nil {
				t.Fatal(err)
			}
			defer m.close()
			i := m.idle.take()
			i.watch()
			i.begin()
			began := time.Now()
			err = i.call.CallWithStack(context.Background(), i.stack)
			var exit *sys.ExitError
			if !errors.As(err, &exit) {
				t.Errorf("it came to its end, a trap, after %s: %v", time.Since(began), err)
			}
			m.drop(i)
		})
	}
}

// straight is a module with random_get as function 0, an exported function f of the code, without its end, and another one, 2.
func straight(f, other []byte) []byte {
	out := []byte{0, 'a', 's', 'm', 1, 0, 0, 0}
	section := func(id byte, parts ...[]byte) {
		body := slices.Concat(parts...)
		out = append(binary.AppendUvarint(append(out, id), uint64(len(body))), body...)
	}
	text := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	body := func(code []byte) []byte {
		code = slices.Concat([]byte{0}, code, []byte{0x0b}) // no locals
		return append(binary.AppendUvarint(nil, uint64(len(code))), code...)
	}
	section(1, []byte{3, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 1, 0x7f, 0x60, 0, 0}) // of random_get, f and the other
	section(sectionImport, []byte{1}, text(wasi), text("random_get"), []byte{0, 0})
	section(3, []byte{2, 1, 2})
	section(5, []byte{1, 0}, binary.AppendUvarint(nil, 16<<20/page)) // memory
	section(7, []byte{1}, text("f"), []byte{0, 1})
	section(sectionCode, []byte{2}, body(f), body(other))
	return out
}

// TestBranchingIsBounded: compiling takes time by the square of a function's branches.
func TestBranchingIsBounded(t *testing.T) {
	for name, code := range map[string][]byte{
		"loops":  bytes.Repeat(emptyLoop, 20_000),
		"fills":  bytes.Repeat([]byte{0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0b, 0}, 2000),
		"tables": bytes.Repeat(append([]byte{0x02, 0x40, 0x41, 0, 0x0e, 100}, append(make([]byte, 101), 0x0b)...), 200),
	} {
		if _, err := bound(straight(code, nil)); err == nil || !strings.Contains(err.Error(), "branch too often") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := bound(straight(bytes.Repeat(emptyLoop, 5000), bytes.Repeat(emptyLoop, 5000))); err != nil {
		t.Error(err)
	}
}
