package avro

import (
	le "encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/engine/format/connect"
	"github.com/millrace/millrace/sql/types"
)

// cursor walks over a payload.
type cursor struct {
	b      []byte
	i      int
	budget int // elements of collections that may still come
	depth  int // levels that may still open
	chosen int // the branch that was read last
}

// freeElements is how many elements a payload may have beyond its bytes: some, like null, take none.
const freeElements = 1 << 12

var (
	errShort  = errors.New("the payload ends within a value")
	errVarint = errors.New("a number of more than 64 bits")
	errDepth  = errors.New("nested too deeply")
	errMany   = errors.New("more elements than the payload can hold")
)

func (c *cursor) byte() (byte, error) {
	if c.i >= len(c.b) {
		return 0, errShort
	}
	c.i++
	return c.b[c.i-1], nil
}

// varint reads a zigzag number.
func (c *cursor) varint() (int64, error) {
	if c.i < len(c.b) && c.b[c.i] < 0x80 {
		u := uint64(c.b[c.i])
		c.i++
		return int64(u>>1) ^ -int64(u&1), nil
	}
	v, n := le.Varint(c.b[c.i:])
	switch {
	case n == 0:
		return 0, errShort
	case n < 0:
		return 0, errVarint
	}
	c.i += n
	return v, nil
}

func (c *cursor) take(n int) ([]byte, error) {
	if n > len(c.b)-c.i {
		return nil, errShort
	}
	c.i += n
	return c.b[c.i-n : c.i], nil
}

func (c *cursor) bytes() ([]byte, error) {
	n, err := c.varint()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(len(c.b)-c.i) {
		return nil, errShort
	}
	return c.take(int(n))
}

func (c *cursor) uint32() (uint32, error) {
	b, err := c.take(4)
	if err != nil {
		return 0, err
	}
	return le.LittleEndian.Uint32(b), nil
}

func (c *cursor) uint64() (uint64, error) {
	b, err := c.take(8)
	if err != nil {
		return 0, err
	}
	return le.LittleEndian.Uint64(b), nil
}

// block reads the head of a block of a collection: how many elements follow, 0 at the end, and their size in bytes if it is told.
func (c *cursor) block() (count int, size int64, err error) {
	n, err := c.varint()
	if err != nil || n == 0 {
		return 0, -1, err
	}
	size = -1
	if n < 0 {
		if size, err = c.varint(); err != nil {
			return 0, 0, err
		}
		if n == math.MinInt64 || size < 0 || size > int64(len(c.b)-c.i) {
			return 0, 0, errShort
		}
		n = -n
	}
	if n > int64(c.budget) {
		return 0, 0, errMany
	}
	c.budget -= int(n)
	return int(n), size, nil
}

// branch reads which branch of a union follows.
func (c *cursor) branch(n *node) (b *node, isNull bool, err error) {
	at, err := c.varint()
	if err != nil {
		return nil, false, err
	}
	if at < 0 || at >= int64(len(n.schema.branches)) {
		return nil, false, fmt.Errorf("a union has no branch %d", at)
	}
	c.chosen = int(at)
	if n.nullAt >= 0 {
		return n.parts[0], int(at) == n.nullAt, nil
	}
	b = n.parts[at]
	return b, b.kind == null && b.wrong == nil, b.wrong
}

// open goes a level down.
func (c *cursor) open() error {
	if c.depth--; c.depth < 0 {
		return errDepth
	}
	return nil
}

// skip passes over a value.
func (c *cursor) skip(n *node) error {
	switch n.kind {
	case null:
		return nil
	case union, record, array, entries, mapping:
		if err := c.open(); err != nil {
			return err
		}
		err := c.skipParts(n)
		c.depth++
		return err
	case integer, long, enum:
		_, err := c.varint()
		return err
	case text, binary:
		_, err := c.bytes()
		return err
	}
	_, err := c.scalar(n)
	return err
}

func (c *cursor) skipParts(n *node) error {
	switch n.kind {
	case union:
		b, isNull, err := c.branch(n)
		if err != nil || isNull {
			return err
		}
		return c.skip(b)
	case record:
		for _, p := range n.parts {
			if err := c.skip(p); err != nil {
				return err
			}
		}
		return nil
	}
	return c.skipBlocks(n)
}

func (c *cursor) skipBlocks(n *node) error {
	for {
		count, size, err := c.block()
		if err != nil || count == 0 {
			return err
		}
		if size >= 0 {
			c.i += int(size)
			continue
		}
		for range count {
			if n.kind == mapping {
				if _, err := c.bytes(); err != nil {
					return err
				}
			}
			if err := c.skip(n.parts[0]); err != nil {
				return err
			}
		}
	}
}

// box reads a value in its boxed form.
func (c *cursor) box(n *node) (any, error) {
	if n.target == nil {
		return nil, c.skip(n)
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	defer func() { c.depth++ }()
	switch n.kind {
	case null:
		return nil, nil
	case union:
		b, isNull, err := c.branch(n)
		if err != nil || isNull {
			return nil, err
		}
		return c.chosenBranch(n, b)
	case record:
		return c.boxRecord(n)
	case array:
		return c.boxArray(n)
	case entries, mapping:
		return c.boxMap(n)
	}
	s, err := c.scalar(n)
	if err != nil {
		return nil, err
	}
	return connect.Box(n.target, s)
}

// chosenBranch reads the value of a union; where each branch is a field of its own, the others are NULL.
func (c *cursor) chosenBranch(n, b *node) (any, error) {
	if n.take == nil || n.take[c.chosen] < 0 {
		return c.box(b)
	}
	out := make([]any, len(n.target.Fields))
	at := n.take[c.chosen]
	var err error
	out[at], err = c.box(b)
	return out, err
}

func (c *cursor) boxRecord(n *node) (any, error) {
	out := make([]any, len(n.target.Fields))
	for i, p := range n.parts {
		x, err := c.box(p)
		if err != nil {
			return nil, err
		}
		if at := n.take[i]; at >= 0 {
			out[at] = x
		}
	}
	return out, nil
}

func (c *cursor) boxArray(n *node) (any, error) {
	out := []any{}
	for {
		count, _, err := c.block()
		if err != nil {
			return nil, err
		}
		if count == 0 {
			return out, nil
		}
		for range count {
			x, err := c.box(n.parts[0])
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
	}
}

func (c *cursor) boxMap(n *node) (any, error) {
	out := types.Map{}
	places := map[any]int{}
	for {
		count, _, err := c.block()
		if err != nil {
			return nil, err
		}
		if count == 0 {
			return out, nil
		}
		for range count {
			key, err := c.key(n)
			if err != nil {
				return nil, err
			}
			x, err := c.box(n.parts[len(n.parts)-1])
			if err != nil {
				return nil, err
			}
			if at, twice := places[key]; twice {
				out[at].Value = x
				continue
			}
			places[key] = len(out)
			out = append(out, types.MapEntry{Key: key, Value: x})
		}
	}
}

func (c *cursor) key(n *node) (any, error) {
	if n.kind == entries {
		return c.box(n.parts[0])
	}
	b, err := c.bytes()
	if err != nil {
		return nil, err
	}
	return connect.Box(types.String, connect.Scalar{Kind: connect.String, Bytes: b})
}
