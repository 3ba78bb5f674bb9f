package ort

import (
	"math"
	"slices"
	"unsafe"

	"github.com/millrace/millrace/udf/model"
)

// port is an input or an output of a model.
type port struct {
	name string
	elem element
	dims []int64 // as the model declares them; -1 is open
	maps bool    // an output of ZipMap: a map for each row

	cName *byte
	keys  []string // of the maps
	shape []int64  // that a call of one row has; of all other rows where batched
	width int      // elements a row
}

// open is the number of dimensions that the file leaves open.
func (p *port) open() int {
	n := 0
	for _, d := range p.dims {
		if d < 0 {
			n++
		}
	}
	return n
}

// session is a loaded model.
type session struct {
	*library
	object          handle
	inputs, outputs []*port
	// batched says that rows are stacked in the first dimension of all inputs and outputs. Otherwise a call has one row.
	batched bool
}

// newSession loads a model. Sessions have one thread, the caller's: threads of their own spin, and tasks run side by side anyway.
func newSession(l *library, b []byte) (_ *session, err error) {
	var options handle
	if err := l.call(createSessionOptions, uintptr(unsafe.Pointer(&options))); err != nil {
		return nil, err
	}
	defer l.release(releaseSessionOptions, options)
	if err := l.call(setIntraOpNumThreads, uintptr(options), 1); err != nil {
		return nil, err
	}
	if err := l.call(setInterOpNumThreads, uintptr(options), 1); err != nil {
		return nil, err
	}
	// Else the bytes might be in a format of the library's own, which nobody has looked into.
	key, value := cString("session.load_model_format"), cString("ONNX")
	if err := l.call(addSessionConfigEntry, uintptr(options), uintptr(unsafe.Pointer(key)), uintptr(unsafe.Pointer(value))); err != nil {
		return nil, err
	}
	s := &session{library: l}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	err = l.call(createSessionFromArray, uintptr(l.env), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		uintptr(options), uintptr(unsafe.Pointer(&s.object)))
	if err != nil {
		return nil, err
	}
	if s.inputs, err = s.ports(sessionGetInputCount, sessionGetInputName, sessionGetInputTypeInfo); err != nil {
		return nil, err
	}
	s.outputs, err = s.ports(sessionGetOutputCount, sessionGetOutputName, sessionGetOutputTypeInfo)
	return s, err
}

func (s *session) close() {
	s.release(releaseSession, s.object)
	s.object = nil
}

func (s *session) ports(count, name, info function) ([]*port, error) {
	var n uintptr
	if err := s.call(count, uintptr(s.object), uintptr(unsafe.Pointer(&n))); err != nil {
		return nil, err
	}
	list := make([]*port, n)
	for i := range list {
		var chars, t handle
		if err := s.call(name, uintptr(s.object), uintptr(i), uintptr(s.allocator), uintptr(unsafe.Pointer(&chars))); err != nil {
			return nil, err
		}
		p := &port{name: text(chars)}
		p.cName = cString(p.name)
		if err := s.call(allocatorFree, uintptr(s.allocator), uintptr(chars)); err != nil {
			return nil, err
		}
		if err := s.call(info, uintptr(s.object), uintptr(i), uintptr(unsafe.Pointer(&t))); err != nil {
			return nil, err
		}
		err := s.describe(p, t)
		s.release(releaseTypeInfo, t)
		if err != nil {
			return nil, err
		}
		list[i] = p
	}
	return list, nil
}

// The kinds of values: ONNXType.
const (
	tensorValue   = 1
	sequenceValue = 2
	mapValue      = 3
)

// kinds name them for messages.
var kinds = map[int32]string{2: "sequence", 3: "map", 4: "opaque value", 5: "sparse tensor", 6: "optional value"}

// describe reads what the file says of an input or output.
func (s *session) describe(p *port, info handle) error {
	var kind int32
	if err := s.call(getOnnxTypeFromTypeInfo, uintptr(info), uintptr(unsafe.Pointer(&kind))); err != nil {
		return err
	}
	if kind == sequenceValue { // of maps, as ZipMap makes it; what else it might be shows when it is run
		p.maps = true
		return nil
	}
	if kind != tensorValue {
		return unsupported("%s, a %s", p.name, kinds[kind])
	}
	var tensor handle // belongs to info
	if err := s.call(castTypeInfoToTensorInfo, uintptr(info), uintptr(unsafe.Pointer(&tensor))); err != nil {
		return err
	}
	var err error
	if p.elem, p.dims, err = s.shapeOf(tensor); err != nil {
		return err
	}
	if _, ok := elements[p.elem]; !ok {
		return unsupported("%s, whose elements are of type %d of onnx.proto", p.name, p.elem)
	}
	return nil
}

// shapeOf reads the type and the dimensions of a tensor.
func (s *session) shapeOf(tensor handle) (element, []int64, error) {
	var elem element
	if err := s.call(getTensorElementType, uintptr(tensor), uintptr(unsafe.Pointer(&elem))); err != nil {
		return 0, nil, err
	}
	var rank uintptr
	if err := s.call(getDimensionsCount, uintptr(tensor), uintptr(unsafe.Pointer(&rank))); err != nil {
		return 0, nil, err
	}
	dims := make([]int64, rank)
	err := s.call(getDimensions, uintptr(tensor), uintptr(unsafe.Pointer(unsafe.SliceData(dims))), rank)
	return elem, dims, err
}

// maxWidth bounds the elements that a row has of one input or output.
const maxWidth = 1 << 24

// shaped notes the shape that a port has for one row.
func (p *port) shaped(dims []int64) error {
	p.shape = slices.Clone(dims)
	p.width = 1
	for i, d := range dims {
		if d < 0 { // the open dimension
			p.shape[i] = 1
			continue
		}
		if d == 0 || d > math.MaxInt32 || p.width > maxWidth/int(d) {
			return unsupported("%s of shape %v", p.name, dims)
		}
		p.width *= int(d)
	}
	return nil
}

// input is the port in a signature, as the file declares it.
func (p *port) input() model.Tensor {
	return model.Tensor{Name: p.name, Type: elements[p.elem].as, Shape: slices.Clone(p.dims)}
}

// output is the port in a signature, as running the model has shown it. The dimension of the batch is marked where the file marks it.
func (p *port) output(batched bool) model.Tensor {
	t := model.Tensor{Name: p.name, Type: elements[p.elem].as, Shape: slices.Clone(p.shape), Keys: p.keys}
	if at := slices.Index(p.dims, -1); batched {
		t.Shape[0] = -1
	} else if p.open() == 1 && len(p.dims) == len(p.shape) && p.shape[at] == 1 {
		t.Shape[at] = -1
	}
	return t
}
