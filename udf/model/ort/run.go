package ort

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/millrace/millrace/udf/model"
)

// call is what one run needs. It belongs to one goroutine.
type call struct {
	session           *session
	inNames, outNames []*byte
	in, out           []handle
	buffers           [][]uint64 // by input: elements that no column has as the library wants them; words, so that they are aligned
	shape             []int64
	text              []byte
	offsets           []uintptr
}

func newCall(s *session) *call {
	c := &call{session: s, in: make([]handle, len(s.inputs)), out: make([]handle, len(s.outputs)), buffers: make([][]uint64, len(s.inputs))}
	for _, p := range s.inputs {
		c.inNames = append(c.inNames, p.cName)
	}
	for _, p := range s.outputs {
		c.outNames = append(c.outNames, p.cName)
	}
	return c
}

// run gives the model rows of the columns, from the first on. It leaves the outputs in c.out; release gives them back.
func (c *call) run(ctx context.Context, in []model.Column, first, rows int) error {
	defer c.drop(c.in)
	if err := c.fill(in, first, rows); err != nil {
		return err
	}
	options, done, err := c.session.stoppable(ctx)
	if err != nil {
		return err
	}
	defer done()
	err = c.invoke(options)
	runtime.KeepAlive(in) // the tensors lie over it
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// fill makes the inputs, whose tensors lie over the columns.
func (c *call) fill(in []model.Column, first, rows int) error {
	for i, p := range c.session.inputs {
		if err := c.value(i, &in[i], first*p.width, rows); err != nil {
			return fmt.Errorf("input %s: %w", p.name, err)
		}
	}
	return nil
}

// invoke runs the model.
func (c *call) invoke(options handle) error {
	return c.session.call(runSession, uintptr(c.session.object), uintptr(options),
		uintptr(unsafe.Pointer(unsafe.SliceData(c.inNames))), uintptr(unsafe.Pointer(unsafe.SliceData(c.in))), uintptr(len(c.in)),
		uintptr(unsafe.Pointer(unsafe.SliceData(c.outNames))), uintptr(len(c.out)), uintptr(unsafe.Pointer(unsafe.SliceData(c.out))))
}

// stoppable makes a run that ends when the context does, where it can end. done is called after the run.
func (s *session) stoppable(ctx context.Context) (options handle, done func(), err error) {
	if ctx.Done() == nil {
		return nil, func() {}, nil
	}
	if err := s.call(createRunOptions, uintptr(unsafe.Pointer(&options))); err != nil {
		return nil, nil, err
	}
	var stopping sync.WaitGroup
	stopping.Add(1)
	stop := context.AfterFunc(ctx, func() {
		defer stopping.Done()
		_ = s.call(runOptionsSetTerminate, uintptr(options)) // a run that does not end now ends later
	})
	return options, func() {
		if !stop() {
			stopping.Wait()
		}
		s.release(releaseRunOptions, options)
	}, nil
}

// release gives back the outputs of a run.
func (c *call) release() { c.drop(c.out) }

func (c *call) drop(values []handle) {
	for i, v := range values {
		c.session.release(releaseValue, v)
		values[i] = nil
	}
}

// value makes the tensor of input i from rows of a column.
func (c *call) value(i int, col *model.Column, first, rows int) error {
	s, p := c.session, c.session.inputs[i]
	n := rows * p.width
	c.shape = append(c.shape[:0], p.shape...)
	if s.batched {
		c.shape[0] = int64(rows)
	}
	if p.elem == stringElement {
		return c.strings(&c.in[i], col.String[first:][:n])
	}
	data := p.elem.direct(col, first)
	if data == nil {
		size := (n*elements[p.elem].size + 7) / 8
		if cap(c.buffers[i]) < size {
			c.buffers[i] = make([]uint64, size)
		}
		data = unsafe.Pointer(unsafe.SliceData(c.buffers[i]))
		if err := p.elem.encode(data, col, first, n); err != nil {
			return err
		}
	}
	return s.call(createTensorWithDataAsOrtValue, uintptr(s.memory), uintptr(data), uintptr(n*elements[p.elem].size),
		uintptr(unsafe.Pointer(unsafe.SliceData(c.shape))), uintptr(len(c.shape)), uintptr(p.elem), uintptr(unsafe.Pointer(&c.in[i])))
}

// strings makes a tensor of texts, which the library copies.
func (c *call) strings(value *handle, texts []string) error {
	s := c.session
	err := s.call(createTensorAsOrtValue, uintptr(s.allocator), uintptr(unsafe.Pointer(unsafe.SliceData(c.shape))), uintptr(len(c.shape)),
		uintptr(stringElement), uintptr(unsafe.Pointer(value)))
	if err != nil {
		return err
	}
	for i, t := range texts {
		var chars *byte
		err := s.call(getResizedStringTensorElementBuffer, uintptr(*value), uintptr(i), uintptr(len(t)), uintptr(unsafe.Pointer(&chars)))
		if err != nil {
			return err
		}
		copy(unsafe.Slice(chars, len(t)), t)
	}
	return nil
}

// read copies an output of so many rows into a column, from the first element on.
func (c *call) read(i int, col *model.Column, first, rows int) error {
	p, v := c.session.outputs[i], c.out[i]
	if p.maps {
		return c.readMaps(v, p, col, first, rows)
	}
	elem, dims, err := c.session.tensorShape(v)
	if err != nil {
		return err
	}
	if n := product(dims); elem != p.elem || n != int64(rows*p.width) {
		return fmt.Errorf("%d elements, of shape %v, for %d rows of %d", n, dims, rows, p.width)
	}
	return c.readTensor(v, elem, col, first, rows*p.width)
}

// readTensor copies n elements of a tensor.
func (c *call) readTensor(v handle, elem element, col *model.Column, first, n int) error {
	s := c.session
	if elem == stringElement {
		return c.readStrings(v, col.String[first:][:n])
	}
	var data handle
	if err := s.call(getTensorMutableData, uintptr(v), uintptr(unsafe.Pointer(&data))); err != nil {
		return err
	}
	elem.decode(data, col, first, n)
	return nil
}

// readStrings copies texts: all of them lie in one piece of memory then.
func (c *call) readStrings(v handle, dst []string) error {
	s := c.session
	var size uintptr
	if err := s.call(getStringTensorDataLength, uintptr(v), uintptr(unsafe.Pointer(&size))); err != nil {
		return err
	}
	if cap(c.text) < int(size)+1 {
		c.text = make([]byte, size+1)
	}
	if cap(c.offsets) < len(dst) {
		c.offsets = make([]uintptr, len(dst))
	}
	c.offsets = c.offsets[:len(dst)]
	err := s.call(getStringTensorContent, uintptr(v), uintptr(unsafe.Pointer(unsafe.SliceData(c.text))), size,
		uintptr(unsafe.Pointer(unsafe.SliceData(c.offsets))), uintptr(len(dst)))
	if err != nil {
		return err
	}
	all := string(c.text[:size])
	for i, from := range c.offsets {
		to := size
		if i+1 < len(dst) {
			to = c.offsets[i+1]
		}
		dst[i] = all[from:to]
	}
	return nil
}

// readMaps copies the numbers of one map a row, in the order of their keys.
func (c *call) readMaps(v handle, p *port, col *model.Column, first, rows int) error {
	s := c.session
	var n uintptr
	if err := s.call(getValueCount, uintptr(v), uintptr(unsafe.Pointer(&n))); err != nil {
		return err
	}
	if int(n) != rows {
		return fmt.Errorf("%d maps for %d rows", n, rows)
	}
	for r := range rows {
		err := s.entry(v, r, func(m handle) error {
			return s.entry(m, mapValues, func(values handle) error {
				elem, dims, err := s.tensorShape(values)
				if err != nil {
					return err
				}
				if elem != p.elem || product(dims) != int64(p.width) {
					return fmt.Errorf("a map of %d keys, want %d", product(dims), p.width)
				}
				return c.readTensor(values, elem, col, first+r*p.width, p.width)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// What a map consists of.
const (
	mapKeys   = 0
	mapValues = 1
)

// entry gives a value inside a sequence or a map to fn, for as long as that runs.
func (s *session) entry(v handle, index int, fn func(handle) error) error {
	var inner handle
	if err := s.call(getValue, uintptr(v), uintptr(index), uintptr(s.allocator), uintptr(unsafe.Pointer(&inner))); err != nil {
		return err
	}
	defer s.release(releaseValue, inner)
	return fn(inner)
}

// tensorShape reads the type and the dimensions of a value.
func (s *session) tensorShape(v handle) (element, []int64, error) {
	var info handle
	if err := s.call(getTensorTypeAndShape, uintptr(v), uintptr(unsafe.Pointer(&info))); err != nil {
		return 0, nil, err
	}
	defer s.release(releaseTensorTypeAndShapeInfo, info)
	return s.shapeOf(info)
}

func product(dims []int64) int64 {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	return n
}
