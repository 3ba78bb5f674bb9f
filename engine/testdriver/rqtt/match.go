package rqtt

import (
	"encoding/json"
	"strings"

	"github.com/millrace/millrace/engine/testdriver/qtt"
)

// matchFields compares the fields that the case names; others may be there. A name that ends in |starts_with asks for a prefix, and
// {STATEMENT} in a text stands for the statement.
func matchFields(got map[string]any, want map[string]json.RawMessage, statement string) error {
	for name, raw := range want {
		name, operator, _ := strings.Cut(name, "|")
		have, ok := got[name]
		if !ok {
			return qtt.Failf("answer "+name, "missing in %s", show(got))
		}
		if err := matchField(name, operator, have, raw, statement); err != nil {
			return err
		}
	}
	return nil
}

func matchField(name, operator string, have any, raw json.RawMessage, statement string) error {
	var nested map[string]json.RawMessage
	if inner, ok := have.(map[string]any); ok && json.Unmarshal(raw, &nested) == nil && nested != nil {
		return matchFields(inner, nested, statement)
	}
	need, err := qtt.Parse(raw)
	if err != nil {
		return err
	}
	if text, ok := need.(string); ok {
		text = strings.ReplaceAll(text, "{STATEMENT}", statement)
		need = text
		if operator == "starts_with" {
			if s, ok := have.(string); ok && strings.HasPrefix(s, text) {
				return nil
			}
			return qtt.Failf("answer "+name, "%s, expected to begin with %s", show(have), text)
		}
	}
	if path := qtt.Differ(have, need); path != "" {
		return qtt.Failf("answer "+name, "%s, expected %s", show(have), show(need))
	}
	return nil
}

// compareRows compares the objects of a query's answer: the header first, the rows in order or in any, as the case says.
func compareRows(got answer, want []map[string]json.RawMessage, ordered bool, statement string) error {
	if len(got) > 0 && len(want) > 0 {
		if err := matchFields(got[0], want[0], statement); err != nil {
			return err
		}
	}
	if len(got) != len(want) {
		return qtt.Failf("row count", "%d objects, expected %d: %s", len(got), len(want), show(got))
	}
	left := append(answer{}, got...)
	for i, w := range want {
		at, first := -1, error(nil)
		for j, g := range left {
			err := matchFields(g, w, statement)
			if err == nil {
				at = j
				break
			}
			if first == nil {
				first = err
			}
			if ordered {
				break
			}
		}
		if at < 0 {
			return qtt.Failf("rows", "object %d, %s, is not among %s (%v)", i, show(w), show(left), first)
		}
		left = append(left[:at], left[at+1:]...)
	}
	return nil
}
