package engine

import (
	"testing"

	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

func TestWithoutNulls(t *testing.T) {
	v := vector.New(types.String)
	v.Append("a")
	v.Append(nil)
	if got := withoutNulls(v, 2); got.Value(0) != "a" || got.Value(1) != "" {
		t.Errorf("%v %v", got.Value(0), got.Value(1))
	}
	v = vector.New(types.Date)
	v.Append(nil)
	if got := withoutNulls(v, 1); got.Value(0) != nil {
		t.Errorf("a date is %v, and has a message of its own that can be absent", got.Value(0))
	}
	for _, c := range []struct {
		f    plan.Format
		want bool
	}{
		{plan.Format{Name: "JSON"}, false},
		{plan.Format{Name: "PROTOBUF"}, true},
		{plan.Format{Name: "PROTOBUF", Props: map[string]string{"NULLABLE": "OPTIONAL"}}, false},
	} {
		if got := losesNulls(c.f); got != c.want {
			t.Errorf("%v: %v", c.f, got)
		}
	}
}
