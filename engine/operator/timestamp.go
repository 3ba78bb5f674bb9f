package operator

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/types/javatime"
	"github.com/millrace/millrace/sql/vector"
)

// timeExtractor reads event time from a column.
type timeExtractor struct {
	col    int
	parse  *javatime.Formatter // of a STRING column
	column string
}

// maxTime is the latest event time that is taken, in the year 146 million. Sums of it with sizes, grace periods and gaps stay below
// the end of int64: beyond that a window would never end.
const maxTime = 1 << 62

// newTimeExtractor returns nil if the source or sink uses the record's own timestamp.
func newTimeExtractor(t *plan.Timestamp, cols []plan.OutColumn) (*timeExtractor, error) {
	if t == nil {
		return nil, nil
	}
	for i, c := range cols {
		if c.Name != t.Column {
			continue
		}
		x := &timeExtractor{col: i, column: t.Column}
		if c.Type.Kind == types.KindString {
			f, err := javatime.Compile(t.Format)
			if err != nil {
				return nil, fmt.Errorf("compile timestamp format of column %s: %w", types.QuoteName(t.Column), err)
			}
			x.parse = f
		}
		return x, nil
	}
	return nil, fmt.Errorf("timestamp column %s is not among the columns", types.QuoteName(t.Column))
}

// at is the event time of a row in milliseconds. It may be negative.
func (x *timeExtractor) at(cols []*vector.Vector, row int) (int64, error) {
	v := cols[x.col]
	if v.IsNull(row) {
		return 0, fmt.Errorf("timestamp column %s is null", types.QuoteName(x.column))
	}
	if x.parse == nil {
		return v.I64[v.At(row)], nil
	}
	return x.parse.ParseTimestamp(string(v.Str(row)), time.UTC)
}
