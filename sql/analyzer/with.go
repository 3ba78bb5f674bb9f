package analyzer

import (
	"strconv"
	"strings"

	"github.com/millrace/millrace/sql/ast"
)

// The statements that take WITH.
const (
	withCreate = 1 << iota
	withCreateAs
	withInsert
)

// propertyKind is the type of a property's value.
type propertyKind uint8

const (
	textProperty propertyKind = iota
	intProperty
	flagProperty
)

// propertyRule says where a property may stand and what its value is.
type propertyRule struct {
	kind  propertyKind
	where int
}

const withBoth = withCreate | withCreateAs

var propertyRules = map[string]propertyRule{
	"KAFKA_TOPIC": {textProperty, withBoth}, "PARTITIONS": {intProperty, withBoth}, "REPLICAS": {intProperty, withBoth},
	"RETENTION_MS": {intProperty, withBoth}, "CLEANUP_POLICY": {textProperty, withBoth},
	"FORMAT": {textProperty, withBoth}, "KEY_FORMAT": {textProperty, withBoth}, "VALUE_FORMAT": {textProperty, withBoth},
	"KEY_DELIMITER": {textProperty, withBoth}, "VALUE_DELIMITER": {textProperty, withBoth},
	"WRAP_SINGLE_VALUE": {flagProperty, withBoth}, "TIMESTAMP": {textProperty, withBoth},
	"TIMESTAMP_FORMAT": {textProperty, withBoth}, "VALUE_AVRO_SCHEMA_FULL_NAME": {textProperty, withBoth},
	"KEY_SCHEMA_FULL_NAME": {textProperty, withBoth}, "VALUE_SCHEMA_FULL_NAME": {textProperty, withBoth},
	"KEY_SCHEMA_ID": {intProperty, withBoth}, "VALUE_SCHEMA_ID": {intProperty, withBoth},
	"KEY_PROTOBUF_NULLABLE_REPRESENTATION":   {textProperty, withBoth},
	"VALUE_PROTOBUF_NULLABLE_REPRESENTATION": {textProperty, withBoth},
	"WINDOW_TYPE":                            {textProperty, withCreate}, "WINDOW_SIZE": {textProperty, withCreate},
	"SOURCE_CONNECTOR": {textProperty, withCreate}, "SOURCED_BY_CONNECTOR": {textProperty, withCreate},
	"QUERY_ID": {textProperty, withInsert},
}

// with holds the properties of a WITH clause by name, their values checked for their kind.
type with struct {
	at    ast.Span
	items map[string]setting
}

// setting is one property: text, or number, or flag, by its rule.
type setting struct {
	text   string
	number int64
	flag   bool
	at     ast.Span
}

// readWith checks names and value kinds.
func readWith(p *ast.Properties, where int, fallback ast.Span) (with, error) {
	w := with{at: fallback, items: map[string]setting{}}
	if p == nil {
		return w, nil
	}
	w.at = p.Span()
	for _, item := range p.Items {
		name := strings.ToUpper(item.Name.Name)
		rule, ok := propertyRules[name]
		if !ok || rule.where&where == 0 {
			return w, advise(fail("with.unknown", item.Span(), "property %s is unknown here", item.Name.Name), "%s", ast.Suggest(name, allowed(where)))
		}
		if _, twice := w.items[name]; twice {
			return w, fail("with.duplicate", item.Span(), "property %s is given twice", name)
		}
		v, err := readSetting(name, rule.kind, item.Value)
		if err != nil {
			return w, err
		}
		v.at = item.Span()
		w.items[name] = v
	}
	for _, pair := range [][2]string{
		{"KEY_FORMAT", "FORMAT"}, {"VALUE_FORMAT", "FORMAT"}, {"VALUE_AVRO_SCHEMA_FULL_NAME", "VALUE_SCHEMA_FULL_NAME"},
	} {
		if w.has(pair[0]) && w.has(pair[1]) {
			return w, fail("with.exclusive", w.items[pair[0]].at, "%s and %s exclude each other", pair[0], pair[1])
		}
	}
	return w, nil
}

func allowed(where int) []string {
	var out []string
	for name, r := range propertyRules {
		if r.where&where != 0 {
			out = append(out, name)
		}
	}
	return out
}

func readSetting(name string, kind propertyKind, e ast.Expr) (setting, error) {
	switch x := e.(type) {
	case *ast.StringLit:
		return textSetting(name, kind, x)
	case *ast.IntLit:
		if kind == intProperty {
			return setting{number: x.Value}, nil
		}
	case *ast.BoolLit:
		if kind == flagProperty {
			return setting{flag: x.Value}, nil
		}
	}
	wanted := [...]string{textProperty: "a string", intProperty: "an integer", flagProperty: "true or false"}[kind]
	return setting{}, fail("with.value", e.Span(), "property %s takes %s, not %s", name, wanted, e)
}

func textSetting(name string, kind propertyKind, x *ast.StringLit) (setting, error) {
	switch kind {
	case intProperty:
		n, err := strconv.ParseInt(strings.TrimSpace(x.Value), 10, 64)
		if err != nil {
			return setting{}, fail("with.value", x.Span(), "property %s takes an integer, not %s", name, x)
		}
		return setting{number: n}, nil
	case flagProperty:
		switch strings.ToLower(x.Value) {
		case "true":
			return setting{flag: true}, nil
		case "false":
			return setting{}, nil
		}
		return setting{}, fail("with.value", x.Span(), "property %s takes true or false, not %s", name, x)
	}
	return setting{text: x.Value}, nil
}

func (w with) has(name string) bool { _, ok := w.items[name]; return ok }

func (w with) text(name string) string { return w.items[name].text }

// span is where a property stands, or the whole clause.
func (w with) span(names ...string) ast.Span {
	for _, n := range names {
		if s, ok := w.items[n]; ok {
			return s.at
		}
	}
	return w.at
}
