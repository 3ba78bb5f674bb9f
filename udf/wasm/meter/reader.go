package meter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

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
	if n <= 0 || n > binary.MaxVarintLen32 || v > math.MaxUint32 {
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

// limits skips a smallest size, and a largest if there is one.
func (r *reader) limits() {
	flags := r.byte()
	if r.u32(); flags&1 != 0 {
		r.u32()
	}
}

// entries takes the number of things that a section, or a list in it, has.
func (r *reader) entries() uint32 {
	n := r.u32()
	if n > maxEntries || uint64(n) > uint64(len(r.rest)) { // each takes a byte at least
		r.refuse(fmt.Errorf("it says that it has %d things of one kind, in %d bytes: a module has %d at most", n, len(r.rest), maxEntries))
		return 0
	}
	return n
}

// index takes the number of one of so many things.
func (r *reader) index(of uint32, what string) uint32 {
	n := r.u32()
	if n >= of {
		r.refuse(fmt.Errorf("it speaks of %s %d, and has %d of them", what, n, of))
		return 0
	}
	return n
}

func (r *reader) fail() { r.refuse(errShort) }

// refuse ends the reading. The first reason counts.
func (r *reader) refuse(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

// transcript is a reader that copies what it reads but for what is replaced.
type transcript struct {
	reader
	out     []byte
	waiting []byte // not copied yet: what was read since, and the rest
}

func transcribe(b []byte) *transcript {
	return &transcript{reader: reader{rest: b}, waiting: b, out: make([]byte, 0, len(b)+len(b)/8+64)}
}

// insert puts bytes before a place, which is what was the rest there. Nothing behind it was replaced.
func (t *transcript) insert(before []byte, b ...byte) {
	if t.err == nil {
		t.out = append(append(t.out, t.waiting[:len(t.waiting)-len(before)]...), b...)
		t.waiting = before
	}
}

// replace puts bytes in the place of what was read since.
func (t *transcript) replace(since []byte, b ...byte) {
	if t.insert(since, b...); t.err == nil {
		t.waiting = t.rest
	}
}

// end returns the copy. All must have been read.
func (t *transcript) end() []byte {
	if len(t.rest) > 0 {
		t.refuse(fmt.Errorf("it has %d bytes behind the end of a list or a function", len(t.rest)))
	}
	if t.err != nil {
		return nil
	}
	return append(t.out, t.waiting...)
}

func appendNumber(b []byte, n uint32) []byte { return binary.AppendUvarint(b, uint64(n)) }
