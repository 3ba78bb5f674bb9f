package remote

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace/millrace/udf/model"
)

// tfserving speaks TensorFlow Serving's REST API: https://www.tensorflow.org/tfx/serving/api_rest
type tfserving struct {
	web web
	at  *endpoint
	d   *Descriptor
}

// tfSignature is the signature that SavedModels have unless they say otherwise.
const tfSignature = "serving_default"

// tfTypes are TensorFlow's types by those of the Open Inference Protocol.
var tfTypes = map[string]string{
	"DT_FLOAT": "FP32", "DT_DOUBLE": "FP64", "DT_INT64": "INT64", "DT_INT32": "INT32", "DT_INT16": "INT16", "DT_INT8": "INT8",
	"DT_UINT32": "UINT32", "DT_UINT16": "UINT16", "DT_UINT8": "UINT8", "DT_BOOL": "BOOL", "DT_STRING": "BYTES",
}

// describe implements protocol. Signatures are in metadata.signature_def.signature_def.
func (p *tfserving) describe(ctx context.Context) error {
	a, err := p.web.get(ctx, p.at.at(append(p.at.modelPath("v1"), "metadata")...))
	if err != nil {
		return err
	}
	p.d.Server = "TensorFlow Serving"
	found := false
	err = decode(a.body, func(s *scanner, key string) error {
		switch key {
		case "model_spec":
			return member(s, "version", func() (err error) { p.d.Version, err = s.text(); return err })
		case "metadata":
			return member(s, "signature_def", func() error {
				return member(s, "signature_def", func() error {
					return member(s, tfSignature, func() error { found = true; return p.signature(s) })
				})
			})
		}
		return s.skip()
	})
	if err == nil && !found {
		err = errors.New("the model has no signature " + tfSignature)
	}
	return err
}

// member reads one member of an object and passes the others over.
func member(s *scanner, name string, read func() error) error {
	return s.object(func(key string) error {
		if key == name {
			return read()
		}
		return s.skip()
	})
}

func (p *tfserving) signature(s *scanner) error {
	return s.object(func(key string) error {
		switch key {
		case "inputs":
			return tfTensors(s, &p.d.Inputs)
		case "outputs":
			return tfTensors(s, &p.d.Outputs)
		}
		return s.skip()
	})
}

// tfTensors reads tensors by name. Their order in a JSON object means nothing, so they are sorted.
func tfTensors(s *scanner, list *[]Tensor) error {
	err := s.object(func(name string) error {
		t := Tensor{Name: name}
		err := s.object(func(key string) error {
			switch key {
			case "dtype":
				kind, err := s.text()
				if t.Datatype = tfTypes[kind]; t.Datatype == "" {
					t.Datatype = kind // to be refused by its name
				}
				return err
			case "tensor_shape":
				return member(s, "dim", func() error {
					return s.array(func() error {
						return member(s, "size", func() error { return tfSize(s, &t.Shape) })
					})
				})
			}
			return s.skip()
		})
		*list = append(*list, t)
		return err
	})
	slices.SortFunc(*list, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	return err
}

// tfSize reads a dimension, a number in a string.
func tfSize(s *scanner, dims *[]int64) error {
	text, err := s.text()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if *dims = append(*dims, n); len(*dims) > maxRank {
		return errRank
	}
	return err
}

// tfWords are in the REST API's description, under JSON conformance.
var tfWords = words{nan: "NaN", inf: "Infinity"}

// infer implements protocol: inputs go by columns.
func (p *tfserving) infer(ctx context.Context, _ *stats, b *batch) error {
	body := []byte(`{"signature_name":"` + tfSignature + `","inputs":{`)
	for i, t := range p.d.Inputs {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(appendText(body, t.Name), ':')
		var err error
		k := b.lo * t.width()
		if body, err = appendNested(body, t, &b.in[i], t.shape(b.hi-b.lo), &k); err != nil {
			return fault(refused, "%w", err)
		}
	}
	body = append(body, "}}"...)
	path := p.at.modelPath("v1")
	path[len(path)-1] += ":predict"
	a, err := p.web.do(ctx, http.MethodPost, p.at.at(path...), jsonHeader(), body, b.limit)
	if err != nil {
		return err
	}
	return p.response(b, a.body)
}

// appendNested writes the elements from k on in the shape.
func appendNested(dst []byte, t Tensor, c *model.Column, shape []int64, k *int) ([]byte, error) {
	if len(shape) == 0 {
		*k++
		return appendElement(dst, t.elem(), c, *k-1, tfWords)
	}
	dst = append(dst, '[')
	for i := range shape[0] {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendNested(dst, t, c, shape[1:], k); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

// response reads outputs: an object of them by name, or the one itself.
func (p *tfserving) response(b *batch, body []byte) error {
	all := p.d.outputs()
	read := func(s *scanner, i int) error { return s.rows(p.d.Outputs[i], &b.out[i], b.lo, b.hi) }
	err := decode(body, func(s *scanner, key string) error {
		switch {
		case key != "outputs":
			return s.skip()
		case s.peek() != '{' && len(p.d.Outputs) == 1:
			if err := all.given(0); err != nil {
				return err
			}
			return read(s, 0)
		}
		return s.object(func(name string) error {
			i, ok, err := all.named(name)
			if err != nil {
				return err
			}
			if !ok {
				return s.skip()
			}
			return read(s, i)
		})
	})
	if err != nil {
		return err
	}
	return all.complete()
}
