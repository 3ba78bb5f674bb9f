package wasm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero/sys"

	"github.com/millrace/millrace/sql/types"
)

// TestEveryCodeIsStopped: loops of every kind, and code without one, of a few instructions that take long, or of many.
func TestEveryCodeIsStopped(t *testing.T) {
	whole := binary.AppendUvarint([]byte{0x41, 0, 0x41, 7, 0x41}, 8<<20) // from 0, the byte 7, 8 MiB
	fill := append(bytes.Clone(whole), 0xfc, 0x0b, 0)
	random := append(binary.AppendUvarint([]byte{0x41, 0, 0x41}, 8<<20), 0x10, 0, 0x1a)
	// 8,192 square roots, of which the last is stored: nothing of it may be left out.
	roots := slices.Concat([]byte{0x41, 0, 0x44, 0, 0, 0, 0, 0, 0, 0, 0x40}, bytes.Repeat([]byte{0x9f}, 1<<13), []byte{0x39, 3, 0})
	for name, code := range map[string][]byte{
		"memory":      bytes.Repeat(fill, 500),
		"host":        bytes.Repeat(random, 500),
		"function":    bytes.Repeat([]byte{0x10, 2}, 1<<14),
		"loop":        {0x03, 0x40, 0x0c, 0, 0x0b},
		"condition":   {0x03, 0x40, 0x41, 1, 0x0d, 0, 0x0b},
		"table":       {0x03, 0x40, 0x41, 9, 0x0e, 2, 0, 0, 0, 0x0b},
		"inner loop":  {0x03, 0x40, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b},
		"outer loop":  {0x03, 0x40, 0x03, 0x40, 0x0c, 1, 0x0b, 0x0b},
		"around":      {0x03, 0x40, 0x02, 0x40, 0x41, 1, 0x0d, 0, 0x03, 0x40, 0x0b, 0x0b, 0x0c, 0, 0x0b}, // another loop, which it never comes to
		"values":      {0x41, 7, 0x03, 3, 0x0c, 0, 0x0b, 0x1a},
		"in the loop": {0x03, 0x40, 0x10, 2, 0x0c, 0, 0x0b},
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
	section(1, []byte{4, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 1, 0x7f, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f}) // of random_get, f and the other; of a block
	section(2, []byte{1}, text(wasi), text("random_get"), []byte{0, 0})
	section(3, []byte{2, 1, 2})
	section(5, []byte{1, 0}, binary.AppendUvarint(nil, 16<<20/page)) // memory
	section(7, []byte{1}, text("f"), []byte{0, 1})
	section(10, []byte{2}, body(f), body(other))
	return out
}
