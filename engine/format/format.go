// Package format turns the bytes of a record's key or value into columns, and columns into bytes.
//
// A Decoder is made once for a source: from the schema that the bytes follow and the columns that the plan reads. It
// then appends one element a record straight to the vectors of a batch; what nobody reads is checked and skipped. An
// Encoder is made once for a sink and appends bytes to a buffer of the caller's. Neither may be
// used from two goroutines at once: each task has its own.
//
//	JSON       objects, or bare values of a single column (Format.Wrap)
//	DELIMITED  one line of comma separated values; Props["DELIMITER"] is a character, TAB or SPACE
//	KAFKA      one column as Kafka's own serializers write it
//	NONE       no columns at all
//	AVRO, PROTOBUF, JSON_SR
//	           a header with the number of the schema, and the value; PROTOBUF_NOSR is a message without a header
//
// Formats with schemas ask a registry: an Encoder when it is made, a Decoder when it meets a number for the first time. If the registry
// cannot be reached the error wraps registry.ErrUnavailable, and says nothing against the record: the caller tries again.
//
// A null key or value never gets here: the caller knows it from the record, and decides what it means.
package format

import (
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/engine/registry"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// Skip is the Target of a column that the bytes hold and nobody reads.
const Skip = -1

// Column is one column as the bytes hold it.
type Column struct {
	Name string
	Type *types.Type
	// Target is the position in dest (Decoder) or cols (Encoder) of the column's vector, or Skip (Decoder only).
	Target int
}

// Options bound what is accepted. The zero value means the defaults.
type Options struct {
	// Key says that the bytes are a record's key: there a single column is bare unless Format.Wrap says otherwise.
	Key bool
	// MaxDepth bounds the nesting of a value; 0 means DefaultMaxDepth.
	MaxDepth int
	// MaxSize bounds the bytes of one payload; 0 means DefaultMaxSize.
	MaxSize int
	// Schemas is the registry of the formats that have schemas; nil: there is none. Topic names the subjects.
	Schemas registry.Registry
	Topic   string
}

// The limits of the zero Options.
const (
	DefaultMaxDepth = 128
	DefaultMaxSize  = 64 << 20
)

// ErrNull says that bytes and columns do not map to each other because the record's key or value is null. From Decode:
// the payload stands for null (the JSON text null), so treat it as a null key or value. From Append: a bare single column
// is NULL, so write a null key or value. Nothing was appended.
var ErrNull = errors.New("payload is null")

// ErrUnavailable is wrapped by the errors of NewDecoder and NewEncoder for a format that this build does not have.
var ErrUnavailable = errors.New("format not available")

// Decoder reads payloads of one schema.
type Decoder interface {
	// Decode appends exactly one element (which may be NULL) to dest[c.Target] of every column c that is not skipped. On
	// an error nothing was appended to any vector. Payload is read during the call only; nothing aliases it later.
	Decode(payload []byte, dest []*vector.Vector) error
}

// Encoder writes rows of one schema.
type Encoder interface {
	// Append adds the bytes of a row to dst and returns the extended slice. cols[c.Target] is column c's vector. On an
	// error the returned slice is dst as it was; ErrNull says that the record's key or value is null. A row of which all columns
	// are NULL is otherwise written as such: whether a row is a tombstone is the caller's to know.
	Append(dst []byte, cols []*vector.Vector, row int) ([]byte, error)
}

// NewDecoder returns a decoder of the format for columns in the order that the schema declares them.
func NewDecoder(f plan.Format, cols []Column, opts Options) (Decoder, error) {
	fam, err := lookup(f, cols)
	if err != nil {
		return nil, err
	}
	return fam.decoder(f, cols, opts.withDefaults())
}

// NewEncoder returns an encoder of the format for columns in the order that the schema declares them. No column may be Skip.
func NewEncoder(f plan.Format, cols []Column, opts Options) (Encoder, error) {
	fam, err := lookup(f, cols)
	if err != nil {
		return nil, err
	}
	for _, c := range cols {
		if c.Target < 0 {
			return nil, fmt.Errorf("%s: column %s has no vector to encode", f.Name, types.QuoteName(c.Name))
		}
	}
	return fam.encoder(f, cols, opts.withDefaults())
}

// Check says whether the format can hold the columns, as NewDecoder and NewEncoder would.
func Check(f plan.Format, cols []Column) error {
	_, err := lookup(f, cols)
	return err
}

func (o Options) withDefaults() Options {
	if o.MaxDepth <= 0 {
		o.MaxDepth = DefaultMaxDepth
	}
	if o.MaxSize <= 0 {
		o.MaxSize = DefaultMaxSize
	}
	o.MaxSize = min(o.MaxSize, math.MaxInt32)
	return o
}
