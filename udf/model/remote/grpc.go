package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"
)

// oipGRPC speaks the Open Inference Protocol v2 over gRPC. Of its messages only a few fields are needed, so they are written and read as
// they are on the wire; tensors go as raw contents.
// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_grpc.md
type oipGRPC struct {
	client *http.Client
	at     *endpoint
	d      *Descriptor
}

// wireMessage is one of gRPC's, encoded.
type wireMessage struct{ b []byte }

// wireCodec gives connect the bytes of messages.
type wireCodec struct{}

// Name implements connect.Codec.
func (wireCodec) Name() string { return "proto" }

// Marshal implements connect.Codec.
func (wireCodec) Marshal(m any) ([]byte, error) { return m.(*wireMessage).b, nil }

// Unmarshal implements connect.Codec. The bytes are valid until it returns.
func (wireCodec) Unmarshal(b []byte, m any) error {
	m.(*wireMessage).b = slices.Clone(b)
	return nil
}

// call calls a method of the service and gives each field of the answer to read.
func (p *oipGRPC) call(ctx context.Context, method string, request []byte, limit int64, read fieldReader) error {
	c := connect.NewClient[wireMessage, wireMessage](limited{p.client, limit}, p.at.at("inference.GRPCInferenceService", method),
		connect.WithGRPC(), connect.WithCodec(wireCodec{}), connect.WithReadMaxBytes(int(limit)), connect.WithAcceptCompression("gzip", nil, nil))
	resp, err := c.CallUnary(ctx, connect.NewRequest(&wireMessage{b: request}))
	if err != nil {
		return p.fault(err)
	}
	if err := fields(resp.Msg.b, read); err != nil {
		return wrongAnswer(err)
	}
	return nil
}

// limited makes answers end that are larger than they may be: connect reads the rest of such a message and throws it away.
type limited struct {
	client *http.Client
	limit  int64
}

// Do implements connect.HTTPClient.
func (l limited) Do(r *http.Request) (*http.Response, error) {
	resp, err := l.client.Do(r)
	if err == nil {
		resp.Body = &limitedBody{resp.Body, l.limit + 64<<10}
	}
	return resp, err
}

var errLarge = errors.New("the answer has more bytes than it may have")

type limitedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLarge
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// fault classifies an error of connect's.
func (p *oipGRPC) fault(err error) error {
	kind := broken
	switch connect.CodeOf(err) {
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeAborted, connect.CodeCanceled:
		kind = passing
	case connect.CodeResourceExhausted:
		if connect.IsWireError(err) { // else it is the answer that is too large
			kind = passing
		}
	case connect.CodeInvalidArgument, connect.CodeFailedPrecondition, connect.CodeOutOfRange:
		kind = refused
	}
	if errors.Is(err, errRedirect) || errors.Is(err, errLarge) {
		kind = broken
	}
	return fault(kind, "%s", said(p.client, []byte(err.Error())))
}

// fieldReader is given the fields of a message: value is set for those with a length, number for the others.
type fieldReader func(field protowire.Number, value []byte, number uint64) error

var errWire = errors.New("a message cannot be read")

func fields(b []byte, read fieldReader) error {
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errWire
		}
		b = b[n:]
		var value []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		default:
			n = protowire.ConsumeFieldValue(num, kind, b)
		}
		if n < 0 {
			return errWire
		}
		b = b[n:]
		if err := read(num, value, number); err != nil {
			return err
		}
	}
	return nil
}

func appendField(dst []byte, num protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, num, protowire.BytesType), value)
}

// model writes the model's name and version, which all requests begin with.
func (p *oipGRPC) model() []byte {
	b := appendField(nil, 1, []byte(p.at.model))
	if p.at.version != "" {
		b = appendField(b, 2, []byte(p.at.version))
	}
	return b
}

// describe implements protocol.
func (p *oipGRPC) describe(ctx context.Context) error {
	var name []string
	err := p.call(ctx, "ServerMetadata", nil, metadataLimit, func(field protowire.Number, value []byte, _ uint64) error {
		if field == 1 || field == 2 {
			name = append(name, message(value))
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.d.Server, p.d.Binary = strings.Join(name, " "), true
	var versions []string
	err = p.call(ctx, "ModelMetadata", p.model(), metadataLimit, func(field protowire.Number, value []byte, _ uint64) error {
		switch field {
		case 2:
			versions = append(versions, string(value))
		case 4:
			return wireTensor(value, &p.d.Inputs)
		case 5:
			return wireTensor(value, &p.d.Outputs)
		}
		return nil
	})
	p.d.Version = strings.Join(versions, ", ")
	return err
}

// wireTensor reads name, datatype and shape, which the messages for tensors all have as their first fields.
func wireTensor(b []byte, list *[]Tensor) error {
	var t Tensor
	err := fields(b, func(field protowire.Number, value []byte, number uint64) error {
		switch {
		case field == 1:
			t.Name = string(value)
		case field == 2:
			t.Datatype = string(value)
		case field == 3 && value == nil:
			t.Shape = append(t.Shape, int64(number))
		case field == 3: // packed
			for len(value) > 0 {
				d, n := protowire.ConsumeVarint(value)
				if n < 0 {
					return errWire
				}
				t.Shape, value = append(t.Shape, int64(d)), value[n:]
				if len(t.Shape) > maxRank {
					return errRank
				}
			}
		}
		return nil
	})
	if len(t.Shape) > maxRank {
		return errRank
	}
	*list = append(*list, t)
	return err
}

// infer implements protocol.
func (p *oipGRPC) infer(ctx context.Context, st *stats, b *batch) error {
	req := p.model()
	for _, t := range p.d.Inputs {
		in := appendField(appendField(nil, 1, []byte(t.Name)), 2, []byte(t.Datatype))
		var dims []byte
		for _, d := range t.shape(b.hi - b.lo) {
			dims = protowire.AppendVarint(dims, uint64(d))
		}
		req = appendField(req, 5, appendField(in, 3, dims))
	}
	for _, t := range p.d.Outputs { // some servers give but one unless they are asked
		req = appendField(req, 6, appendField(nil, 1, []byte(t.Name)))
	}
	for i, t := range p.d.Inputs {
		req = appendField(req, 7, appendRaw(nil, t, &b.in[i], b.lo*t.width(), b.hi*t.width()))
	}
	var outputs []Tensor
	var typed, raw [][]byte
	version := ""
	if err := p.call(ctx, "ModelInfer", req, b.limit, gather(&version, &outputs, &typed, &raw)); err != nil {
		return err
	}
	if err := p.place(b, outputs, typed, raw); err != nil {
		return err
	}
	st.answers(message([]byte(version)))
	return nil
}

// gather reads an answer's fields: the outputs, each with the bytes that it was read from, and the raw contents.
func gather(version *string, outputs *[]Tensor, typed, raw *[][]byte) fieldReader {
	return func(field protowire.Number, value []byte, _ uint64) error {
		switch field {
		case 2:
			*version = string(value)
		case 5:
			*typed = append(*typed, value)
			return wireTensor(value, outputs)
		case 6:
			*raw = append(*raw, value)
		}
		return nil
	}
}

// place moves the outputs of an answer to their columns: from raw contents, which are all or none, or from typed ones.
func (p *oipGRPC) place(b *batch, outputs []Tensor, typed, raw [][]byte) error {
	if len(raw) > 0 && len(raw) != len(outputs) {
		return wrongAnswer(fmt.Errorf("it has %d raw contents for %d outputs", len(raw), len(outputs)))
	}
	all := p.d.outputs()
	for k, o := range outputs {
		i, ok, err := all.named(o.Name)
		if err != nil {
			return wrongAnswer(err)
		}
		if !ok {
			continue
		}
		t := p.d.Outputs[i]
		if err := t.fits(o.Datatype, o.Shape, b.hi-b.lo); err != nil {
			return wrongAnswer(err)
		}
		lo, hi := b.lo*t.width(), b.hi*t.width()
		if len(raw) > 0 {
			err = readRaw(raw[k], t, &b.out[i], lo, hi)
		} else {
			err = readContents(typed[k], t, &b.out[i], lo, hi)
		}
		if err != nil {
			return wrongAnswer(err)
		}
	}
	return all.complete()
}
