package format

import (
	"fmt"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/vector"
)

// none is the format of a side without columns: whatever the bytes are, they are not looked at.
type none struct{}

func checkNone(cols []Column) error {
	if len(cols) > 0 {
		return fmt.Errorf("the 'NONE' format can only be used when no columns are defined; got %d", len(cols))
	}
	return nil
}

func newNoneDecoder(plan.Format, []Column, Options) (Decoder, error) { return none{}, nil }
func newNoneEncoder(plan.Format, []Column, Options) (Encoder, error) { return none{}, nil }

// Decode implements Decoder.
func (none) Decode([]byte, []*vector.Vector) error { return nil }

// Append implements Encoder.
func (none) Append(dst []byte, _ []*vector.Vector, _ int) ([]byte, error) { return dst, nil }
