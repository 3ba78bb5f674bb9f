package wasm

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestGenerated: modules made up at random do the same as they are and rewritten, however often they pause.
func TestGenerated(t *testing.T) {
	for seed := range uint64(40) {
		generated(t, seed)
	}
}

// FuzzGenerated makes up more of them.
func FuzzGenerated(f *testing.F) {
	f.Add(uint64(1 << 32))
	f.Fuzz(func(t *testing.T, seed uint64) { generated(t, seed) })
}

func generated(t *testing.T, seed uint64) {
	t.Helper()
	w := newTwins(t, 1+seed%200)
	m := w.start(t, generate(rand.New(rand.NewPCG(seed, 0))))
	if m == nil {
		t.Fatalf("seed %d: what was made up is invalid", seed)
	}
	for _, name := range []string{"f0", "f1", "f2", "f3"} {
		for _, a := range []uint64{0, 1, 1 << 31} {
			_, _ = m.call(t, name, a, uint64(uint32(seed)))
		}
	}
	m.end(t)
	if t.Failed() {
		t.Fatalf("seed %d", seed)
	}
}

// Types of the modules that are made up, and what their functions have.
const (
	typePair  = 0 // (i32, i32) -> i32, of every function
	typeTwo   = 1 // i32 -> i32, i32
	typeOne   = 2 // i32 -> i32
	variables = 4 // for values, parameters included; behind them are those that count turns of loops, one a depth
	depths    = 6
)

// generate makes up a module of four functions that call those before them, directly or through a table, with loops of a few turns each.
func generate(r *rand.Rand) []byte {
	out := []byte{0, 'a', 's', 'm', 1, 0, 0, 0}
	section := func(id byte, parts ...[]byte) {
		body := slices.Concat(parts...)
		out = append(binary.AppendUvarint(append(out, id), uint64(len(body))), body...)
	}
	const functions = 4
	exports, code := []byte{functions + 1, 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0}, []byte{functions}
	for f := range byte(functions) {
		exports = append(exports, 2, 'f', '0'+f, 0, f)
		g := &generator{r: r, function: f}
		g.value(0)
		body := slices.Concat([]byte{1, variables - 2 + depths, 0x7f}, g.code, []byte{0x0b})
		code = append(binary.AppendUvarint(code, uint64(len(body))), body...)
	}
	section(1, []byte{3, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 2, 0x7f, 0x7f, 0x60, 1, 0x7f, 1, 0x7f})
	section(3, []byte{functions, typePair, typePair, typePair, typePair})
	section(4, []byte{1, 0x70, 0, functions})
	section(5, []byte{1, 0, 1})
	section(6, []byte{2, 0x7f, 1, 0x41, 5, 0x0b, 0x70, 0, 0xd2, 1, 0x0b}) // a number, and a reference to f1
	section(7, exports)
	section(9, []byte{2, 0, 0x41, 0, 0x0b, 2, 0, 1, 4, 0x41, 2, 0x0b, 2, 0xd2, 2, 0x0b, 0xd0, 0x70, 0x0b}) // f0, f1 by number, f2 by an expression, none
	section(10, code)
	return out
}

// generator writes the code of a function.
type generator struct {
	r        *rand.Rand
	function byte
	code     []byte
}

func (g *generator) emit(b ...byte) { g.code = append(g.code, b...) }

func (g *generator) pick(n int) byte { return byte(g.r.IntN(n)) }

// value writes code that leaves an i32.
func (g *generator) value(depth int) {
	if depth >= depths {
		g.leaf()
		return
	}
	switch g.pick(12) {
	case 0, 1:
		g.leaf()
	case 2, 3:
		g.value(depth + 1)
		g.value(depth + 1)
		g.emit(0x6a + g.pick(13)) // add, sub, mul, divisions, remainders, and, or, xor, shifts
	case 4: // if
		g.value(depth + 1)
		g.emit(0x04, 0x7f)
		g.value(depth + 1)
		g.emit(0x05)
		g.value(depth + 1)
		g.emit(0x0b)
	case 5: // a block that may be left early
		g.emit(0x02, 0x7f)
		g.value(depth + 1)
		g.value(depth + 1)
		g.emit(0x0d, 0, 0x0b)
	case 6: // a loop that takes a value along
		g.leaf()
		g.turns(depth, typeOne, func() { g.value(depth + 1); g.emit(0x6a) })
	case 7: // br_table out of three blocks, and a statement behind each
		g.emit(0x02, 0x40, 0x02, 0x40, 0x02, 0x40)
		g.value(depth + 1)
		g.emit(0x0e, 2, 0, 1, 2)
		for range 3 {
			g.emit(0x0b)
			g.statement(depth + 1)
		}
		g.leaf()
	case 8: // a block of two values
		g.leaf()
		g.emit(0x02, typeTwo)
		g.value(depth + 1)
		g.emit(0x0b, 0x73)
	case 9: // a call
		if g.function == 0 {
			g.leaf()
			return
		}
		g.value(depth + 1)
		g.value(depth + 1)
		g.emit(0x10, g.pick(int(g.function)))
	case 10: // a call through the table, which traps where there is none
		if g.function < 3 {
			g.emit(0x20, g.pick(variables), 0x28, 2, 0) // a load, which may be outside
			return
		}
		g.leaf()
		g.leaf()
		g.leaf()
		g.emit(0x41, 3, 0x71, 0x11, typePair, 0)
	default: // vectors
		g.value(depth + 1)
		g.emit(0xfd, 17) // splat
		g.leaf()
		g.emit(0xfd, 17, 0xfd, 0xb5, 1, 0xfd, 27, g.pick(4)) // multiply, take one
	}
}

func (g *generator) leaf() {
	switch g.pick(4) {
	case 0:
		g.emit(0x41, g.pick(128))
	case 1:
		g.emit(0x23, 0)
	default:
		g.emit(0x20, g.pick(variables))
	}
}

// turns writes a loop of a few turns.
func (g *generator) turns(depth int, typ byte, body func()) {
	count := byte(variables + depth)
	g.emit(0x41, 1+g.pick(5), 0x21, count, 0x03, typ)
	body()
	g.emit(0x20, count, 0x41, 1, 0x6b, 0x22, count, 0x0d, 0, 0x0b)
}

// statement writes code that leaves nothing.
func (g *generator) statement(depth int) {
	switch g.pick(7) {
	case 0:
		g.value(depth)
		g.emit(0x21, g.pick(variables))
	case 1:
		g.value(depth)
		g.emit(0x24, 0)
	case 2: // a byte of memory
		g.leaf()
		g.emit(0x41, 0xff, 0, 0x71) // its lower bits
		g.value(depth)
		g.emit(0x3a, 0, 0)
	case 3: // some of them
		g.emit(0x41, g.pick(64), 0x41, g.pick(64), 0x41, g.pick(64), 0xfc, 11, 0)
	case 4: // one reference of the table is another's, or grow
		g.emit(0x41, g.pick(4), 0xd2, 1, 0x26, 0, 0x41, 0, 0x40, 0, 0x1a)
	case 5:
		if depth < depths {
			g.turns(depth, 0x40, func() { g.statement(depth + 1) })
		}
	default: // leave the function, perhaps
		g.leaf()
		g.emit(0x45, 0x04, 0x40)
		g.leaf()
		g.emit(0x0f, 0x0b)
	}
}
