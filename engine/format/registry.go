package format

import (
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// family is one format: what it can hold, and its two constructors, which are called only with columns that passed check.
type family struct {
	check   func(cols []Column) error
	decoder func(f plan.Format, cols []Column, opts Options) (Decoder, error)
	encoder func(f plan.Format, cols []Column, opts Options) (Encoder, error)
}

var families = map[string]family{
	"JSON":      {checkJSON, newJSONDecoder, newJSONEncoder},
	"DELIMITED": {checkDelimited, newDelimitedDecoder, newDelimitedEncoder},
	"KAFKA":     {checkKafka, newKafkaDecoder, newKafkaEncoder},
	"NONE":      {checkNone, newNoneDecoder, newNoneEncoder},

	"AVRO":          {checkJSON, newAvroDecoder, newAvroEncoder},
	"PROTOBUF":      {checkJSON, newProtobufDecoder, newProtobufEncoder},
	"PROTOBUF_NOSR": {checkJSON, newPlainProtobufDecoder, newPlainProtobufEncoder},
	"JSON_SR":       {checkJSON, newJSONSRDecoder, newJSONSREncoder},
}

func lookup(f plan.Format, cols []Column) (family, error) {
	fam, ok := families[f.Name]
	if !ok {
		return family{}, fmt.Errorf("%s: %w", f.Name, ErrUnavailable)
	}
	if err := fam.check(cols); err != nil {
		return family{}, fmt.Errorf("%s: %w", f.Name, err)
	}
	return fam, nil
}

// walk calls visit for t and every type inside it, outer first, and stops at the first error.
func walk(t *types.Type, visit func(*types.Type) error) error {
	if t == nil {
		return nil
	}
	if err := visit(t); err != nil {
		return err
	}
	if err := walk(t.Key, visit); err != nil {
		return err
	}
	if err := walk(t.Elem, visit); err != nil {
		return err
	}
	for _, f := range t.Fields {
		if err := walk(f.Type, visit); err != nil {
			return err
		}
	}
	return nil
}
