package meter

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// meterOf is the code that takes a price.
func meterOf(c check, price uint32) []byte {
	code := bytes.Clone(c.spend)
	putPrice(code[c.price:], price)
	return code
}

// TestWhereItIsMetered: which code pays how much, and where none need.
func TestWhereItIsMetered(t *testing.T) {
	const imports, globals = 2, 3
	c := newCheck(imports, globals)
	pays := func(price uint32) []byte { return meterOf(c, price) }
	repeat := func(n int, b ...byte) []byte { return bytes.Repeat(b, n) }
	loop := []byte{opLoop, noResult}
	type parts = [][]byte
	// The code of a function without its end.
	for name, f := range map[string]struct{ code, want parts }{
		"arithmetic": {parts{{0x20, 0, opI32Const, 0x90, 0x22, 0x6a}}, nil}, // a constant that looks like a call
		"call":       {parts{{opCall, 2}}, parts{pays(3 + maxStraight), {opCall, 3}}},
		"call long":  {parts{{opCall, 0x82, 0}}, parts{pays(4 + maxStraight), {opCall, 3}}}, // its number is written longer than need be
		"call host":  {parts{{opI32Const, 0, opCall, 1}}, parts{{opI32Const, 0}, c.refuel, {opCall, 1}}},
		"indirect":   {parts{{opCallIndirect, 0, 0}}, parts{pays(4 + maxStraight), {opCallIndirect, 0, 0}}},
		"reference":  {parts{{opRefFunc, 2, 0x1a}}, parts{{opRefFunc, 3, 0x1a}}},
		"to host":    {parts{{opRefFunc, 1, opCallIndirect, 0, 0}}, parts{pays(6), {opRefFunc, 1}, c.refuel, {opCallIndirect, 0, 0}}},
		"fill":       {parts{{pageBulk, 0x8b, 0, 0}}, parts{c.refuel, {pageBulk, 0x8b, 0, 0}}},
		"truncate":   {parts{{pageBulk, 7}}, nil},
		"grow":       {parts{{opMemoryGrow, 0}}, parts{c.refuel, {opMemoryGrow, 0}}},
		"branches":   {parts{{0x0e, 2, 0, 1, 0x10, 0x01}}, nil},
		"constants":  {parts{{0x43, 0x10, 0x11, 0xfc, 0x0b, 0x44, 0x10, 0, 0, 0, 0, 0, 0, 0}}, nil},
		"vector":     {parts{{pageSIMD, 12}, repeat(16, opCall)}, nil},
		"short":      {parts{repeat(maxStraight-1, 1)}, nil},
		"long":       {parts{repeat(maxStraight, 1)}, parts{pays(maxStraight + 1), repeat(maxStraight, 1)}},
		"loop":       {parts{loop, {0x0c, 0, opEnd}}, parts{loop, pays(3), {0x0c, 0, opEnd}}},
		"in a loop": {
			parts{loop, {1}, loop, {opCall, 2, opEnd}, {opBlock, noResult, 0x0c, 1, opEnd}, {opEnd}},
			parts{pays(2 + 12 + 1 + maxStraight), loop, pays(12 + maxStraight), {1}, loop, pays(3 + maxStraight), {opCall, 3, opEnd}, {opBlock, noResult, 0x0c, 1, opEnd}, {opEnd}},
		},
		"typed": {parts{{opLoop, 0}, {1, opEnd}}, parts{{opLoop, 0}, pays(2), {1, opEnd}}},
	} {
		m := &module{arities: []uint32{0}, functions: make([]uint32, imports+1), imported: imports, next: imports, globals: globals, check: c}
		body := slices.Concat([]byte{0}, slices.Concat(f.code...), []byte{opEnd})
		if f.want == nil {
			f.want = f.code
		}
		want := slices.Concat([]byte{0}, slices.Concat(f.want...), []byte{opEnd})
		b := transcribe(appendBody(nil, body))
		m.body(b)
		if got := b.end(); b.err != nil || !bytes.Equal(got, appendBody(nil, want)) {
			t.Errorf("%s: got % x, %v, want % x", name, got, b.err, appendBody(nil, want))
		}
	}
}

func appendBody(out, body []byte) []byte {
	return append(appendNumber(out, uint32(len(body))), body...)
}

// TestUnknownInstructions: what cannot be told from what follows it is refused.
func TestUnknownInstructions(t *testing.T) {
	for _, code := range [][]byte{
		{0x06},
		{0x12, 0},
		{0xfc, 18},
		{0xfd, 0x80, 2},
		{0xfe, 0},
		{0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f},
		{0x41, 0x80},
		{opBlock},
		{opLoop, noResult, opEnd},
		{opEnd, opEnd},
	} {
		b := transcribe(appendBody(nil, append([]byte{0}, code...)))
		m := &module{arities: []uint32{0}, functions: []uint32{0}, check: newCheck(0, 0)}
		if m.body(b); b.err == nil {
			t.Errorf("% x is taken", code)
		}
	}
}

// TestPrices: they are read as they were written.
func TestPrices(t *testing.T) {
	for _, price := range []uint32{0, 1, 63, 64, 127, 128, 1 << 20, 1<<31 - 1} {
		var b [priceBytes]byte
		putPrice(b[:], price)
		r := &reader{rest: b[:]}
		if got := r.u32(); got != price || r.err != nil || len(r.rest) > 0 || b[priceBytes-1] > 0x3f {
			t.Errorf("%d is written as % x", price, b)
		}
	}
}

// TestCompilingIsBounded: what takes the compiler long or much memory.
func TestCompilingIsBounded(t *testing.T) {
	emptyLoop := []byte{opLoop, noResult, opEnd}
	// A module of functions with so many variables each, of type 0, () -> (); type 1 gives and takes so many values.
	file := func(values, variables int, codes ...[]byte) []byte {
		types := []byte{2, 0x60, 0, 0, 0x60}
		for range 2 {
			types = append(appendNumber(types, uint32(values)), bytes.Repeat([]byte{typeI32}, values)...)
		}
		functions, bodies := appendNumber(nil, uint32(len(codes)+1)), appendNumber(nil, uint32(len(codes)+1))
		functions, bodies = append(functions, 1), appendBody(bodies, []byte{0, opEnd})
		for _, c := range codes {
			functions = append(functions, 0)
			bodies = appendBody(bodies, slices.Concat(appendNumber([]byte{1}, uint32(variables)), []byte{typeI32}, c, []byte{opEnd}))
		}
		return withSection(withSection(withSection(header()[:8], sectionType, types...), sectionFunction, functions...), sectionCode, bodies...)
	}
	table := append([]byte{opBlock, noResult, opI32Const, 0, 0x0e, 100}, append(make([]byte, 101), opEnd)...)
	const often, large = "branch too often", "bytes, with the values that it passes"
	for name, c := range map[string]struct {
		values, variables int
		code              []byte
		reason            string
	}{
		"loops":           {0, 0, bytes.Repeat(emptyLoop, 6000), often},
		"fills":           {0, 0, bytes.Repeat([]byte{opI32Const, 0, opI32Const, 0, opI32Const, 0, pageBulk, 0x0b, 0}, 2000), often},
		"tables":          {0, 0, bytes.Repeat(table, 200), often},
		"variables":       {0, 1000, bytes.Repeat(emptyLoop, 2000), often},
		"few loops":       {0, 50_000, bytes.Repeat(emptyLoop, 1), often},
		"blocks":          {1000, 0, bytes.Repeat([]byte{opBlock, 1, opEnd}, 5000), often},
		"calls":           {1000, 0, bytes.Repeat([]byte{opCall, 0}, 1000), large},
		"calls of anyone": {1000, 0, bytes.Repeat([]byte{opCallIndirect, 1, 0}, 1000), large},
		"bytes":           {0, 0, bytes.Repeat([]byte{1}, maxSize), large},
		"values":          {1001, 0, nil, "1001 parameters or results"},
	} {
		if _, err := Bound(file(c.values, c.variables, c.code)); err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: got %v, want %q", name, err, c.reason)
		}
	}
	some := bytes.Repeat(emptyLoop, 2500)
	if _, err := Bound(file(1000, 100, some[:750], bytes.Repeat([]byte{opCall, 0}, 500))); err != nil {
		t.Error(err)
	}
	if _, err := Bound(file(0, 0, some, some)); err != nil {
		t.Error(err)
	}
	if _, err := Bound(file(0, 0, some, some, some, some, some)); err == nil || !strings.Contains(err.Error(), often) {
		t.Errorf("all together: got %v", err)
	}
	more := withSection(header(), sectionCode, 2, 2, 0, opEnd, 2, 0, opEnd)
	if _, err := Bound(more); err == nil || !strings.Contains(err.Error(), "the code of more functions") {
		t.Error(err)
	}
}
