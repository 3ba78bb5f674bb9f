package operator

import (
	"strings"
	"testing"

	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/state/codec"
)

// TestRepartitionedRowsOfLaterReleases are refused, with flags that are not known as with rows of another form.
func TestRepartitionedRowsOfLaterReleases(t *testing.T) {
	out := []plan.OutColumn{{Name: "K", Type: types.Int, Role: plan.Key}}
	source := NewRepartitionSource(&plan.Repartition{Base: plan.Base{ID: "repartition-1", Out: out}}, &Env{Count: &Counters{}}, nil)
	row := codec.NewRow([]*types.Type{types.Int}).AppendValues(nil, []any{int32(7)})
	decode := func(flags, version byte) error {
		value := append([]byte{flags}, row...)
		value[1] = version
		b, err := source.Decode([]record.Record{{Offset: 5, Value: value}})
		if err == nil && (b.N != 1 || b.Cols[0].I32[0] != 7) {
			t.Errorf("%d rows", b.N)
		}
		return err
	}
	if err := decode(flagNew, codec.FormatVersion); err != nil {
		t.Error(err)
	}
	for _, err := range []error{decode(flagNew|16, codec.FormatVersion), decode(flagNew, codec.FormatVersion+1)} {
		if err == nil || !strings.Contains(err.Error(), "record 5") || !strings.Contains(err.Error(), "later release") {
			t.Errorf("got %v", err)
		}
	}
}
