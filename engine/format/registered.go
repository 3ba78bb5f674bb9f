package format

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/catalog"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// The properties of plan.Format that the formats with schemas know.
const (
	propSchemaName = "FULL_SCHEMA_NAME"
	propSchemaID   = "SCHEMA_ID"
	propNullable   = "NULLABLE"
)

// The bytes of a record with a registered schema begin with a zero and the schema's number, big endian.
const headerLen = 5

// headerID reads the number of the schema that a payload was written with.
func headerID(payload []byte) (int, error) {
	if len(payload) < headerLen || payload[0] != 0 {
		return 0, errors.New("the bytes do not begin with the number of a schema")
	}
	return int(binary.BigEndian.Uint32(payload[1:])), nil
}

func appendHeader(dst []byte, id int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(id))
}

// schemaID is the number that WITH gave, 0 if none.
func schemaID(f plan.Format) (int, error) {
	text, ok := f.Props[propSchemaID]
	if !ok {
		return 0, nil
	}
	id, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("schema id %s: %w", text, err)
	}
	return id, nil
}

// inner decodes what stands behind the header. It may leave elements behind when it fails.
type inner interface {
	Decode(payload []byte, dest []*vector.Vector) error
}

// registeredDecoder picks the decoder of the schema that each payload names. Those it has made it keeps; a schema that is met for
// the first time is asked of the registry, and if that cannot answer the payload must be tried again.
type registeredDecoder struct {
	name     string
	opts     Options
	bare     bool
	targets  []int // of the wanted columns
	split    func(payload []byte) (key string, body []byte, err error)
	make     func(key string) (inner, error)
	last     string
	lastUsed inner
	known    map[string]known
}

type known struct {
	inner inner
	err   error
}

// maxSchemas bounds how many schemas a decoder keeps: bytes are hostile, and so are the numbers in them.
const maxSchemas = 1024

func newRegisteredDecoder(f plan.Format, cols []Column, opts Options) *registeredDecoder {
	d := &registeredDecoder{name: f.Name, opts: opts, bare: bare(f, cols, opts), known: map[string]known{}}
	for _, c := range cols {
		if c.Target >= 0 {
			d.targets = append(d.targets, c.Target)
		}
	}
	return d
}

// Decode implements Decoder.
func (d *registeredDecoder) Decode(payload []byte, dest []*vector.Vector) error {
	err := d.decode(payload, dest)
	if err != nil && !errors.Is(err, ErrNull) {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	return err
}

func (d *registeredDecoder) decode(payload []byte, dest []*vector.Vector) error {
	if len(payload) > d.opts.MaxSize {
		return fmt.Errorf("%d bytes, at most %d are read", len(payload), d.opts.MaxSize)
	}
	key, body, err := d.split(payload)
	if err != nil {
		return err
	}
	if d.lastUsed == nil || key != d.last {
		if d.lastUsed, err = d.find(key); err != nil {
			return err
		}
		d.last = key
	}
	return attempt(d.lastUsed, body, dest, d.targets, d.bare)
}

func (d *registeredDecoder) find(key string) (inner, error) {
	if k, ok := d.known[key]; ok {
		return k.inner, k.err
	}
	in, err := d.make(key)
	if errors.Is(err, registry.ErrUnavailable) {
		return nil, err
	}
	if len(d.known) >= maxSchemas {
		clear(d.known)
	}
	d.known[key] = known{in, err}
	return in, err
}

// attempt decodes, and takes back what was appended if that fails. A bare NULL stands for the record's.
func attempt(in inner, body []byte, dest []*vector.Vector, targets []int, bare bool) error {
	rows := 0
	if len(targets) > 0 {
		rows = dest[targets[0]].Len()
	}
	err := in.Decode(body, dest)
	if err == nil && bare && len(targets) > 0 && dest[targets[0]].IsNull(rows) {
		err = ErrNull
	}
	if err != nil {
		for _, t := range targets {
			if dest[t].Len() > rows {
				pop(dest[t])
			}
		}
	}
	return err
}

// fetch asks for a schema of a kind.
func fetch(opts Options, id int, kind string) (registry.Schema, error) {
	if opts.Schemas == nil {
		return registry.Schema{}, fmt.Errorf("%w: there is no schema registry", ErrUnavailable)
	}
	s, err := opts.Schemas.ByID(id)
	if err == nil && s.Kind != kind {
		err = fmt.Errorf("schema %d is %s, not %s", id, s.Kind, kind)
	}
	return s, err
}

// written is the schema that an encoder writes with: that of the number in WITH, else the one derived from the columns, which is
// registered for the topic's subject.
func written(f plan.Format, opts Options, kind string, derive func() (string, error)) (int, registry.Schema, error) {
	id, err := schemaID(f)
	if err != nil {
		return 0, registry.Schema{}, err
	}
	if id != 0 {
		s, err := fetch(opts, id, kind)
		return id, s, err
	}
	text, err := derive()
	if err != nil {
		return 0, registry.Schema{}, err
	}
	if opts.Schemas == nil {
		return 0, registry.Schema{}, fmt.Errorf("%w: there is no schema registry", ErrUnavailable)
	}
	s := registry.Schema{Kind: kind, Text: text}
	id, err = opts.Schemas.Register(registry.Subject(opts.Topic, opts.Key), s)
	return id, s, err
}

// fieldsOf are columns as fields.
func fieldsOf(cols []Column) []types.Field {
	out := make([]types.Field, len(cols))
	for i, c := range cols {
		out[i] = types.Field{Name: c.Name, Type: c.Type}
	}
	return out
}

// Register makes the schema of columns known to the registry, as a statement does that creates their topic. Missing says that a subject
// that has a schema keeps it. Formats without schemas have nothing to register.
func Register(f plan.Format, cols []Column, opts Options, missing bool) error {
	if kind := schemaKinds[f.Name]; kind == "" || len(cols) == 0 || opts.Schemas == nil {
		return nil
	}
	if missing {
		_, _, err := opts.Schemas.Latest(registry.Subject(opts.Topic, opts.Key))
		if !errors.Is(err, registry.ErrNotFound) {
			return err
		}
	}
	_, err := NewEncoder(f, cols, opts)
	return err
}

// RegisterSource makes the schemas of a stream's or table's topic known to the registry.
func RegisterSource(src *catalog.Source, schemas registry.Registry, missing bool) error {
	for _, side := range []struct {
		key    bool
		format plan.Format
		cols   []types.Column
	}{{true, src.KeyFormat, src.Schema.Keys()}, {false, src.ValueFormat, src.Schema.Values()}} {
		cols := make([]Column, len(side.cols))
		for i, c := range side.cols {
			cols[i] = Column{Name: c.Name, Type: c.Type, Target: i}
		}
		opts := Options{Key: side.key, Schemas: schemas, Topic: src.Topic}
		if err := Register(side.format, cols, opts, missing); err != nil {
			return fmt.Errorf("register the schemas of topic %s: %w", src.Topic, err)
		}
	}
	return nil
}

var schemaKinds = map[string]string{"AVRO": registry.Avro, "PROTOBUF": registry.Protobuf, "JSON_SR": registry.JSON}
