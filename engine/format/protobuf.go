package format

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/engine/format/protobuf"
	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// PROTOBUF: the registry's header, the path to the message in its schema, and the message. PROTOBUF_NOSR: the message alone.

// maxPath bounds how deep a message may be defined within others.
const maxPath = 16

// protobufSplit separates header and path from the message. The key of a decoder is those bytes.
func protobufSplit(payload []byte) (rest []byte, path []int, err error) {
	body := payload[headerLen:]
	if len(body) > 0 && body[0] == 0 { // nearly always: the first message
		return body[1:], nil, nil
	}
	count, n := binary.Varint(body)
	if n <= 0 || count < 0 || count > maxPath {
		return nil, nil, errors.New("the path to the message is broken")
	}
	body = body[n:]
	for range count {
		i, n := binary.Varint(body)
		if n <= 0 || i < 0 || i > 1<<16 {
			return nil, nil, errors.New("the path to the message is broken")
		}
		path = append(path, int(i))
		body = body[n:]
	}
	return body, path, nil
}

func newProtobufDecoder(f plan.Format, cols []Column, opts Options) (Decoder, error) {
	d := newRegisteredDecoder(f, cols, opts)
	var last string
	d.split = func(payload []byte) (string, []byte, error) {
		if _, err := headerID(payload); err != nil {
			return "", nil, err
		}
		body, _, err := protobufSplit(payload)
		if err != nil {
			return "", nil, err
		}
		if head := payload[:len(payload)-len(body)]; string(head) != last {
			last = string(head)
		}
		return last, body, nil
	}
	wanted := protobufColumns(cols)
	d.make = func(key string) (inner, error) {
		head := []byte(key)
		id := int(binary.BigEndian.Uint32(head[1:]))
		_, path, err := protobufSplit(head)
		if err != nil {
			return nil, err
		}
		if path == nil {
			path = []int{0}
		}
		m, err := fetchMessage(opts, id, path)
		if err != nil {
			return nil, err
		}
		r, err := protobuf.NewReader(m, wanted, f.Props[propNullable], false, opts.MaxDepth)
		if err != nil {
			return nil, fmt.Errorf("schema %d: %w", id, err)
		}
		return r, nil
	}
	return d, nil
}

func fetchMessage(opts Options, id int, path []int) (protoreflect.MessageDescriptor, error) {
	s, err := fetch(opts, id, registry.Protobuf)
	if err != nil {
		return nil, err
	}
	file, err := parseProtobuf(s)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	return protobuf.At(file, path)
}

func parseProtobuf(s registry.Schema) (protoreflect.FileDescriptor, error) {
	imports := map[string]string{}
	for _, r := range s.References {
		imports[r.Name] = r.Text
	}
	return protobuf.Parse(s.Text, imports)
}

func protobufColumns(cols []Column) []protobuf.Column {
	var out []protobuf.Column
	for _, c := range cols {
		if c.Target >= 0 {
			out = append(out, protobuf.Column{Name: c.Name, Type: c.Type, Target: c.Target})
		}
	}
	return out
}

type protobufEncoder struct {
	w        *protobuf.Writer
	head     []byte
	nullable int // >= 0: the one column, whose NULL is the record's
}

func newProtobufEncoder(f plan.Format, cols []Column, opts Options) (Encoder, error) {
	id, s, err := written(f, opts, registry.Protobuf, func() (string, error) {
		return protobuf.Derive(fieldsOf(cols), f.Props[propSchemaName], f.Props[propNullable])
	})
	if err != nil {
		return nil, fmt.Errorf("PROTOBUF: %w", err)
	}
	file, err := parseProtobuf(s)
	if err != nil {
		return nil, err
	}
	m, err := protobuf.Message(file, f.Props[propSchemaName])
	if errors.Is(err, protobuf.ErrSeveral) {
		m, err = file.Messages().Get(0), nil
	}
	if err != nil {
		return nil, fmt.Errorf("PROTOBUF: schema %d: %w", id, err)
	}
	w, err := protobuf.NewWriter(m, protobufColumns(cols), f.Props[propNullable], false)
	if err != nil {
		return nil, fmt.Errorf("PROTOBUF: schema %d: %w", id, err)
	}
	e := &protobufEncoder{w: w, head: appendHeader(nil, id), nullable: -1}
	path := protobuf.Indexes(m)
	if len(path) == 1 && path[0] == 0 {
		e.head = append(e.head, 0)
		return e, nil
	}
	e.head = binary.AppendVarint(e.head, int64(len(path)))
	for _, i := range path {
		e.head = binary.AppendVarint(e.head, int64(i))
	}
	return e, nil
}

// Append implements Encoder.
func (e *protobufEncoder) Append(dst []byte, cols []*vector.Vector, row int) ([]byte, error) {
	if e.nullable >= 0 && cols[e.nullable].IsNull(row) {
		return dst, ErrNull
	}
	start := len(dst)
	out, err := e.w.Append(append(dst, e.head...), cols, row)
	if err != nil {
		return dst[:start], fmt.Errorf("PROTOBUF: %w", err)
	}
	return out, nil
}

// plainMessage is the message of columns without a registry. A bare column is a message of one field, but a STRUCT is one itself.
func plainMessage(f plan.Format, cols []Column, opts Options) (m protoreflect.MessageDescriptor, renamed []Column, whole bool, err error) {
	fields := fieldsOf(cols)
	renamed = cols
	if bare(f, cols, opts) {
		if cols[0].Type.Kind == types.KindStruct {
			fields, whole = cols[0].Type.Fields, true
		} else {
			fields[0].Name = "value"
			renamed = []Column{{Name: "value", Type: cols[0].Type, Target: cols[0].Target}}
		}
	}
	text, err := protobuf.Derive(fields, "", f.Props[propNullable])
	if err != nil {
		return nil, nil, false, fmt.Errorf("%s: %w", f.Name, err)
	}
	file, err := protobuf.Parse(text, nil)
	if err != nil {
		return nil, nil, false, fmt.Errorf("%s: %w", f.Name, err)
	}
	return file.Messages().Get(0), renamed, whole, nil
}

// plainDecoder decodes messages that nothing stands before.
type plainDecoder struct {
	r       *protobuf.Reader
	opts    Options
	targets []int
}

func newPlainProtobufDecoder(f plan.Format, cols []Column, opts Options) (Decoder, error) {
	m, renamed, whole, err := plainMessage(f, cols, opts)
	if err != nil {
		return nil, err
	}
	d := &plainDecoder{opts: opts}
	wanted := protobufColumns(renamed)
	for _, c := range wanted {
		d.targets = append(d.targets, c.Target)
	}
	d.r, err = protobuf.NewReader(m, wanted, f.Props[propNullable], whole, opts.MaxDepth)
	return d, err
}

// Decode implements Decoder.
func (d *plainDecoder) Decode(payload []byte, dest []*vector.Vector) error {
	if len(payload) > d.opts.MaxSize {
		return fmt.Errorf("PROTOBUF_NOSR: %s bytes, at most %d are read", strconv.Itoa(len(payload)), d.opts.MaxSize)
	}
	if err := attempt(d.r, payload, dest, d.targets, false); err != nil {
		return fmt.Errorf("PROTOBUF_NOSR: %w", err)
	}
	return nil
}

func newPlainProtobufEncoder(f plan.Format, cols []Column, opts Options) (Encoder, error) {
	m, renamed, whole, err := plainMessage(f, cols, opts)
	if err != nil {
		return nil, err
	}
	e := &protobufEncoder{nullable: -1}
	if bare(f, cols, opts) {
		e.nullable = cols[0].Target
	}
	e.w, err = protobuf.NewWriter(m, protobufColumns(renamed), f.Props[propNullable], whole)
	return e, err
}
