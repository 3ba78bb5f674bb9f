package analyzer

import (
	"slices"
	"strings"

	"github.com/millrace/millrace/sql/ast"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
)

// The names of the formats that the analyzer itself speaks of.
const (
	formatJSON      = "JSON"
	formatDelimited = "DELIMITED"
	formatKafka     = "KAFKA"
	formatNone      = "NONE"
)

// The properties of formats as plan.Format holds them.
const (
	propDelimiter  = "DELIMITER"
	propSchemaName = "FULL_SCHEMA_NAME"
	propSchemaID   = "SCHEMA_ID"
	propNullable   = "NULLABLE"
)

// formatRule is what is known about a format before any record is read.
type formatRule struct {
	wrap, unwrap bool     // ways to write a single column
	inference    bool     // columns can come from a schema registry
	props        []string // that the format takes
	inherited    []string // that a sink takes over from its source
	single       bool     // one column only
	refuses      []types.Kind
	stringKeys   bool // MAP keys must be STRING
	flat         bool // no ARRAY or MAP directly within one
}

var formatRules = map[string]formatRule{
	formatNone:      {},
	formatJSON:      {wrap: true, unwrap: true, stringKeys: true},
	formatDelimited: {unwrap: true, props: []string{propDelimiter}, inherited: []string{propDelimiter}, refuses: nested},
	formatKafka: {unwrap: true, single: true, refuses: append([]types.Kind{
		types.KindBoolean, types.KindDecimal, types.KindDate, types.KindTime, types.KindTimestamp,
	}, nested...)},
	"JSON_SR":       {wrap: true, unwrap: true, inference: true, stringKeys: true, props: []string{propSchemaName, propSchemaID}},
	"AVRO":          {wrap: true, unwrap: true, inference: true, stringKeys: true, props: []string{propSchemaName, propSchemaID}},
	"PROTOBUF":      {flat: true, wrap: true, inference: true, stringKeys: true, props: []string{propSchemaName, propSchemaID, propNullable}, inherited: []string{propSchemaName}},
	"PROTOBUF_NOSR": {flat: true, wrap: true, unwrap: true, stringKeys: true, props: []string{propNullable}, inherited: []string{propNullable}},
}

var nested = []types.Kind{types.KindArray, types.KindMap, types.KindStruct}

// takes says whether the format knows the property.
func (r formatRule) takes(prop string) bool { return slices.Contains(r.props, prop) }

// knownFormat finds the rule for a format as written.
func knownFormat(name string, at ast.Span) (string, formatRule, error) {
	upper := strings.ToUpper(name)
	if r, ok := formatRules[upper]; ok {
		return upper, r, nil
	}
	var all []string
	for n := range formatRules {
		all = append(all, n)
	}
	slices.Sort(all)
	return "", formatRule{}, advise(fail("with.unknown-format", at, "there is no format %s", name), "formats: %s", strings.Join(all, ", "))
}

// available refuses a format that lacks what it needs.
func (s *statement) available(f plan.Format, at ast.Span) error {
	if s.opts.Formats(f.Name) {
		return nil
	}
	return advise(fail("format.unavailable", at, "format %s needs a schema registry, and there is none", f.Name), "start the server with --schema-registry URL")
}

// checkKey verifies that the key columns can be written in the format.
func checkKey(f plan.Format, cols []plan.OutColumn, at ast.Span) error {
	for _, c := range cols {
		if hasMap(c.Type) {
			return fail("key.map", at, "key column %s is %s: a key cannot hold a MAP", types.QuoteName(c.Name), c.Type)
		}
	}
	return checkColumns("key", f, cols, at)
}

// checkColumns verifies that the format can hold the columns of one side, key or value.
func checkColumns(side string, f plan.Format, cols []plan.OutColumn, at ast.Span) error {
	r := formatRules[f.Name]
	switch {
	case f.Name == formatNone && len(cols) > 0:
		return fail("format.none-columns", at, "%s format NONE holds no columns, but there are: %s", side, plan.FormatColumns(cols))
	case r.single && len(cols) > 1:
		return advise(fail("format.single-field", at, "%s format %s holds a single column, not %d: %s", side, f.Name, len(cols), plan.FormatColumns(cols)),
			"use another %s_FORMAT, JSON say", strings.ToUpper(side))
	}
	for _, c := range cols {
		if err := checkColumn(side, f.Name, r, c, at); err != nil {
			return err
		}
	}
	return nil
}

func checkColumn(side, format string, r formatRule, c plan.OutColumn, at ast.Span) error {
	if slices.Contains(r.refuses, c.Type.Kind) {
		return advise(fail("format.type", at, "%s format %s cannot hold column %s of type %s", side, format, types.QuoteName(c.Name), c.Type),
			"use another %s_FORMAT, or cast the column", strings.ToUpper(side))
	}
	if r.stringKeys && hasMapWithout(c.Type, types.KindString) {
		return fail("format.map-key", at, "%s format %s needs STRING as the key of every MAP; column %s is %s", side, format, types.QuoteName(c.Name), c.Type)
	}
	if r.flat && typeHas(c.Type, func(t *types.Type) bool { return t.Elem != nil && t.Elem.Elem != nil }) {
		return fail("format.type", at, "%s format %s cannot hold an ARRAY or MAP directly within another; column %s is %s", side, format, types.QuoteName(c.Name), c.Type)
	}
	return nil
}

func hasMap(t *types.Type) bool {
	return typeHas(t, func(t *types.Type) bool { return t.Kind == types.KindMap })
}

func hasMapWithout(t *types.Type, key types.Kind) bool {
	return typeHas(t, func(t *types.Type) bool { return t.Kind == types.KindMap && t.Key.Kind != key })
}

// typeHas says whether the type or a part of it passes.
func typeHas(t *types.Type, pass func(*types.Type) bool) bool {
	if t == nil {
		return false
	}
	if pass(t) || typeHas(t.Key, pass) || typeHas(t.Elem, pass) {
		return true
	}
	for _, f := range t.Fields {
		if typeHas(f.Type, pass) {
			return true
		}
	}
	return false
}

// holds says whether the format can write the single key column of an internal topic.
// A format with registered schemas is not used there: equal keys would have different bytes.
func holds(f plan.Format, cols []plan.OutColumn) bool {
	return f.Name != formatNone && !formatRules[f.Name].inference && checkColumns("key", f, cols, ast.Span{}) == nil
}

// internalKey is the key format of an internal topic: that of the source if it can hold the key, else JSON.
func internalKey(f plan.Format, cols []plan.OutColumn) plan.Format {
	if !holds(f, cols) {
		f = plan.Format{Name: formatJSON}
	}
	f.Wrap = nil
	return f
}

// internalValue is the value format of internal topics; it holds every type that a source can.
var internalValue = plan.Format{Name: formatJSON}
