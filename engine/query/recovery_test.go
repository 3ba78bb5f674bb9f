package query

import (
	"testing"

	"github.com/millrace/millrace/engine/kafka"
)

func TestChanged(t *testing.T) {
	infos := map[string]kafka.TopicInfo{"a": {Partitions: 3}, "b": {Partitions: 1}}
	for _, c := range []struct {
		start map[string][]int64
		want  string
	}{
		{map[string][]int64{"a": {0, 0, 0}, "b": {0}}, ""},
		{map[string][]int64{"a": {0, 0, 0}, "gone": {0}}, ""},
		{map[string][]int64{"a": {0, 0}, "b": {0}}, "a"},
		{map[string][]int64{"a": {0, 0, 0}, "b": {0, 0}}, "b"},
	} {
		if topic, ok := changed(c.start, infos); topic != c.want || ok != (c.want != "") {
			t.Errorf("of %v topic %q has changed (%t), want %q", c.start, topic, ok, c.want)
		}
	}
}
