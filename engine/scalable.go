package engine

import (
	"strings"

	"github.com/millrace/millrace/sql/plan"
)

// pushV2 is ksqlDB's switch for scalable push queries, and scalablePrefix what their ids begin with.
const (
	pushV2         = "ksql.query.push.v2.enabled"
	scalablePrefix = "SCALABLE_PUSH_QUERY"
)

// scalable says whether a push query is one that ksqlDB answers from a persistent query's own output where its switch is on: it
// filters and projects what one persistent query writes, from now on. Every push query of ours costs as little; what is left of the
// difference is that records without a key are passed over, and the id.
func (e *Engine) scalable(node plan.Node, props map[string]string) bool {
	text := func(name string) string {
		if v, ok := props[name]; ok {
			return v
		}
		return e.property(name)
	}
	if !strings.EqualFold(text(pushV2), "true") || !strings.EqualFold(text("auto.offset.reset"), "latest") {
		return false
	}
	simple, source := true, ""
	plan.Walk(node, func(n plan.Node) bool {
		switch x := n.(type) {
		case *plan.Result, *plan.Project, *plan.Filter:
		case *plan.Source:
			source = x.Name
		default:
			simple = false
		}
		return simple
	})
	return simple && len(e.Catalog().Writers(source)) == 1
}
