package remote

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/millrace/millrace/udf/model"
)

// The raw form of a tensor: little-endian, row-major, no padding; BOOL takes a byte, an element of BYTES is its length in four bytes and
// itself. It is the same in the HTTP extension for binary tensors and in gRPC's raw contents.
// https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol/binary-tensor-data-extension

// appendRaw appends the elements lo to hi of a column.
func appendRaw(dst []byte, t Tensor, c *model.Column, lo, hi int) []byte {
	switch t.elem() {
	case model.Float32:
		for _, v := range c.Float32[lo:hi] {
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
		}
	case model.Float64:
		for _, v := range c.Float64[lo:hi] {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
		}
	case model.Int64:
		for _, v := range c.Int64[lo:hi] {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(v))
		}
	case model.Int32:
		for _, v := range c.Int64[lo:hi] {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(v))
		}
	case model.Bool:
		for _, v := range c.Bool[lo:hi] {
			b := byte(0)
			if v {
				b = 1
			}
			dst = append(dst, b)
		}
	case model.String:
		for _, v := range c.String[lo:hi] {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v)))
			dst = append(dst, v...)
		}
	}
	return dst
}

// readRaw reads exactly the elements lo to hi of a column.
func readRaw(b []byte, t Tensor, c *model.Column, lo, hi int) error {
	d := datatypes[t.Datatype]
	if d.size > 0 && len(b) != d.size*(hi-lo) {
		return fmt.Errorf("output %s has %d bytes, not %d", t.Name, len(b), d.size*(hi-lo))
	}
	switch d.elem {
	case model.Float32:
		for i := range c.Float32[lo:hi] {
			c.Float32[lo+i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case model.Float64:
		for i := range c.Float64[lo:hi] {
			c.Float64[lo+i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	case model.Int64, model.Int32:
		for i := range c.Int64[lo:hi] {
			c.Int64[lo+i] = readInt(b[d.size*i:], d)
		}
	case model.Bool:
		for i := range c.Bool[lo:hi] {
			c.Bool[lo+i] = b[i] != 0
		}
	case model.String:
		if err := readStrings(b, c.String[lo:hi]); err != nil {
			return fmt.Errorf("output %s: %w", t.Name, err)
		}
	}
	return nil
}

func readInt(b []byte, d datatype) int64 {
	switch d.size {
	case 1:
		if d.signed {
			return int64(int8(b[0]))
		}
		return int64(b[0])
	case 2:
		v := binary.LittleEndian.Uint16(b)
		if d.signed {
			return int64(int16(v))
		}
		return int64(v)
	case 4:
		v := binary.LittleEndian.Uint32(b)
		if d.signed {
			return int64(int32(v))
		}
		return int64(v)
	}
	return int64(binary.LittleEndian.Uint64(b))
}

var errText = errors.New("a text is not UTF-8")

func readStrings(b []byte, dst []string) error {
	for i := range dst {
		if len(b) < 4 {
			return errors.New("its texts are cut off")
		}
		n := int64(binary.LittleEndian.Uint32(b))
		if b = b[4:]; n > int64(len(b)) {
			return errors.New("its texts are cut off")
		}
		if dst[i] = string(b[:n]); !utf8.ValidString(dst[i]) {
			return errText
		}
		b = b[n:]
	}
	if len(b) > 0 {
		return errors.New("it has more texts than rows")
	}
	return nil
}
