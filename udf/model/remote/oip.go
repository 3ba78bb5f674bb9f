package remote

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// oip speaks the Open Inference Protocol v2 over HTTP. https://github.com/kserve/open-inference-protocol
// Tensors go in binary where the server has that extension, else in JSON.
type oip struct {
	web web
	at  *endpoint
	d   *Descriptor
}

// binaryExtension is how a server's metadata names it.
const binaryExtension = "binary_tensor_data"

// describe implements protocol.
func (p *oip) describe(ctx context.Context) error {
	a, err := p.web.get(ctx, p.at.at("v2"))
	if err != nil {
		return err
	}
	var name, version string
	err = decode(a.body, func(s *scanner, key string) (err error) {
		switch key {
		case "name":
			name, err = s.text()
		case "version":
			version, err = s.text()
		case "extensions":
			err = s.array(func() error {
				e, err := s.text()
				p.d.Binary = p.d.Binary || e == binaryExtension
				return err
			})
		default:
			err = s.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	p.d.Server = strings.TrimSpace(name + " " + version)
	if a, err = p.web.get(ctx, p.at.at(p.at.modelPath("v2")...)); err != nil {
		return err
	}
	return decode(a.body, p.metadata)
}

// metadata reads a member of a model's metadata.
func (p *oip) metadata(s *scanner, key string) error {
	switch key {
	case "versions":
		if s.peek() != '[' { // null: it has none
			return s.skip()
		}
		var versions []string
		err := s.array(func() error {
			v, err := s.text()
			versions = append(versions, v)
			return err
		})
		p.d.Version = strings.Join(versions, ", ")
		return err
	case "inputs":
		return tensors(s, &p.d.Inputs)
	case "outputs":
		return tensors(s, &p.d.Outputs)
	}
	return s.skip()
}

// tensors reads a list of tensors without their data.
func tensors(s *scanner, list *[]Tensor) error {
	if s.peek() != '[' {
		return s.skip()
	}
	return s.array(func() error {
		var t Tensor
		err := s.object(func(key string) (err error) {
			switch key {
			case "name":
				t.Name, err = s.text()
			case "datatype":
				t.Datatype, err = s.text()
			case "shape":
				t.Shape, err = shape(s)
			default:
				err = s.skip()
			}
			return err
		})
		*list = append(*list, t)
		return err
	})
}

// maxRank bounds the dimensions of a tensor.
const maxRank = 16

var errRank = errors.New("a shape has too many dimensions")

func shape(s *scanner) ([]int64, error) {
	var dims []int64
	err := s.array(func() error {
		n, err := s.int()
		if dims = append(dims, n); len(dims) > maxRank {
			return errRank
		}
		return err
	})
	return dims, err
}

// infer implements protocol.
func (p *oip) infer(ctx context.Context, st *stats, b *batch) error {
	header := jsonHeader()
	body, err := p.request(b, header)
	if err != nil {
		return fault(refused, "%w", err)
	}
	a, err := p.web.do(ctx, http.MethodPost, p.at.at(append(p.at.modelPath("v2"), "infer")...), header, body, b.limit)
	if err != nil {
		return err
	}
	n := len(a.body)
	if h := a.header.Get("Inference-Header-Content-Length"); h != "" {
		if n, err = strconv.Atoi(h); err != nil || n < 0 || n > len(a.body) {
			return fault(broken, "the answer says that its JSON has %.40q bytes of %d", h, len(a.body))
		}
	}
	return p.response(st, b, a.body[:n], a.body[n:])
}

// request writes the body, and sets the header that says where its binary part begins.
func (p *oip) request(b *batch, header http.Header) ([]byte, error) {
	dst := []byte(`{"inputs":[`)
	var raw []byte
	for i, t := range p.d.Inputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(append(dst, `{"name":`...), t.Name)
		dst = appendText(append(dst, `,"datatype":`...), t.Datatype)
		dst = appendShape(append(dst, `,"shape":[`...), t.shape(b.hi-b.lo))
		lo, hi := b.lo*t.width(), b.hi*t.width()
		if p.d.Binary {
			before := len(raw)
			raw = appendRaw(raw, t, &b.in[i], lo, hi)
			dst = append(dst, `],"parameters":{"binary_data_size":`...)
			dst = append(strconv.AppendInt(dst, int64(len(raw)-before), 10), `}}`...)
			continue
		}
		dst = append(dst, `],"data":[`...)
		for k := lo; k < hi; k++ {
			if k > lo {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendElement(dst, t.elem(), &b.in[i], k, words{nan: "null"}); err != nil {
				return nil, err
			}
		}
		dst = append(dst, `]}`...)
	}
	dst = append(dst, `],"outputs":[`...) // some servers give but one unless they are asked
	for i, t := range p.d.Outputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(append(dst, `{"name":`...), t.Name)
		if p.d.Binary {
			dst = append(dst, `,"parameters":{"binary_data":true}`...)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, "]}"...)
	if p.d.Binary {
		header.Set("Content-Type", "application/octet-stream")
		header.Set("Inference-Header-Content-Length", strconv.Itoa(len(dst)))
	}
	return append(dst, raw...), nil
}

func appendShape(dst []byte, dims []int64) []byte {
	for i, d := range dims {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, d, 10)
	}
	return dst
}

// response reads an answer: raw is what follows the JSON.
func (p *oip) response(st *stats, b *batch, text, raw []byte) error {
	all, version := p.d.outputs(), ""
	err := decode(text, func(s *scanner, key string) (err error) {
		switch key {
		case "model_version":
			if s.peek() != '"' {
				return s.skip()
			}
			version, err = s.text()
			return err
		case "outputs":
			return s.array(func() error {
				o := oipOutput{size: -1}
				if err := s.object(func(key string) error { return o.field(s, key) }); err != nil {
					return err
				}
				raw, err = o.place(all, b, raw)
				return err
			})
		}
		return s.skip()
	})
	if err != nil {
		return err
	}
	if err := all.complete(); err != nil {
		return err
	}
	st.answers(version)
	return nil
}

// oipOutput is an output of an answer.
type oipOutput struct {
	name, datatype string
	shape          []int64
	data           []byte // JSON; nil: there is none
	size           int64  // of the binary part; -1: there is none
}

func (o *oipOutput) field(s *scanner, key string) (err error) {
	switch key {
	case "name":
		o.name, err = s.text()
	case "datatype":
		o.datatype, err = s.text()
	case "shape":
		o.shape, err = shape(s)
	case "data":
		s.peek()
		from := s.i
		err = s.skip()
		o.data = s.b[from:s.i]
	case "parameters":
		if s.peek() != '{' {
			return s.skip()
		}
		err = s.object(func(key string) (err error) {
			if key == "binary_data_size" {
				o.size, err = s.int()
				return err
			}
			return s.skip()
		})
	default:
		err = s.skip()
	}
	return err
}

// place moves the output to its column, and returns what is left of the binary part.
func (o *oipOutput) place(all *outputSet, b *batch, raw []byte) ([]byte, error) {
	var own []byte
	if o.size >= 0 {
		if o.size > int64(len(raw)) {
			return nil, errors.New("its binary part is cut off")
		}
		own, raw = raw[:o.size], raw[o.size:]
	}
	i, ok, err := all.named(o.name)
	if err != nil || !ok {
		return raw, err
	}
	t := all.list[i]
	if err := t.fits(o.datatype, o.shape, b.hi-b.lo); err != nil {
		return nil, err
	}
	lo, hi := b.lo*t.width(), b.hi*t.width()
	if o.size >= 0 {
		return raw, readRaw(own, t, &b.out[i], lo, hi)
	}
	s := scanner{b: o.data}
	return raw, s.flat(t, &b.out[i], lo, hi)
}
